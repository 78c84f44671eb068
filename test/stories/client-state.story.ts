import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import clientState from '../../modules/client-state/index.ts'
import { defineModule, serialize, sessionLost, sessionResumed, streamElements } from '../../src/api.ts'
import { openPlainBed } from '../support/bed.ts'
import { Client } from '../support/client.ts'
import { type Actor, drain, story } from '../support/story.ts'
import { MemoryPair } from '../support/transport.ts'

const NS = 'urn:xmpp:csi:0'
const ACTIVE = `<active xmlns='${NS}'/>`
const INACTIVE = `<inactive xmlns='${NS}'/>`
const chatState = (name: string) => `<${name} xmlns='http://jabber.org/protocol/chatstates'/>`

/** Sends an element that is no stanza, and waits until the server has taken it. */
async function says(actor: Actor, element: string): Promise<void> {
  actor.send(element)
  await actor.receivesNothing()
}

story('The state of a client is announced after the login // XEP-0352 §4.1', async (s) => {
  const { actor: juliet, features } = await s.authenticates('juliet')
  assert.ok(features.getChild('csi', NS) !== undefined, serialize(features))
  // Before there is a session there is no state.
  juliet.send(INACTIVE)
  await juliet.receivesStreamError('not-authorized')
})

story('An inactive client hears of presence when it is active again, the last of each // XEP-0352 §3.2', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await says(juliet, INACTIVE)
  await says(juliet, INACTIVE)
  for (const show of ['away', 'xa', 'dnd']) {
    await romeo.sends`<presence><show>${show}</show></presence>`
    await romeo.receives`<presence from='${romeo.jid}'/>`
  }
  await juliet.receivesNothing()
  // XEP-0352 §5.1: what was held comes before the answer to what is asked next.
  juliet.send(ACTIVE)
  juliet.send(`<iq type='get' id='1' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await juliet.receives`<presence from='${romeo.jid}'><show>dnd</show></presence>`
  await juliet.receives`<iq type='result' id='1'/>`
  await says(juliet, ACTIVE)
  await romeo.sends`<presence/>`
  await romeo.receives`<presence from='${romeo.jid}'/>`
  await juliet.receives`<presence from='${romeo.jid}'/>`
})

story('Messages come at once, with the presence before them; chat states wait', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.online('juliet/balcony')
  await s.befriend(romeo, juliet)
  await says(juliet, INACTIVE)
  await romeo.sends`<message to='${juliet.bare}' type='chat'>${chatState('composing')}</message>`
  await romeo.sends`<message to='${juliet.bare}' type='chat'>${chatState('paused')}</message>`
  await romeo.sends`<presence><show>away</show></presence>`
  await drain(romeo)
  await juliet.receivesNothing()
  await romeo.sends`<message to='${juliet.bare}' type='chat'><body>Hi</body>${chatState('active')}</message>`
  await juliet.receives`<presence from='${romeo.jid}'><show>away</show></presence>`
  await juliet.receives`<message from='${romeo.jid}'><body>Hi</body></message>`
  await romeo.sends`<message to='${juliet.bare}' type='chat'>${chatState('composing')}</message>`
  await romeo.sends`<message to='${juliet.bare}' type='headline'><body>News</body></message>`
  await juliet.receives`<message>${chatState('composing')}</message>`
  await juliet.receives`<message type='headline'/>`
  await romeo.sends`<message to='${juliet.bare}' type='chat'>${chatState('gone')}</message>`
  await drain(romeo)
  await juliet.receivesNothing()
  juliet.send(ACTIVE)
  await juliet.receives`<message from='${romeo.jid}'>${chatState('gone')}</message>`
  await juliet.receivesNothing()
})

story('What a client asks for or must answer does not wait', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  await says(juliet, INACTIVE)
  await juliet.sends`<presence/>`
  await juliet.receives`<presence from='${juliet.jid}'/>`
  await romeo.sends`<presence type='subscribe' to='${juliet.bare}'/>`
  await juliet.receives`<presence type='subscribe' from='${romeo.bare}'/>`
  await romeo.sends`<iq type='get' id='q' to='${juliet.jid}'><query xmlns='urn:example'/></iq>`
  await juliet.receives`<iq type='get' id='q' from='${romeo.jid}'/>`
  const chamber = await s.login('juliet/chamber')
  await chamber.sends`<presence/>`
  await juliet.receives`<presence from='${chamber.jid}'/>`
})

story('The copies of chat states wait, too, those of messages do not', async (s) => {
  const romeo = await s.online('romeo/orchard')
  const balcony = await s.login('juliet/balcony')
  const phone = await s.login('juliet/phone')
  await phone.asks`<iq type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>`
  await says(phone, INACTIVE)
  await romeo.sends`<message to='${balcony.jid}' type='chat'>${chatState('composing')}</message>`
  await balcony.receives`<message from='${romeo.jid}'/>`
  await balcony.sends`<message to='${romeo.jid}' type='chat'>${chatState('active')}</message>`
  await romeo.receives`<message from='${balcony.jid}'/>`
  await phone.receivesNothing()
  await romeo.sends`<message to='${balcony.jid}' type='chat'><body>Hi</body></message>`
  await balcony.receives`<message from='${romeo.jid}'/>`
  const copy = await phone.receives`<message from='${phone.bare}' to='${phone.jid}'/>`
  assert.match(serialize(copy), /<received .*<body>Hi<\/body>/)
  phone.send(ACTIVE)
  assert.match(serialize(await phone.next()), /<sent .*<active xmlns=/)
  await phone.receivesNothing()
})

story(
  'Past the bound everything held is sent',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    await says(juliet, INACTIVE)
    const states = ['active', 'composing', 'paused']
    for (const [n, state] of states.entries()) {
      const other = await s.login(`romeo/r${n}`)
      await other.sends`<message to='${juliet.jid}' type='chat'>${chatState(state)}</message>`
      await drain(other)
    }
    for (const state of states) await juliet.receives`<message>${chatState(state)}</message>`
    await romeo.sends`<message to='${juliet.jid}' type='chat'>${chatState('gone')}</message>`
    await drain(romeo)
    await juliet.receivesNothing()
  },
  { modules: { 'client-state': { maxHeld: 2 } } },
)

story('A state there is not ends the stream // RFC 6120 §4.9.3.24', async (s) => {
  const juliet = await s.login('juliet')
  juliet.send(`<asleep xmlns='${NS}'/>`)
  await juliet.receivesStreamError('unsupported-stanza-type')
})

/** Plays stream management: sessions outlive their connections, and a client may ask for another's. */
const props = defineModule({
  name: 'props',
  summary: 'Lets sessions rest and be taken up again.',
  implements: [],
  depends: { clientState },
  setup(ctx) {
    ctx.answer(sessionLost, (session) => session.jid.local === 'juliet' && !session.user.deleted)
    ctx.add(streamElements, {
      name: 'take-up',
      xmlns: 'urn:example',
      unbound: (element, client) => {
        const session = ctx.host.user(client.account)!.sessions.get(element.getText())!
        assert.equal(ctx.deps.clientState.isInactive(session), true)
        client.adopt(session)
        ctx.host.hooks.notify(sessionResumed, session)
        assert.equal(ctx.deps.clientState.isInactive(session), false)
      },
    })
  },
})

story(
  'A session that is taken up again is active // XEP-0352 §5.2',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    await says(juliet, INACTIVE)
    juliet.transport.cut()
    await romeo.sends`<message to='${juliet.jid}' type='chat'>${chatState('composing')}</message>`
    await romeo.receivesNothing()
    const { actor: again } = await s.authenticates('juliet')
    again.send(`<take-up xmlns='urn:example'>balcony</take-up>`)
    await again.receives`<message from='${romeo.jid}'>${chatState('composing')}</message>`
    again.jid = juliet.jid
    await romeo.sends`<message to='${juliet.jid}' type='chat'>${chatState('paused')}</message>`
    await again.receives`<message from='${romeo.jid}'>${chatState('paused')}</message>`
    for (const user of s.host.users()) for (const session of user.sessions.values()) session.close()
    await again.ends()
  },
  { extra: [props] },
)

test('What was held is not lost with a restart of the server // XEP-0198 §5', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-client-state-'))
  const url = `sqlite:${join(folder, 'restart.sqlite')}`
  let bed = await openPlainBed({}, folder, url)
  const connects = async () => {
    const pair = new MemoryPair()
    bed.server.accept(pair)
    return new Client(pair)
  }
  try {
    for (const local of ['romeo', 'juliet']) await bed.server.hosts.get('localhost')!.accounts.create(local, 'secret')
    const romeo = await connects()
    await romeo.logsIn('romeo', 'localhost', 'secret')
    const juliet = await connects()
    await juliet.logsIn('juliet', 'localhost', 'secret', 'phone')
    juliet.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    const id = (await juliet.next()).attrs['id']
    juliet.send(INACTIVE)
    await juliet.asks`<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>`
    romeo.send(`<message to='${juliet.jid}' type='chat'>${chatState('gone')}</message>`)
    await romeo.asks`<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
    await bed.close()
    bed = await openPlainBed({}, folder, url)
    const again = await connects()
    await again.authenticates('juliet', 'localhost', 'secret')
    again.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='1'/>`)
    assert.equal((await again.next()).name, 'resumed')
    await again.receives`<message from='${romeo.jid}' to='${juliet.jid}'>${chatState('gone')}</message>`
    again.transport.cut()
  } finally {
    await bed.close()
    await rm(folder, { recursive: true })
  }
})
