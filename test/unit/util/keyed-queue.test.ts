import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedQueue } from '../../../src/util/keyed-queue.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('work of one key runs one after the other, in order; other keys do not wait', async () => {
  const queue = new KeyedQueue()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = queue.run('a', async () => {
    log.push('a1 begins')
    await gate.promise
    log.push('a1 ends')
    return 1
  })
  const second = queue.run('a', () => {
    log.push('a2')
    return 2
  })
  const other = queue.run('b', () => log.push('b'))
  await other
  await turn()
  assert.deepEqual(log, ['a1 begins', 'b'])
  gate.resolve()
  assert.deepEqual(await Promise.all([first, second]), [1, 2])
  assert.deepEqual(log, ['a1 begins', 'b', 'a1 ends', 'a2'])
})

test('work never runs inside the call that queues it', async () => {
  const queue = new KeyedQueue()
  let ran = false
  const done = queue.run('a', () => {
    ran = true
  })
  assert.equal(ran, false)
  await done
  assert.equal(ran, true)
})

test('a failure reaches its caller and nobody behind it, whether thrown or rejected', async () => {
  const queue = new KeyedQueue()
  const results = await Promise.allSettled([
    queue.run('a', () => {
      throw new Error('thrown')
    }),
    queue.run('a', async () => 'fine'),
    queue.run('a', () => Promise.reject(new Error('rejected'))),
    queue.run('a', (...given: unknown[]) => given),
  ])
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    ['thrown', 'fine', 'rejected', []],
  )
})

test('what one job returns is not handed to the next', async () => {
  const queue = new KeyedQueue()
  void queue.run('a', () => 'secret')
  assert.deepEqual(await queue.run('a', (...given: unknown[]) => given), [])
})

test('work queued by work of the same key runs after it', async () => {
  const queue = new KeyedQueue()
  const log: string[] = []
  let inner: Promise<unknown> | undefined
  await queue.run('a', async () => {
    inner = queue.run('a', () => log.push('inner'))
    await turn()
    log.push('outer')
  })
  await inner
  assert.deepEqual(log, ['outer', 'inner'])
})

test('idle is when all that was queued by then is done, failures too', async () => {
  const queue = new KeyedQueue()
  await queue.idle()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  void queue.run('a', () => gate.promise)
  void queue.run('a', () => log.push('a'))
  const failed = queue.run('b', () => Promise.reject(new Error('no')))
  failed.catch(() => {})
  const idle = queue.idle().then(() => log.push('idle'))
  await turn()
  assert.deepEqual(log, [])
  gate.resolve()
  await idle
  assert.deepEqual(log, ['a', 'idle'])
})
