import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Ledger } from '../../../../modules/stream-management/ledger.ts'
import { Rounds } from '../../../../modules/stream-management/rounds.ts'
import { Handover, parseDocument, StreamError, Wire } from '../../../../src/api.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { Stage, StageStream } from '../../session/stage.ts'

const off = { stanzas: 0, bytes: 0, delay: 0, timeout: 0 }
const REQUEST = "<r xmlns='urn:xmpp:sm:3'/>"
let clock: FakeClock
let stage: Stage

beforeEach(() => {
  clock = new FakeClock()
  stage = new Stage()
})

async function begin(before?: { acknowledged: number; handled: number }, maxQueue = 0) {
  const stream = await stage.session('romeo', 'orchard')
  const rounds = new Rounds((ms, fn) => clock.after(ms, fn), clock)
  const ledger = new Ledger(stream.session, { policy: { maxQueue, request: off }, rounds, clock }, before)
  stream.session.queue = ledger
  const send = (text: string) => stream.session.send(parseDocument(`<message id='${text}'/>`))
  const heard = () => stream.heard.splice(0)
  return { stream, session: stream.session, ledger, send, heard }
}

test('counts begin anew at 2³² in both directions // XEP-0198 §4', async () => {
  const { ledger, send } = await begin({ acknowledged: 2 ** 32 - 2, handled: 2 ** 32 - 1 })
  for (const text of ['a', 'b', 'c', 'd']) send(text)
  ledger.acknowledge(2 ** 32 - 1)
  assert.deepEqual([...ledger.unacknowledged()].length, 3)
  ledger.acknowledge(1)
  assert.deepEqual([...ledger.unacknowledged()], ['<message id="d"/>'])
  // From before the turn: behind, not far ahead.
  ledger.acknowledge(2 ** 32 - 1)
  assert.equal(ledger.canResumeAt(2 ** 32 - 1), false)
  assert.throws(() => ledger.acknowledge(3), StreamError)
  assert.equal(ledger.handled, 2 ** 32 - 1)
  ledger.session.inbox.accept('x', parseDocument('<presence/>'))
  ledger.session.inbox.accept('x', parseDocument('<presence/>'))
  ledger.answer()
  assert.match((ledger.session.stream as StageStream).heard.at(-1)!, /h='1'/)
})

test('whoever waits for all to be acknowledged hears when it is, and not of what came later', async () => {
  const { ledger, session, send, heard } = await begin()
  assert.equal(session.received(), true)
  send('a')
  const first = session.received() as Promise<boolean>
  send('b')
  const second = session.received() as Promise<boolean>
  heard()
  await null
  // It asks on their behalf, once.
  assert.deepEqual(heard(), [REQUEST])
  let ended: string[] = []
  void first.then((all) => ended.push(`first ${all}`))
  void second.then((all) => ended.push(`second ${all}`))
  ledger.acknowledge(1)
  await first
  assert.deepEqual(ended, ['first true'])
  // What is left is asked about again.
  assert.deepEqual(heard(), [REQUEST])
  ended = []
  session.close()
  await second
  assert.deepEqual(ended, ['second false'])
  assert.equal(session.received(), false)
})

test('what is over gives back what nobody has, oldest first', async () => {
  const { ledger } = await begin()
  const [a, b, c] = ['a', 'b', 'c'].map((text) => new Handover(text, 0)) as [Handover, Handover, Handover]
  for (const handover of [a, b, c]) ledger.add(handover.text, handover)
  ledger.add('own', undefined)
  // Another has it still.
  b.hold()
  ledger.acknowledge(1)
  assert.deepEqual(ledger.abandon(), [c])
  assert.equal(a.reached, true)
  assert.equal(b.giveUp(), true)
  assert.deepEqual(ledger.abandon(), [])
})

test('at its bound it ends the session after the turn, so that others get the same stanza first', async () => {
  const { session, send, stream } = await begin(undefined, 1000)
  for (let n = 0; n < 20; n++) send(`${n}`)
  assert.equal(session.live, true)
  await null
  assert.equal(session.live, false)
  assert.equal(stream.error?.condition, 'resource-constraint')
})

/** A stream that takes a piece at a time. */
class SlowStream extends StageStream {
  readonly #waiting: (() => void)[] = []
  override drained(): undefined {
    return new Promise<void>((resolve) => this.#waiting.push(resolve)) as never
  }
  async takes(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function missing(count: number) {
  const parts = await begin()
  parts.session.rest()
  parts.ledger.rest()
  const big = 'x'.repeat(200_000)
  for (let n = 0; n < count; n++) parts.send(`${n}${big}`)
  const slow = new SlowStream(stage.host)
  parts.session.stream = slow
  const ids = () => slow.heard.map((text) => /id="(\w?)/.exec(text)?.[1] ?? text)
  return { ...parts, slow, ids }
}

test('what was missed is sent a piece at a time, and what is new behind it', async () => {
  const { ledger, send, slow, ids } = await missing(4)
  const replay = ledger.replay(0)
  assert.deepEqual(ids(), ['0', '1'])
  send('n')
  ledger.session.sendHere(Wire.of(parseDocument('<message id="m"/>')))
  assert.deepEqual(ids(), ['0', '1'])
  // Acknowledging meanwhile leaves nothing out and doubles nothing.
  ledger.acknowledge(1)
  await slow.takes()
  assert.deepEqual(ids(), ['0', '1', '2', '3'])
  await slow.takes()
  assert.equal(await replay, true)
  assert.deepEqual(ids(), ['0', '1', '2', '3', 'n', 'm', REQUEST])
  send('z')
  assert.equal(ids().at(-1), 'z')
})

test('a connection that goes in the midst of it leaves all to the next', async () => {
  const { ledger, session, slow, ids } = await missing(4)
  const replay = ledger.replay(0)
  session.rest()
  ledger.rest()
  const next = new StageStream(stage.host)
  session.stream = next
  assert.equal(await ledger.replay(1), true)
  await slow.takes()
  assert.equal(await replay, false)
  assert.deepEqual(ids(), ['0', '1'])
  assert.deepEqual(
    next.heard.map((text) => /id="(\w)/.exec(text)?.[1] ?? text),
    ['1', '2', '3', REQUEST],
  )
})
