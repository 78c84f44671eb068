import assert from 'node:assert/strict'
import { asksArchive, NS_MAM, NS_SID, stanzaIds } from '../support/archive.ts'
import { ComponentClient } from '../support/component.ts'
import { type Actor, story } from '../support/story.ts'

const room = 'room@muc.example'
const server = { components: { 'muc.example': { secret: 'secret' } } }

async function accountFeatures(actor: Actor): Promise<readonly (string | undefined)[]> {
  const info =
    await actor.asks`<iq type='get' to='${actor.bare}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const query = info.getChild('query')!
  return query.getChildren('feature').map((feature) => feature.attrs['var'])
}

// XEP-0313 §4.1.4, §7
story(
  'groupchat: the messages of rooms are kept, and left out for who wants none',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const muc = await ComponentClient.join(s.bed.server, 'muc.example', 'secret')
    for (const type of ['groupchat', 'chat'])
      muc.send(
        `<message from='${room}/tybalt' to='${romeo.jid}' type='${type}' id='${type}'><body>${type}</body></message>`,
      )
    for (const id of ['groupchat', 'chat']) await romeo.receives`<message id='${id}'/>`
    const bodies = async (form: Record<string, string>) => (await asksArchive(romeo, { form })).bodies
    assert.deepEqual(await bodies({ 'include-groupchat': 'true' }), ['groupchat', 'chat'])
    assert.deepEqual(await bodies({ 'include-groupchat': 'false' }), ['chat'])
    assert.deepEqual(await bodies({ 'include-groupchat': '0', with: room }), ['chat'])
    assert.ok((await accountFeatures(romeo)).includes(`${NS_MAM}#groupchat-available`))
    muc.transport.cut()
  },
  { server, modules: { archive: { groupchat: true } } },
)

story(
  'headlines: they are kept when the admin says so',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.online('juliet/balcony')
    await romeo.sends`<message to='${juliet.bare}' type='headline' id='news'><body>news</body></message>`
    const news = await juliet.receives`<message id='news'/>`
    assert.deepEqual((await asksArchive(juliet)).ids, [stanzaIds(news)[juliet.bare]])
  },
  { modules: { archive: { headlines: true } } },
)

// XEP-0359 §3, rule 2
story(
  'A component’s message keeps the component’s ids and loses those that are not its to give',
  async (s) => {
    const romeo = await s.online('romeo/orchard')
    const muc = await ComponentClient.join(s.bed.server, 'muc.example', 'secret')
    const marks = [romeo.bare, s.domain, room].map((by) => `<stanza-id xmlns='${NS_SID}' by='${by}' id='1'/>`)
    for (const [id, more] of [
      ['kept', '<body>Hi</body>'],
      ['passing', `<composing xmlns='http://jabber.org/protocol/chatstates'/>`],
    ])
      muc.send(
        `<message from='${room}/tybalt' to='${romeo.jid}' type='chat' id='${id}'>${more}${marks.join('')}</message>`,
      )
    const kept = stanzaIds(await romeo.receives`<message id='kept'/>`)
    assert.deepEqual(stanzaIds(await romeo.receives`<message id='passing'/>`), { [room]: '1' })
    const { ids } = await asksArchive(romeo)
    assert.deepEqual(kept, { [room]: '1', [romeo.bare]: ids[0] })
    muc.transport.cut()
  },
  { server },
)
