import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RoomQueue } from '../../../../modules/muc/room-queue.ts'

/** Something that takes until `resolve`, or `reject`, is called. */
function work(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const begin = () => {
    log.push(`${name} begins`)
    return promise.then(() => void log.push(`${name} ends`))
  }
  return { begin, resolve, reject }
}

/** Everything that can go on without anybody's doing has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('what needs no time is done at once', () => {
  const queue = new RoomQueue(() => {})
  const log: string[] = []
  assert.equal(
    queue.run(() => void log.push('run')),
    undefined,
  )
  assert.equal(
    queue.share(() => void log.push('share')),
    undefined,
  )
  assert.deepEqual(log, ['run', 'share'])
  assert.ok(queue.isIdle)
})

test('what runs alone waits for all before it, and all after it wait', async () => {
  const queue = new RoomQueue(() => {})
  const log: string[] = []
  const [one, two, alone, three] = ['one', 'two', 'alone', 'three'].map((name) => work(log, name))
  void queue.share(one!.begin)
  void queue.share(two!.begin)
  void queue.run(alone!.begin)
  void queue.share(three!.begin)
  two!.resolve()
  await settled()
  assert.deepEqual(log.splice(0), ['one begins', 'two begins', 'two ends'])
  one!.resolve()
  await settled()
  assert.deepEqual(log.splice(0), ['one ends', 'alone begins'])
  alone!.resolve()
  await settled()
  assert.deepEqual(log.splice(0), ['alone ends', 'three begins'])
  assert.ok(!queue.isIdle)
  three!.resolve()
  await settled()
  assert.ok(queue.isIdle)
})

test('what runs alone does so in the order in which it was asked for', async () => {
  const queue = new RoomQueue(() => {})
  const log: string[] = []
  const [one, two] = ['one', 'two'].map((name) => work(log, name))
  void queue.run(one!.begin)
  void queue.run(two!.begin)
  two!.resolve()
  await settled()
  assert.deepEqual(log, ['one begins'])
  one!.resolve()
  await settled()
  assert.deepEqual(log, ['one begins', 'one ends', 'two begins', 'two ends'])
})

test('what fails tells its own caller and nobody else', async () => {
  const queue = new RoomQueue(() => {})
  const log: string[] = []
  const [one, two] = ['one', 'two'].map((name) => work(log, name))
  const failed = queue.run(one!.begin) as Promise<void>
  const shared = queue.share(two!.begin) as Promise<void>
  one!.reject(new Error('no disk'))
  await assert.rejects(failed, /no disk/)
  await settled()
  two!.reject(new Error('no disk either'))
  await assert.rejects(shared, /either/)
  await settled()
  assert.deepEqual(log, ['one begins', 'two begins'])
  assert.ok(queue.isIdle)
})

test('a work that throws at once leaves the queue as it was', () => {
  const queue = new RoomQueue(() => {})
  const fail = () => {
    throw new Error('no')
  }
  assert.throws(() => queue.run(fail), /no/)
  assert.throws(() => queue.share(fail), /no/)
  assert.ok(queue.isIdle)
})

test('it says when it is idle again', async () => {
  let idle = 0
  const queue = new RoomQueue(() => idle++)
  const log: string[] = []
  const [one, two] = ['one', 'two'].map((name) => work(log, name))
  void queue.share(one!.begin)
  void queue.run(two!.begin)
  one!.resolve()
  await settled()
  assert.equal(idle, 0)
  two!.resolve()
  await settled()
  assert.equal(idle, 1)
})

test('what a work brings about is done when it is over', async () => {
  const queue = new RoomQueue(() => {})
  const log: string[] = []
  let brought: void | Promise<void> | undefined
  queue.run(() => {
    log.push('begins')
    brought = queue.run(() => void log.push('brought'))
    log.push('ends')
  })
  assert.deepEqual(log, ['begins', 'ends', 'brought'])
  await brought
  const alone = work(log, 'alone')
  void queue.run(() => {
    void queue.share(() => void log.push('shared'))
    return alone.begin()
  })
  alone.resolve()
  await settled()
  assert.deepEqual(log.slice(3), ['alone begins', 'alone ends', 'shared'])
  assert.ok(queue.isIdle)
})
