import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { NS_MAM, NS_SID, queryText, stanzaIds } from '../support/archive.ts'
import { company, configuration, roomInfo } from '../support/occupants.ts'
import { grants, MUC_USER, says } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

type Form = Readonly<Record<string, string>>
interface Kept {
  readonly id: string
  readonly message: Element
}

const query = (room: string, form?: Form) =>
  `<iq type='set' id='mam' to='${room}'>${queryText({ ...(form !== undefined && { form }) })}</iq>`

/** What a room has kept, as somebody gets it. */
async function keptIn(actor: Actor, room: string, form?: Form): Promise<Kept[]> {
  actor.send(query(room, form))
  const found: Kept[] = []
  for (let el = await actor.next(); ; el = await actor.next()) {
    if (el.attrs['id'] === 'mam') {
      assert.equal(el.attrs['type'], 'result', String(el))
      return found
    }
    const result = el.getChild('result', NS_MAM)
    if (result === undefined) continue
    assert.deepEqual([el.attrs['from'], el.attrs['to']], [room, actor.jid])
    const message = result.getChild('forwarded', 'urn:xmpp:forward:0')!.getChild('message')!
    found.push({ id: result.attrs['id']!, message })
  }
}

const bodiesOf = (kept: readonly Kept[]) => kept.map(({ message }) => message.getChildText('body'))
/** The real addresses that a kept message tells. */
const tellsOf = ({ message }: Kept) =>
  message.getChildren('x', MUC_USER).map((x) => x.getChild('item')?.attrs['jid'] ?? '')

story('What was said is kept under the id that all have heard // XEP-0313 §6.1, XEP-0359 §2.1', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const said = await says(juliet, room, 'Good night')
  for (const actor of all) await drain(actor)
  await romeo.sends`<message type='groupchat' to='${room}'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`
  await romeo.sends`<message type='chat' to='${room}/Juliet'><body>Psst</body></message>`
  await drain(romeo)
  const kept = await keptIn(mercutio, room)
  assert.deepEqual(bodiesOf(kept), ['Good night'])
  assert.equal(kept[0]!.id, stanzaIds(said)[room])
  const { message } = kept[0]!
  assert.deepEqual(
    [message.attrs['from'], message.attrs['to'], message.attrs['type'], message.attrs['id']],
    [`${room}/Juliet`, undefined, 'groupchat', said.attrs['id']],
  )
  const ids = (await keptIn(mercutio, room, { 'before-id': kept[0]!.id })).length
  assert.equal(ids, 0)
  const info = await mercutio.asks`<iq type='get' to='${room}'><metadata xmlns='${NS_MAM}'/></iq>`
  assert.equal(info.getChild('metadata', NS_MAM)!.getChild('start')!.attrs['id'], kept[0]!.id)
  const { features } = await roomInfo(mercutio, room)
  for (const feature of [NS_MAM, NS_SID]) assert.ok(features.includes(feature), feature)
})

story('Whose address is behind a nick the archive tells those who see it in the room // XEP-0313 §6.1.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const forged = `<x xmlns='${MUC_USER}'><item jid='tybalt@localhost/x' affiliation='owner' role='moderator'/></x>`
  await romeo.sends`<message type='groupchat' to='${room}'><body>Ay me</body>${forged}</message>`
  await romeo.receives`<message type='groupchat' from='${room}/Romeo'/>`
  for (const actor of all) await drain(actor)
  assert.deepEqual((await keptIn(juliet, room)).map(tellsOf), [[romeo.jid]])
  assert.deepEqual((await keptIn(mercutio, room)).map(tellsOf), [[]])
  await juliet.asks`${configuration(room, { whois: 'anyone' })}`
  await drain(mercutio)
  assert.deepEqual((await keptIn(mercutio, room)).map(tellsOf), [[romeo.jid]])
})

