import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Jid, parseDocument, type Session, sessionClosed, Wire } from '../../../src/api.ts'
import { StanzaEvent } from '../../../src/pipeline/stanza-event.ts'
import type { OutgoingFilter } from '../../../src/session/outgoing.ts'
import { MemoryQueue } from '../../support/memory-queue.ts'
import { Stage, type StageStream } from './stage.ts'

const text = (id: string, to = 'juliet@verona.example') => `<message id="${id}" to="${to}"/>`
const stanza = (id: string) => parseDocument(text(id))
let stage: Stage
let stream: StageStream
let session: Session

beforeEach(async () => {
  stage = new Stage()
  const bound = await stage.session('juliet', 'balcony', 0)
  stream = bound
  session = bound.session
})

const heard = (of = stream) => of.heard.map((line) => parseDocument(line).attrs['id'])

function eventOf(id: string): StanzaEvent {
  const from = Jid.parse('romeo@verona.example/orchard')
  const to = Jid.parse('juliet@verona.example')
  return new StanzaEvent(stanza(id), 'message', 'chat', from, to, true, null, stage.host, session.user)
}

/** A filter that keeps what is on its list, and lets it go before the next that it does not keep. */
class Keeper implements OutgoingFilter {
  readonly asked: string[] = []
  readonly #ids: readonly string[]
  readonly #kept: string[] = []

