import assert from 'node:assert/strict'
import { allSee, change, changes, company, item, listOf, listRequest, sees } from '../support/occupants.ts'
import { assigns, enters, freshRoom, grants, join, MUC, notices, opens } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const banned = { affiliation: 'outcast', role: 'none', type: 'unavailable' } as const
const ban = (jid: string, reason?: string) => item(`affiliation='outcast' jid='${jid}'`, reason)
const banList = (actor: Actor, room: string) => listOf(actor, room, "affiliation='outcast'")

/** Makes Romeo an admin, which all hear. */
async function makesAdmin(room: string, juliet: Actor, romeo: Actor, all: readonly Actor[]): Promise<void> {
  await grants(juliet, room, romeo.bare, 'admin')
  await notices(all, room, 'Romeo')
}

story('An admin bans an occupant, who goes and may not come back // XEP-0045 §9.1', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await romeo.sends`<iq type='set' id='ban' to='${room}'><query xmlns='${MUC}#admin'>${ban(mercutio.bare, 'Puns')}</query></iq>`
  const why = { ...banned, actor: 'Romeo', reason: 'Puns' }
  await sees(mercutio, `${room}/Mercutio`, { ...why, codes: [110, 301] })
  await romeo.receives`<iq type='result' id='ban' from='${room}' to='${romeo.jid}'/>`
  await allSee([romeo, juliet], `${room}/Mercutio`, { ...why, codes: [301], jid: mercutio.jid })
  await mercutio.isRefused('forbidden', 'auth')`${join(room, 'Mercutio')}`
  await mercutio.isRefused('not-acceptable')`<message type='groupchat' to='${room}'><body>A plague</body></message>`
  for (const actor of all) await actor.receivesNothing()
})

story('Others learn no address from a ban in a semi-anonymous room // XEP-0045 §9.1', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s)
  const phone = await s.login('mercutio/phone')
  await enters(phone, room, 'Merc')
  await notices([juliet, romeo, mercutio], room, 'Merc')
  // A request that names a full JID means the account, and all its clients go.
  await changes(juliet, room, ban(phone.jid))
  const seen = await Promise.all([romeo.next(), romeo.next()])
  for (const presence of seen) {
    assert.equal(presence.attrs['type'], 'unavailable')
    assert.equal(presence.getChild('x')!.getChild('item')!.attrs['jid'], undefined)
  }
  assert.deepEqual(seen.map((presence) => presence.attrs['from']).sort(), [`${room}/Merc`, `${room}/Mercutio`])
  for (const actor of [mercutio, phone]) await actor.isRefused('forbidden', 'auth')`${join(room, 'Queen Mab')}`
  assert.deepEqual(await banList(juliet, room), [{ affiliation: 'outcast', jid: mercutio.bare }])
})

story('No admin bans an owner or an admin, an owner may // XEP-0045 §9.1', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await grants(juliet, room, mercutio.bare, 'admin')
  await notices(all, room, 'Mercutio')
  await romeo.isRefused('not-allowed', 'cancel')`${change(room, ban(juliet.bare))}`
  await romeo.isRefused('not-allowed', 'cancel')`${change(room, ban(mercutio.bare))}`
  for (const actor of all) await actor.receivesNothing()
  await changes(juliet, room, ban(mercutio.bare))
  await sees(romeo, `${room}/Mercutio`, { ...banned, codes: [301], jid: mercutio.jid })
})

story('Nobody bans themselves // XEP-0045 §9.1', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  for (const actor of [romeo, juliet]) await actor.isRefused('conflict', 'cancel')`${change(room, ban(actor.bare))}`
  for (const actor of all) await actor.receivesNothing()
})

story('Only admins and owners ban, be they in the room or not // XEP-0045 §9', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await grants(juliet, room, romeo.bare, 'member')
  await notices(all, room, 'Romeo')
  // A moderator is no admin.
  await assigns(juliet, room, 'Romeo', 'moderator')
  await notices(all, room, 'Romeo')
  for (const actor of [romeo, mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'auth')`${change(room, ban('paris@localhost'))}`
    await actor.isRefused('forbidden', 'auth')`${change(room, ban(juliet.bare))}`
    await actor.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='outcast'")}`
  }
  await grants(juliet, room, tybalt.bare, 'admin')
  await changes(tybalt, room, ban(mercutio.bare, 'Peace'))
  await sees(mercutio, `${room}/Mercutio`, { ...banned, codes: [110, 301], reason: 'Peace' })
})