story(
  'By real address only those search who may know it, and everybody for themselves // XEP-0313 §4.1.1',
  async (s) => {
    const { room, juliet, romeo, mercutio, all } = await company(s)
    await says(romeo, room, 'Ay me')
    for (const actor of all) await drain(actor)
    await says(mercutio, room, 'Madman')
    for (const actor of all) await drain(actor)
    await mercutio.isRefused('forbidden', 'auth')`${query(room, { with: romeo.bare })}`
    assert.deepEqual(bodiesOf(await keptIn(mercutio, room, { with: mercutio.bare })), ['Madman'])
    assert.deepEqual(bodiesOf(await keptIn(juliet, room, { with: romeo.bare })), ['Ay me'])
  },
)

story('The archive is read by who is in the room, or might enter at once // XEP-0313 §6.1.1', async (s) => {
  const { room, juliet, mercutio, all } = await company(s)
  await says(juliet, room, 'Good night')
  for (const actor of all) await drain(actor)
  const paris = await s.login('paris/church')
  const asks = [
    query(room),
    `<iq type='get' to='${room}'><query xmlns='${NS_MAM}'/></iq>`,
    `<iq type='get' to='${room}'><metadata xmlns='${NS_MAM}'/></iq>`,
  ]
  const mayRead = async (may: boolean): Promise<void> => {
    if (may) assert.deepEqual(bodiesOf(await keptIn(paris, room)), ['Good night'])
    for (const one of asks.slice(may ? 1 : 0))
      await (may ? paris.asks`${one}` : paris.isRefused('forbidden', 'auth')`${one}`)
  }
  await mayRead(true)
  await juliet.asks`${configuration(room, { passwordprotectedroom: true, roomsecret: 'cauldron' })}`
  await mayRead(false)
  await grants(juliet, room, paris.bare, 'member')
  await drain(paris)
  await mayRead(true)
  await grants(juliet, room, paris.bare, 'none')
  await juliet.asks`${configuration(room, { passwordprotectedroom: false, membersonly: true })}`
  await drain(paris)
  await mayRead(false)
  await juliet.asks`${configuration(room, { membersonly: false })}`
  await mayRead(true)
  await grants(juliet, room, paris.bare, 'outcast')
  await drain(paris)
  await mayRead(false)
  await drain(mercutio)
})

story('Owners say what the room keeps, from now on // XEP-0441 §2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const prefs = (value: string, never = '') =>
    `<iq type='set' to='${room}'><prefs xmlns='${NS_MAM}' default='${value}'><always/><never>${never}</never></prefs></iq>`
  const get = `<iq type='get' to='${room}'><prefs xmlns='${NS_MAM}'/></iq>`
  await grants(juliet, room, romeo.bare, 'admin')
  for (const actor of all) await drain(actor)
  for (const actor of [romeo, mercutio])
    for (const one of [get, prefs('never')]) await actor.isRefused('forbidden', 'auth')`${one}`
  assert.equal((await juliet.asks`${get}`).getChild('prefs')!.attrs['default'], 'always')
  const expected: string[] = []
  for (const [value, never, kept] of [
    ['always', `<jid>${mercutio.bare}</jid>`, [juliet, romeo]],
    ['roster', '', [juliet, romeo]],
    ['never', '', []],
    ['always', '', all],
  ] as const) {
    await juliet.asks`${prefs(value, never)}`
    assert.equal((await juliet.asks`${get}`).getChild('prefs')!.attrs['default'], value)
    for (const actor of all) {
      const body = `${value}${never === '' ? '' : ' but'} ${actor.bare}`
      const said = await says(actor, room, body)
      const isKept = (kept as readonly Actor[]).includes(actor)
      if (isKept) expected.push(body)
      // What is not kept has no id that one could look for.
      assert.equal(stanzaIds(said)[room] !== undefined, isKept, body)
      for (const one of all) await drain(one)
    }
  }
  assert.deepEqual(bodiesOf(await keptIn(juliet, room)), expected)
})
