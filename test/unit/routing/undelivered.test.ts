import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { compileFlows } from '../../../src/pipeline/compile.ts'
import { flows } from '../../../src/pipeline/flow.ts'
import type { StanzaEvent } from '../../../src/pipeline/stanza-event.ts'
import { Router } from '../../../src/routing/router.ts'
import { messageKept } from '../../../src/session/hooks.ts'
import type { Session } from '../../../src/session/session.ts'
import type { Element } from '../../../src/xml/element.ts'
import { parseDocument } from '../../../src/xml/parser.ts'
import { MemoryQueue } from '../../support/memory-queue.ts'
import { Stage, type StageStream, stanza } from '../session/stage.ts'

type Bound = StageStream & { session: Session }

// What becomes of what clients were handed and never acknowledged (XEP-0198 §4), by the rules of RFC 6121 §8.5 for a
// resource that is gone.
let stage: Stage
let router: Router
let logged: string[]
let stranded: StanzaEvent[]
let arrived: number
let romeo: Bound
let phone: Bound
let queue: MemoryQueue

beforeEach(async () => {
  logged = []
  stranded = []
  arrived = 0
  stage = new Stage()
  router = new Router({ error: (_: object, text: string) => logged.push(text) } as never)
  router.serve(stage.host)
  stage.host.flows = compileFlows([
    {
      module: 'test',
      flow: flows.message.stranded,
      phase: 'deliver',
      handler: ((event: StanzaEvent) => {
        if (event.stanza.getChild('unwanted') !== undefined) return false
        stranded.push(event)
        return true
      }) as never,
    },
    { module: 'test', flow: flows.message.arriving, phase: 'guard', handler: (() => void arrived++) as never },
  ])
  romeo = await stage.session('romeo', 'orchard', 0)
  phone = await stage.session('juliet', 'phone', 0)
  queue = MemoryQueue.of(phone.session)
})

const PHONE = 'juliet@verona.example/phone'
const sends = (text: string) => router.fromClient(romeo.session, stanza(text))
const ends = (session = phone.session) => stage.host.close(session)
const heard = ({ heard: lines }: StageStream): Element[] => lines.map((line) => parseDocument(line))
const delays = (el: Element) =>
  el.getChildren('delay', 'urn:xmpp:delay').filter(({ attrs }) => attrs['from'] === 'verona.example')