story('An address that is none is refused // XEP-0045 §9.1', async (s) => {
  const { room, juliet } = await company(s)
  for (const jid of ['@', 'a@', '@localhost', 'a b@localhost'])
    await juliet.isRefused('jid-malformed', 'modify')`${change(room, ban('paris@localhost'), ban(jid))}`
  await juliet.isRefused('bad-request', 'modify')`${change(room, item("affiliation='outcast'"))}`
  await juliet.isRefused('item-not-found', 'cancel')`${change(freshRoom(s), ban('paris@localhost'))}`
  assert.deepEqual(await banList(juliet, room), [])
})

story('An admin reads the list of bans, and sends what changes // XEP-0045 §9.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await changes(romeo, room, ban('tybalt@localhost', 'Brawls'), ban('Paris@Localhost'))
  const tybalt = { affiliation: 'outcast', jid: 'tybalt@localhost', reason: 'Brawls' }
  assert.deepEqual(await banList(romeo, room), [{ affiliation: 'outcast', jid: 'paris@localhost' }, tybalt])
  await changes(romeo, room, item("affiliation='none' jid='paris@localhost'"), ban(mercutio.bare))
  await sees(mercutio, `${room}/Mercutio`, { ...banned, codes: [110, 301] })
  assert.deepEqual(await banList(juliet, room), [{ affiliation: 'outcast', jid: mercutio.bare }, tybalt])
  await changes(romeo, room, item(`affiliation='none' jid='${mercutio.bare}'`))
  await enters(mercutio, room, 'Mercutio')
})

story('Of bans of which one is not allowed none is made // XEP-0045 §9.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await romeo.isRefused('not-allowed')`${change(room, ban(mercutio.bare), ban(juliet.bare))}`
  await romeo.isRefused('conflict')`${change(room, ban(mercutio.bare), ban(romeo.bare))}`
  for (const actor of all) await actor.receivesNothing()
  assert.deepEqual(await banList(juliet, room), [])
})

story('With a ban goes the reserved nick // XEP-0045 §9.1', async (s) => {
  const { room, juliet } = await company(s)
  const tybalt = await s.login('tybalt/square')
  const paris = await s.login('paris/tomb')
  await grants(juliet, room, tybalt.bare, 'member', { nick: 'Prince of Cats' })
  await paris.isRefused('conflict', 'cancel')`${join(room, 'Prince of Cats')}`
  await changes(juliet, room, ban(tybalt.bare))
  assert.deepEqual(await banList(juliet, room), [{ affiliation: 'outcast', jid: tybalt.bare }])
  await enters(paris, room, 'Prince of Cats')
})

const verona = { hosts: ['localhost', 'capulet.example'] }

story(
  'A domain is banned with all its accounts, but whom the room knows by name // XEP-0045 §9.2',
  async (s) => {
    const room = freshRoom(s)
    const romeo = await s.login('romeo/orchard')
    const tybalt = await s.login('tybalt@capulet.example/square')
    const juliet = await s.login('juliet@capulet.example/balcony')
    await opens(romeo, room, 'Romeo')
    await grants(romeo, room, juliet.bare, 'member')
    await enters(tybalt, room, 'Tybalt')
    await enters(juliet, room, 'Juliet')
    for (const actor of [romeo, tybalt, juliet]) await drain(actor)
    await changes(romeo, room, ban('capulet.example', 'Feud'))
    const why = { ...banned, reason: 'Feud' }
    await sees(tybalt, `${room}/Tybalt`, { ...why, codes: [110, 301] })
    await sees(juliet, `${room}/Tybalt`, { ...why, codes: [301] })
    await tybalt.isRefused('forbidden', 'auth')`${join(room, 'Tybalt')}`
    // The account comes before the domain.
    await juliet.receivesNothing()
    assert.deepEqual(await banList(romeo, room), [{ affiliation: 'outcast', jid: 'capulet.example', reason: 'Feud' }])
    await changes(romeo, room, item("affiliation='none' jid='capulet.example'"))
    await enters(tybalt, room, 'Tybalt')
  },
  verona,
)

story(
  'Who is banned by name is not let in by the domain // XEP-0045 §9.2',
  async (s) => {
    const room = freshRoom(s)
    const romeo = await s.login('romeo/orchard')
    const tybalt = await s.login('tybalt@capulet.example/square')
    const juliet = await s.login('juliet@capulet.example/balcony')
    await opens(romeo, room, 'Romeo', { membersonly: true })
    await changes(romeo, room, item("affiliation='member' jid='capulet.example'"), ban(tybalt.bare))
    await tybalt.isRefused('forbidden', 'auth')`${join(room, 'Tybalt')}`
    const { own } = await enters(juliet, room, 'Juliet')
    assert.equal(own.getChild('x')!.getChild('item')!.attrs['affiliation'], 'member')
  },
  verona,
)