  constructor(...ids: string[]) {
    this.#ids = ids
  }
  holds({ element }: Wire, line: string): boolean {
    this.asked.push(line)
    if (this.#ids.includes(element.attrs['id']!)) return this.#kept.push(line) > 0
    for (const kept of this.#kept.splice(0)) session.pass(kept)
    return false
  }
}

test('what is sent passes the filter, is remembered by the queue, and is written, in this order', () => {
  const filter = new Keeper('2')
  const queue = MemoryQueue.of(session)
  session.filter = filter
  session.send(stanza('1'))
  session.send(Wire.of(stanza('2')))
  assert.deepEqual(heard(), ['1'])
  assert.deepEqual([...queue.unacknowledged()], [text('1')].map(inOrder))
  session.send(stanza('3'))
  assert.deepEqual(heard(), ['1', '2', '3'])
  assert.deepEqual([...queue.unacknowledged()], stream.heard)
  // The filter is not asked about what it passes itself.
  assert.equal(filter.asked.length, 3)
})

/** Attributes as a wire writes them: `to` first. */
function inOrder(line: string): string {
  return Wire.of(parseDocument(line)).text()
}

test('what a queue will send itself is not written', () => {
  const queue = MemoryQueue.of(session)
  const add = queue.add.bind(queue)
  queue.add = (line, handover) => add(line, handover) && false
  session.send(stanza('1'))
  session.pass(text('2'))
  session.deliver(eventOf('3'))
  session.sendHere(Wire.of(stanza('4')))
  assert.deepEqual(stream.heard, [])
  assert.equal([...queue.unacknowledged()].length, 4)
})

test('one wire is sent to the address it has, or to the session’s', () => {
  const wire = Wire.of(stanza('1'))
  session.send(wire)
  session.sendHere(wire)
  assert.deepEqual(
    stream.heard.map((line) => parseDocument(line).attrs['to']),
    ['juliet@verona.example', 'juliet@verona.example/balcony'],
  )
})

test('what is delivered is owed until it is acknowledged; what is sent is owed to nobody', () => {
  const queue = MemoryQueue.of(session)
  const event = eventOf('1')
  session.deliver(event)
  session.send(stanza('2'))
  session.sendHere(Wire.of(stanza('3')))
  assert.deepEqual(queue.abandon(), [event.handover()])
})

test('a client that acknowledges nothing settles what it is delivered', () => {
  const event = eventOf('1')
  session.deliver(event)
  assert.equal(event.handover().reached, true)
  assert.deepEqual(stream.heard, [event.wire.text()])
})

test('a copy is delivered in place of the stanza, to the session, and shares what is owed', async () => {
  const other = await stage.session('juliet', 'chamber', 0)
  const queues = [MemoryQueue.of(session), MemoryQueue.of(other.session)]
  const event = eventOf('1')
  session.deliver(event)
  other.session.deliver(event, Wire.of(stanza('copy')))
  const copy = parseDocument(other.heard[0]!)
  assert.deepEqual([copy.attrs['id'], copy.attrs['to']], ['copy', other.session.address])
  assert.deepEqual(queues[0]!.abandon(), [])
  assert.deepEqual(queues[1]!.abandon(), [event.handover()])
  assert.match(event.handover().text, /id="1"/)
})

test('what the filter holds of an event is not owed by this session', () => {
  const queue = MemoryQueue.of(session)
  session.filter = new Keeper('1')
  session.deliver(eventOf('1'))
  assert.deepEqual([stream.heard, queue.abandon()], [[], []])
})

test('a session that rests remembers what it is sent and writes nothing, and goes on on another stream', async () => {
  const queue = MemoryQueue.of(session)
  assert.equal(session.restingSinceMs, undefined)
  session.rest()
  assert.equal(session.resting, true)
  assert.ok(session.restingSinceMs! > 0)
  assert.equal(session.stream.remoteAddress, stream.remoteAddress)
  assert.equal(session.send(stanza('1')), true)
  assert.deepEqual(stream.heard, [])
  assert.equal([...queue.unacknowledged()].length, 1)
  const next = (await stage.session('nurse', 'street')) as StageStream
  session.stream = next
  assert.equal(session.resting, false)
  session.send(stanza('2'))
  assert.deepEqual(heard(next), ['2'])
  assert.equal(stage.host.user(session.jid)!.sessions.get('balcony'), session)
})

test('a session that is closed while it rests is over', () => {
  const closed: Session[] = []
  stage.host.hooks.attach(sessionClosed, (over: Session) => closed.push(over))
  session.rest()
  session.close()
  session.close()
  assert.deepEqual(closed, [session])
  assert.equal(session.live, false)
  assert.equal(stage.host.user(session.jid), undefined)
})

test('a session that is over takes calls and does nothing', async () => {
  const queue = MemoryQueue.of(session)
  stage.host.close(session)
  assert.equal(session.send(stanza('1')), false)
  assert.equal(session.sendHere(Wire.of(stanza('1'))), false)
  assert.equal(session.deliver(eventOf('1')), false)
  session.pass(text('1'))
  assert.equal(session.received(), false)
  assert.equal(session.drained(), undefined)
  assert.deepEqual([stream.heard, [...queue.unacknowledged()]], [[], []])
})

test('a client that acknowledges has received what was sent before it was asked, once it has acknowledged that', async () => {
  const queue = MemoryQueue.of(session)
  assert.equal(session.received(), true)
  session.send(stanza('1'))
  let isReceived: boolean | undefined
  void Promise.resolve(session.received()).then((value) => (isReceived = value))
  session.send(stanza('2'))
  await null
  assert.equal(isReceived, undefined)
  queue.acknowledge(1)
  await null
  await null
  assert.equal(isReceived, true)
  const second = session.received()
  stage.host.close(session)
  assert.equal(await second, false)
})

test('a client that acknowledges nothing has received what is out of our hands, unless its session ended before', async () => {
  assert.equal(session.received(), true)
  const drains: (() => void)[] = []
  stream.drained = (() => new Promise<void>((resolve) => drains.push(resolve))) as never
  const first = session.received()
  drains.shift()!()
  assert.equal(await first, true)
  const second = session.received()
  stage.host.close(session)
  drains.shift()!()
  assert.equal(await second, false)
})

test('the inbox is the session’s: what waits in it keeps its order and its count over a change of streams', async () => {
  const { host } = stage
  const ends: (() => void)[] = []
  const taken: string[] = []
  host.connect({
    route() {},
    fromClient: (_, { attrs }) => {
      taken.push(attrs['id']!)
      return new Promise((resolve) => ends.push(resolve))
    },
    undelivered() {},
    serves: () => false,
    isGuest: () => false,
    attach: () => () => {},
    toComponent: () => false,
  })
  session.inbox.accept('romeo@verona.example', stanza('1'))
  session.rest()
  session.stream = await stage.session('nurse', 'street')
  session.inbox.accept('romeo@verona.example', stanza('2'))
  assert.deepEqual([taken, session.inbox.accepted, session.inbox.handled], [['1'], 2, 0])
  ends.shift()!()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([taken, session.inbox.handled], [['1', '2'], 1])
})