describe('a message that a client never acknowledged', () => {
  test('strands when the session ends, with the time when it was first sent, once and in order', async () => {
    const before = stage.host.clock.now()
    for (const id of ['1', '2', '3'])
      await sends(`<message id='${id}' type='chat' to='${PHONE}'><body>Hi</body></message>`)
    assert.equal(stranded.length, 0)
    ends()
    assert.deepEqual(
      stranded.map(({ stanza: el }) => el.attrs['id']),
      ['1', '2', '3'],
    )
    const { stanza: first, sinceMs, origin, to, from, type } = stranded[0]!
    assert.ok(sinceMs! >= before && sinceMs! <= stage.host.clock.now())
    assert.deepEqual([String(to), String(from), type, origin], [PHONE, 'romeo@verona.example/orchard', 'chat', null])
    assert.deepEqual(
      delays(first).map(({ attrs }) => Date.parse(attrs['stamp']!)),
      [sinceMs],
    )
    assert.deepEqual([romeo.heard, logged], [[], []])
  })

  test('passes neither guards nor records a second time', async () => {
    await sends(`<message to='${PHONE}'/>`)
    ends()
    assert.equal(arrived, 1)
  })

  test('is not refused when its addressee finds it anyway, whatever nobody takes it for', async () => {
    stage.host.hooks.attach(messageKept, ({ stanza: el, to }: StanzaEvent) =>
      el.attrs['id'] === `kept for ${to}` ? true : undefined,
    )
    for (const id of [`kept for ${PHONE}`, 'other'])
      await sends(`<message id='${id}' to='${PHONE}'><unwanted/></message>`)
    await sends(`<message type='groupchat' id='kept for ${PHONE}' to='${PHONE}'/>`)
    ends()
    assert.deepEqual(
      heard(romeo).map(({ attrs }) => attrs['id']),
      ['other'],
    )
  })

  test('is done with when the client has acknowledged it', async () => {
    await sends(`<message id='1' to='${PHONE}'/>`)
    await sends(`<message id='2' to='${PHONE}'/>`)
    queue.acknowledge(1)
    ends()
    assert.deepEqual(
      stranded.map(({ stanza: el }) => el.attrs['id']),
      ['2'],
    )
  })

  test('goes to the other sessions of the account, with a delay', async () => {
    const chamber = await stage.session('juliet', 'chamber', 0)
    await sends(`<message id='1' type='chat' to='${PHONE}'/>`)
    assert.deepEqual(chamber.heard, [])
    ends()
    const [message] = heard(chamber)
    assert.equal(message!.attrs['id'], '1')
    assert.equal(delays(message!).length, 1)
    assert.deepEqual(stranded, [])
  })

  test('goes to who has taken its resource meanwhile', async () => {
    await sends(`<message id='1' type='headline' to='${PHONE}'/>`)
    const user = stage.host.user(phone.session.jid)!
    const again = await stage.session('juliet', 'phone', 0)
    assert.equal(user.sessions.get('phone'), again.session)
    ends()
    assert.equal(heard(again)[0]!.attrs['id'], '1')
  })

  test('that all sessions got is done with when one of them has it, whichever goes first', async () => {
    for (const ackBefore of [true, false]) {
      const chamber = await stage.session('juliet', 'chamber', 0)
      const other = MemoryQueue.of(chamber.session)
      await sends(`<message to='juliet@verona.example'/>`)
      if (ackBefore) other.acknowledge()
      ends()
      if (!ackBefore) other.acknowledge()
      ends(chamber.session)
      assert.deepEqual(stranded, [])
      phone = await stage.session('juliet', 'phone', 0)
      queue = MemoryQueue.of(phone.session)
    }
  })

  test('that all sessions got strands once when none of them had it', async () => {
    const chamber = await stage.session('juliet', 'chamber', 0)
    MemoryQueue.of(chamber.session)
    await sends(`<message to='juliet@verona.example'/>`)
    ends()
    assert.deepEqual(stranded, [])
    ends(chamber.session)
    assert.equal(stranded.length, 1)
  })

  test('that a client without acknowledgements got, too, is done with', async () => {
    const chamber = await stage.session('juliet', 'chamber', 0)
    await sends(`<message to='juliet@verona.example'/>`)
    ends()
    assert.equal(chamber.heard.length, 1)
    assert.deepEqual(stranded, [])
  })

  test('goes from one phone to the next, and has one delay, of the first time, and none that is forged', async () => {
    const forged = `<delay xmlns='urn:xmpp:delay' from='verona.example' stamp='1999-01-01T00:00:00Z'/>`
    const foreign = `<delay xmlns='urn:xmpp:delay' from='mantua.example' stamp='1998-01-01T00:00:00Z'/>`
    await sends(`<message type='chat' to='${PHONE}'>${forged}${foreign}</message>`)
    const chamber = await stage.session('juliet', 'chamber', 0)
    MemoryQueue.of(chamber.session)
    ends()
    const since = Date.parse(delays(heard(chamber)[0]!)[0]!.attrs['stamp']!)
    assert.ok(since > Date.UTC(2020))
    ends(chamber.session)
    const [event] = stranded
    assert.equal(event!.sinceMs, since)
    assert.deepEqual(
      delays(event!.stanza).map(({ attrs }) => Date.parse(attrs['stamp']!)),
      [since],
    )
    assert.equal(event!.stanza.getChildren('delay', 'urn:xmpp:delay').length, 2)
  })

  test('comes back to its sender when nobody keeps it', async () => {
    await sends(`<message id='1' to='${PHONE}'><unwanted/></message>`)
    await sends(`<message id='2' type='groupchat' to='${PHONE}'/>`)
    ends()
    for (const [n, error] of heard(romeo).entries()) {
      assert.deepEqual([error.attrs['id'], error.attrs['type'], error.attrs['from']], [`${n + 1}`, 'error', PHONE])
      assert.ok(error.getChild('error')!.getChild('service-unavailable'))
    }
    assert.equal(romeo.heard.length, 2)
    assert.deepEqual(logged, [])
  })

  test('ends in silence when nobody is to hear of it', async () => {
    await sends(`<message type='headline' to='${PHONE}'/>`)
    await sends(`<message type='error' to='${PHONE}'/>`)
    ends()
    assert.deepEqual([romeo.heard, stranded, logged], [[], [], []])
  })

  test('of a sender who is gone troubles nobody', async () => {
    await sends(`<message to='${PHONE}'><unwanted/></message>`)
    ends(romeo.session)
    ends()
    assert.deepEqual(logged, [])
  })

  test('that has no sender but the server is kept like any other', () => {
    stage.host.route(stanza(`<message from='verona.example' to='${PHONE}'/>`))
    ends()
    assert.equal(stranded.length, 1)
  })
})

describe('a request that a client never acknowledged', () => {
  test('is answered with an error // RFC 6121 §8.5.3.2.3', async () => {
    await sends(`<iq type='get' id='1' to='${PHONE}'><query xmlns='urn:example:x'/></iq>`)
    ends()
    const error = heard(romeo)[0]!
    assert.deepEqual([error.name, error.attrs['id'], error.attrs['type']], ['iq', '1', 'error'])
    assert.ok(error.getChild('error')!.getChild('service-unavailable'))
    assert.equal(error.getChild('delay'), undefined)
  })

  test('of the server’s own gets that answer, too', async () => {
    const answer = stage.host.request(
      parseDocument(`<iq type='get' from='verona.example' to='${PHONE}'><ping xmlns='urn:xmpp:ping'/></iq>`),
      60_000,
    )
    ends()
    assert.equal((await answer).attrs['type'], 'error')
  })

  test('ends in silence when it was an answer', async () => {
    await sends(`<iq type='result' id='1' to='${PHONE}'/>`)
    ends()
    assert.deepEqual([romeo.heard, logged], [[], []])
  })
})

test('presence that a client never acknowledged is nobody’s loss', async () => {
  await sends(`<presence to='${PHONE}'/>`)
  assert.equal(phone.heard.length, 1)
  ends()
  assert.deepEqual([romeo.heard, stranded, logged], [[], [], []])
})
