import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { flowNeeded, type Passing, StanzaError, type StanzaEvent, Wire } from '../../../src/api.ts'
import { Jid } from '../../../src/jid/jid.ts'
import { compileFlows } from '../../../src/pipeline/compile.ts'
import { flows } from '../../../src/pipeline/flow.ts'
import { Components } from '../../../src/routing/components.ts'
import { Router } from '../../../src/routing/router.ts'
import { Stage, stanza } from '../session/stage.ts'

const DOMAIN = 'conference.verona.example'
let stage: Stage
let router: Router
let romeo: Awaited<ReturnType<Stage['session']>>
let received: StanzaEvent[]

beforeEach(async () => {
  stage = new Stage()
  router = new Router({ error() {} } as never, new Components([['bot.verona.example', 1]]))
  router.serve(stage.host)
  stage.host.flows = compileFlows([])
  romeo = await stage.session('romeo', 'orchard', 0)
  received = []
})

const serve = (receive: (event: StanzaEvent) => void | Promise<void> = (event) => void received.push(event)) =>
  stage.host.attach(DOMAIN, receive)
const sends = (text: string) => router.fromClient(romeo.session, stanza(text))
const condition = () => romeo.last().getChild('error')!.getChildElements()[0]!.name

test('a module that serves a domain gets what is sent there, and by whom', () => {
  serve()
  sends(`<message to='${DOMAIN}'/>`)
  sends(`<presence to='stage@${DOMAIN}/Romeo'/>`)
  sends(`<iq to='stage@${DOMAIN}' type='result' id='1'/>`)
  assert.deepEqual(
    received.map(({ kind, from, to, origin }) => [kind, `${from}`, `${to}`, origin === romeo.session]),
    [
      ['message', 'romeo@verona.example/orchard', DOMAIN, true],
      ['presence', 'romeo@verona.example/orchard', `stage@${DOMAIN}/Romeo`, true],
      ['iq', 'romeo@verona.example/orchard', `stage@${DOMAIN}`, true],
    ],
  )
  assert.deepEqual(romeo.heard, [])
})

test('it is given the turn of what a client sent, so that the next can follow before all is done', () => {
  serve()
  const turn = { before: undefined, recorded() {} } as never
  router.fromClient(romeo.session, stanza(`<message to='stage@${DOMAIN}'/>`), turn)
  assert.equal(received[0]?.turn, turn)
})

test('what it throws goes to the sender', () => {
  serve(() => {
    throw new StanzaError('forbidden')
  })
  sends(`<message to='stage@${DOMAIN}' id='1'/>`)
  assert.deepEqual([condition(), romeo.last().attrs['from']], ['forbidden', `stage@${DOMAIN}`])
})

test('what it rejects goes to the sender', async () => {
  serve(() => Promise.reject(new StanzaError('conflict')))
  await sends(`<message to='stage@${DOMAIN}' id='1'/>`)
  assert.equal(condition(), 'conflict')
})

test('it gets what a component sends', () => {
  serve()
  router.fromOutside(stanza(`<message to='stage@${DOMAIN}'/>`), Jid.parse('a@bot.verona.example'))
  assert.deepEqual(
    received.map(({ from, origin }) => [`${from}`, origin]),
    [['a@bot.verona.example', null]],
  )
})

test('a domain that was given back is nobody’s', () => {
  serve()()
  sends(`<message to='stage@${DOMAIN}' id='1'/>`)
  assert.equal(condition(), 'remote-server-not-found')
  assert.deepEqual(received, [])
})

test('a domain belongs to one only', () => {
  serve()
  assert.throws(() => serve(), /conference\.verona\.example is served by a module of verona\.example already/)
  assert.throws(() => stage.host.attach('verona.example', () => {}), /is one of the hosts/)
  assert.throws(() => stage.host.attach('bot.verona.example', () => {}), /belongs to an external component/)
})

test('accounts are not looked for there', () => {
  serve()
  assert.equal(stage.host.serves(DOMAIN), false)
})

const room = Jid.parse(`stage@${DOMAIN}/Juliet`)
const said = () => Wire.of(stanza(`<message from='${room}' type='groupchat'><body>Hi</body></message>`))

test('what goes out to many reaches a session readdressed, past its flow', () => {
  const passed: string[] = []
  stage.host.flows = compileFlows([
    {
      module: 'play',
      flow: flows.message.arriving,
      phase: 'copy',
      handler: ((event: StanzaEvent) => void passed.push(event.kind)) as never,
    },
  ])
  assert.equal(stage.host.reach(romeo.session, said(), room), true)
  assert.equal(romeo.last().attrs['to'], 'romeo@verona.example/orchard')
  assert.equal(romeo.last().getChildText('body'), 'Hi')
  assert.deepEqual(passed, [])
})

test('it passes the flow where a module needs that', () => {
  const passed: string[] = []
  stage.host.flows = compileFlows([
    {
      module: 'play',
      flow: flows.message.arriving,
      phase: 'copy',
      handler: ((event: StanzaEvent) => void passed.push(`${event.from} ${event.to}`)) as never,
    },
  ])
  const asked: string[] = []
  stage.host.hooks.attach(flowNeeded, ({ session, from }: Passing) => {
    asked.push(`${session.address} ${from}`)
    return true
  })
  stage.host.reach(romeo.session, said(), room)
  assert.deepEqual(asked, [`romeo@verona.example/orchard ${room}`])
  assert.deepEqual(passed, [`${room} romeo@verona.example/orchard`])
  assert.equal(romeo.last().attrs['to'], 'romeo@verona.example/orchard')
})

test('a session that is over is not reached', () => {
  stage.host.close(romeo.session)
  assert.equal(stage.host.reach(romeo.session, said(), room), false)
})
