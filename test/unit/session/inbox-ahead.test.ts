import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inbox, type Turn } from '../../../src/session/inbox.ts'

/** An inbox whose items end, and are recorded, when the test says so. */
class Stage {
  readonly begun: string[] = []
  readonly seen: string[] = []
  readonly turns = new Map<string, Turn>()
  readonly #ends = new Map<string, () => void>()
  readonly inbox: Inbox<string>

  constructor() {
    this.inbox = new Inbox<string>(
      (item, turn) => {
        this.begun.push(item)
        this.turns.set(item, turn)
        if (item.endsWith('at once')) return undefined
        if (item.endsWith('recorded')) turn.recorded()
        return this.#process(item, turn)
      },
      0,
      () => {},
      () => {},
      (item) => !item.startsWith('iq'),
    )
  }

  async #process(item: string, turn: Turn): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ends.set(item, resolve)
    await promise
    await turn.before
    this.seen.push(item)
  }

  accept(...items: string[]): void {
    for (const item of items) this.inbox.accept('juliet', item)
  }

  /** Ends an item and lets what waits for it go on. */
  async end(item: string): Promise<void> {
    this.#ends.get(item)!()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('what is on its way to disk lets the next begin, and what others see stays in order', async () => {
  const stage = new Stage()
  stage.accept('1 recorded', '2 recorded', '3 recorded')
  assert.deepEqual(stage.begun, ['1 recorded', '2 recorded', '3 recorded'])
  await stage.end('3 recorded')
  await stage.end('2 recorded')
  assert.deepEqual(stage.seen, [])
  assert.equal(stage.inbox.handled, 0)
  await stage.end('1 recorded')
  assert.deepEqual(stage.seen, ['1 recorded', '2 recorded', '3 recorded'])
  assert.equal(stage.inbox.handled, 3)
  await stage.inbox.idle()
})

test('nothing begins before the one in front of it is on its way to disk', async () => {
  const stage = new Stage()
  stage.accept('1', '2', '3')
  assert.deepEqual(stage.begun, ['1'])
  stage.turns.get('1')!.recorded()
  assert.deepEqual(stage.begun, ['1', '2'])
  await stage.end('1')
  assert.deepEqual(stage.begun, ['1', '2'])
  stage.turns.get('2')!.recorded()
  assert.deepEqual(stage.begun, ['1', '2', '3'])
  await stage.end('2')
  await stage.end('3')
  assert.deepEqual(stage.seen, ['1', '2', '3'])
})

test('what may not run ahead waits for the end of all before it, and holds up what is behind it', async () => {
  const stage = new Stage()
  stage.accept('1 recorded', 'iq', '2 recorded', '3 recorded')
  assert.deepEqual(stage.begun, ['1 recorded'])
  await stage.end('1 recorded')
  assert.deepEqual(stage.begun, ['1 recorded', 'iq'])
  await stage.end('iq')
  assert.deepEqual(stage.begun, ['1 recorded', 'iq', '2 recorded', '3 recorded'])
  await stage.end('2 recorded')
  await stage.end('3 recorded')
  assert.equal(stage.inbox.handled, 4)
})

test('one that is refused at once, in the midst of a burst, lets the next follow and counts in order', async () => {
  const stage = new Stage()
  stage.accept('1 recorded', '2 at once', '3 recorded')
  assert.deepEqual(stage.begun, ['1 recorded', '2 at once', '3 recorded'])
  assert.equal(stage.inbox.handled, 0)
  await stage.end('3 recorded')
  assert.deepEqual(stage.seen, [])
  await stage.end('1 recorded')
  assert.deepEqual(stage.seen, ['1 recorded', '3 recorded'])
  assert.equal(stage.inbox.handled, 3)
})

test('a burst of any length takes no more stack than a single one', async () => {
  const stage = new Stage()
  const items = Array.from({ length: 20_000 }, (_, n) => `${n}`)
  stage.accept(...items)
  stage.turns.get('0')!.recorded()
  for (const item of items) {
    stage.turns.get(item)!.recorded()
    void stage.end(item)
  }
  await stage.inbox.idle()
  assert.deepEqual(stage.seen, items)
})
