import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inbox } from '../../../src/session/inbox.ts'

/** An inbox whose items wait until the test lets them go, or not at all when their name begins with `now`. */
function inboxOf(limit = 0) {
  const log: string[] = []
  const waiting = new Map<string, () => void>()
  const process = (item: string): void | Promise<void> => {
    log.push(item)
    if (item.startsWith('now')) return
    return new Promise((resolve) => waiting.set(item, resolve))
  }
  const inbox = new Inbox(
    process,
    limit,
    () => log.push('full'),
    () => log.push('drained'),
  )
  /** Ends an item and lets all that follows from it happen. */
  const end = async (item: string): Promise<void> => {
    waiting.get(item)!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { inbox, log, end }
}

test('what need not wait is done before `accept` returns', () => {
  const { inbox, log } = inboxOf()
  inbox.accept('juliet', 'now 1')
  assert.deepEqual(log, ['now 1'])
  inbox.accept('juliet', 'now 2')
  assert.deepEqual(log, ['now 1', 'now 2'])
})

test('later stanzas to an address queue behind one that waits; those to others pass // RFC 6120 §10.1', async () => {
  const { inbox, log, end } = inboxOf()
  inbox.accept('juliet', 'a')
  inbox.accept('juliet', 'now b')
  inbox.accept('nurse', 'now c')
  inbox.accept('juliet', 'd')
  inbox.accept('juliet', 'e')
  assert.deepEqual(log, ['a', 'now c'])
  await end('a')
  assert.deepEqual(log, ['a', 'now c', 'now b', 'd'])
  await end('d')
  assert.deepEqual(log.slice(4), ['e'])
  await end('e')
  inbox.accept('juliet', 'now f')
  assert.equal(log.at(-1), 'now f')
})

test('two addresses that wait do not wait for each other', async () => {
  const { inbox, log, end } = inboxOf()
  inbox.accept('juliet', 'a')
  inbox.accept('nurse', 'b')
  inbox.accept('juliet', 'now a2')
  inbox.accept('nurse', 'now b2')
  await end('b')
  assert.deepEqual(log, ['a', 'b', 'now b2'])
  await end('a')
  assert.deepEqual(log, ['a', 'b', 'now b2', 'now a2'])
})

test('the owner hears once when the limit is reached and once when half is done', async () => {
  const { inbox, log, end } = inboxOf(4)
  for (const name of ['a', 'b', 'c']) inbox.accept(name, name)
  assert.ok(!log.includes('full'))
  inbox.accept('d', 'd')
  inbox.accept('e', 'e')
  assert.deepEqual(
    log.filter((line) => line === 'full'),
    ['full'],
  )
  await end('a')
  await end('b')
  assert.ok(!log.includes('drained'))
  await end('c')
  assert.equal(log.at(-1), 'drained')
  await end('d')
  inbox.accept('f', 'f')
  inbox.accept('g', 'g')
  assert.equal(log.filter((line) => line === 'full').length, 1)
  inbox.accept('h', 'h')
  assert.equal(log.at(-1), 'full')
})

test('what queues behind another counts towards the limit', () => {
  const { inbox, log } = inboxOf(3)
  inbox.accept('juliet', 'a')
  inbox.accept('juliet', 'now b')
  inbox.accept('juliet', 'now c')
  assert.deepEqual(log, ['a', 'full'])
})

test('a limit of one pauses at each stanza that waits; a limit of 0 never does', async () => {
  const one = inboxOf(1)
  one.inbox.accept('juliet', 'a')
  await one.end('a')
  assert.deepEqual(one.log, ['a', 'full', 'drained'])
  const none = inboxOf(0)
  for (let i = 0; i < 1000; i++) none.inbox.accept(`${i}`, `${i}`)
  assert.ok(!none.log.includes('full'))
})

test('what the owner reads as it hears of the drain keeps its place', async () => {
  const log: string[] = []
  const releases: (() => void)[] = []
  const unread = ['c']
  const inbox: Inbox<string> = new Inbox<string>(
    (item) => {
      log.push(item)
      return item === 'a' ? new Promise((resolve) => releases.push(resolve)) : undefined
    },
    2,
    () => {},
    () => {
      if (unread.length > 0) inbox.accept('juliet', unread.pop()!)
    },
  )
  inbox.accept('juliet', 'a')
  inbox.accept('juliet', 'b')
  releases[0]!()
  await inbox.idle()
  assert.deepEqual(log, ['a', 'b', 'c'])
})

test('idle is when nothing is under way, for everybody who asked', async () => {
  const { inbox, log, end } = inboxOf()
  await inbox.idle()
  inbox.accept('juliet', 'a')
  inbox.accept('juliet', 'b')
  inbox.accept('nurse', 'c')
  const asked = [1, 2].map((n) => inbox.idle().then(() => log.push(`idle ${n}`)))
  await end('a')
  await end('c')
  assert.ok(!log.includes('idle 1'))
  await end('b')
  await Promise.all(asked)
  assert.deepEqual(log.slice(-2), ['idle 1', 'idle 2'])
  await inbox.idle()
})

// XEP-0198 §4
test('what was handled is counted from the first on, without gaps, whatever ends first', async () => {
  const { inbox, end } = inboxOf()
  const told: number[] = []
  inbox.onHandled = () => told.push(inbox.handled)
  assert.deepEqual([inbox.accepted, inbox.handled], [0, 0])
  inbox.accept('nurse', 'now 1')
  assert.deepEqual([inbox.accepted, inbox.handled], [1, 1])
  inbox.accept('juliet', 'two')
  inbox.accept('nurse', 'now 3')
  inbox.accept('tybalt', 'four')
  inbox.accept('juliet', 'now 5')
  assert.deepEqual([inbox.accepted, inbox.handled], [5, 1])
  await end('four')
  assert.equal(inbox.handled, 1)
  await end('two')
  assert.deepEqual([inbox.accepted, inbox.handled], [5, 5])
  assert.equal(told.at(-1), 5)
  // What ends at once is counted, and nobody needs to be told.
  const before = told.length
  inbox.accept('nurse', 'now 6')
  assert.deepEqual([inbox.handled, told.length], [6, before])
})

test('what ends early waits for all that came before it, and is counted once', async () => {
  const { inbox, end } = inboxOf()
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) inbox.accept(name, name)
  const handled: number[] = []
  for (const name of ['f', 'b', 'c', 'a', 'e', 'd']) {
    await end(name)
    handled.push(inbox.handled)
  }
  assert.deepEqual(handled, [0, 0, 0, 3, 3, 6])
})
