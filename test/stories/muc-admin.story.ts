import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import {
  allSee,
  change,
  changes,
  company,
  item,
  jidsOf,
  listOf,
  listRequest,
  sees,
  unheard,
} from '../support/occupants.ts'
import { assigns, enters, FORM, freshRoom, grants, join, MUC, MUC_USER, notices, opens } from '../support/room.ts'
import { type Actor, story } from '../support/story.ts'

const member = { affiliation: 'member', role: 'participant' } as const
const participant = { affiliation: 'none', role: 'participant' } as const
const moderator = { affiliation: 'none', role: 'moderator' } as const
const removed = { affiliation: 'none', role: 'none', type: 'unavailable' } as const
const affiliate = (jid: string, affiliation: string, reason?: string) =>
  item(`affiliation='${affiliation}' jid='${jid}'`, reason)

/** Makes Romeo an admin, which all hear. */
async function makesAdmin(room: string, juliet: Actor, romeo: Actor, all: readonly Actor[]): Promise<void> {
  await grants(juliet, room, romeo.bare, 'admin')
  await notices(all, room, 'Romeo')
}

story('An admin makes an occupant a member, which all see // XEP-0045 §9.3', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await romeo.sends`<iq type='set' id='member' to='${room}'><query xmlns='${MUC}#admin'>${affiliate(mercutio.bare, 'member', 'Wit')}</query></iq>`
  await romeo.receives`<iq type='result' id='member' from='${room}'/>`
  await allSee([romeo, juliet], `${room}/Mercutio`, { ...member, jid: mercutio.jid, reason: 'Wit' })
  await sees(mercutio, `${room}/Mercutio`, { ...member, codes: [110], reason: 'Wit' })
  // The same once more is no change.
  await changes(romeo, room, affiliate(mercutio.bare, 'member'))
  for (const actor of all) await actor.receivesNothing()
})

story('Membership gives voice in a moderated room // XEP-0045 §9.3, §5.1.3', async (s) => {
  const { room, juliet, romeo, mercutio } = await company(s, { moderatedroom: true })
  await grants(juliet, room, romeo.bare, 'member')
  await sees(mercutio, `${room}/Romeo`, member)
})

story('A nick given with membership is its member’s // XEP-0045 §9.3, §9.5', async (s) => {
  const { room, juliet, romeo } = await company(s)
  const tybalt = await s.login('tybalt/square')
  const nicked = (jid: string, nick: string) => item(`affiliation='member' jid='${jid}' nick='${nick}'`)
  await changes(juliet, room, nicked(tybalt.bare, 'Cat'))
  await romeo.isRefused('conflict', 'cancel')`${join(room, 'Cat')}`
  await juliet.isRefused('conflict', 'cancel')`${change(room, nicked(romeo.bare, 'Cat'))}`
  await juliet.isRefused('not-acceptable')`${change(room, nicked(romeo.bare, '  '))}`
  const list = () => listOf(juliet, room, "affiliation='member'")
  assert.deepEqual(await list(), [{ affiliation: 'member', jid: tybalt.bare, nick: 'Cat' }])
  await enters(tybalt, room, 'Cat')
  await romeo.receives`<presence from='${room}/Cat'/>`
  // Without a nick it stays, with an empty one it goes.
  await changes(juliet, room, affiliate(tybalt.bare, 'member'))
  assert.deepEqual(await list(), [{ affiliation: 'member', jid: tybalt.bare, nick: 'Cat' }])
  tybalt.send(`<presence type='unavailable' to='${room}/Cat'/>`)
  await romeo.receives`<presence from='${room}/Cat' type='unavailable'/>`
  await changes(juliet, room, nicked(tybalt.bare, ''))
  assert.deepEqual(await list(), [{ affiliation: 'member', jid: tybalt.bare }])
  romeo.send(join(room, 'Cat'))
  assert.equal((await romeo.next()).attrs['type'], 'unavailable')
})

story('An admin takes membership in an open room, and the member stays // XEP-0045 §9.4', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await grants(juliet, room, romeo.bare, 'member')
  await notices(all, room, 'Romeo')
  await changes(juliet, room, affiliate(romeo.bare, 'none', 'Not so worthy'))
  const shown = { ...participant, reason: 'Not so worthy' }
  await sees(juliet, `${room}/Romeo`, { ...shown, jid: romeo.jid })
  await sees(romeo, `${room}/Romeo`, { ...shown, codes: [110] })
  await sees(mercutio, `${room}/Romeo`, shown)
  for (const actor of all) await actor.receivesNothing()
})

story('Who is no member any more leaves a members-only room // XEP-0045 §9.4', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  const nurse = await s.login('nurse/hall')
  await opens(juliet, room, 'Juliet', { membersonly: true })
  await changes(juliet, room, affiliate(romeo.bare, 'member'), affiliate(nurse.bare, 'member'))
  await enters(romeo, room, 'Romeo')
  await notices([juliet], room, 'Romeo')
  await enters(nurse, room, 'Nurse')
  await notices([juliet, romeo], room, 'Nurse')
  await changes(juliet, room, affiliate(romeo.bare, 'none', 'Banished'))
  const why = { ...removed, reason: 'Banished' }
  await sees(romeo, `${room}/Romeo`, { ...why, codes: [110, 321] })
  await sees(juliet, `${room}/Romeo`, { ...why, codes: [321], jid: romeo.jid })
  await sees(nurse, `${room}/Romeo`, { ...why, codes: [321] })
  await romeo.isRefused('registration-required', 'auth')`${join(room, 'Romeo')}`
  for (const actor of [juliet, romeo, nurse]) await actor.receivesNothing()
})

story('Admins read and change the list of members, others do not // XEP-0045 §9.5', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await makesAdmin(room, juliet, romeo, all)
  await changes(romeo, room, affiliate('nurse@localhost', 'member'), affiliate('peter@localhost', 'member'))
  await changes(romeo, room, affiliate('peter@localhost', 'none'), affiliate(mercutio.bare, 'member'))
  await notices(all, room, 'Mercutio')
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [mercutio.bare, 'nurse@localhost'])
  for (const entry of await listOf(juliet, room, "affiliation='member'")) {
    assert.equal(entry['affiliation'], 'member')
    assert.equal(entry['role'], undefined)
  }
  // Semi-anonymous: not even members read it.
  for (const actor of [mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='member'")}`
    await actor.isRefused('forbidden', 'auth')`${change(room, affiliate(tybalt.bare, 'member'))}`
    await actor.isRefused('forbidden', 'auth')`${change(room, affiliate('nurse@localhost', 'none'))}`
  }
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [mercutio.bare, 'nurse@localhost'])
})

story('Members of a non-anonymous members-only room read who they are // XEP-0045 §9.5', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  const tybalt = await s.login('tybalt/square')
  await opens(juliet, room, 'Juliet', { membersonly: true, whois: 'anyone' })
  await changes(juliet, room, affiliate(romeo.bare, 'member', 'Her love'))
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [romeo.bare])
  // Why they are members is for those who make them so.
  for (const [actor, isTold] of [
    [romeo, false],
    [juliet, true],
  ] as const)
    assert.equal(
      String(await actor.asks`${listRequest(room, "affiliation='member'")}`).includes('Her love'),
      isTold,
      actor.jid,
    )
  await enters(romeo, room, 'Romeo')
  assert.deepEqual(await jidsOf(romeo, room, 'member'), [romeo.bare])
  await tybalt.isRefused('forbidden', 'auth')`${listRequest(room, "affiliation='member'")}`
  await romeo.isRefused('forbidden', 'auth')`${change(room, affiliate(tybalt.bare, 'member'))}`
})

story('No list leaks to those whom it does not concern // XEP-0045 §9, §10', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await makesAdmin(room, juliet, romeo, all)
  await assigns(juliet, room, 'Mercutio', 'moderator')
  await notices(all, room, 'Mercutio')
  const outcast = await s.login('paris/tomb')
  await changes(juliet, room, affiliate(outcast.bare, 'outcast'))
  for (const actor of [mercutio, tybalt, outcast])
    for (const which of ['owner', 'admin', 'member', 'outcast', 'none'])
      await actor.isRefused('forbidden', 'auth')`${listRequest(room, `affiliation='${which}'`)}`
  for (const which of ['owner', 'admin'])
    await romeo.isRefused('forbidden', 'auth')`${listRequest(room, `affiliation='${which}'`)}`
  for (const which of ["affiliation='king'", "role='king'", ''])
    await juliet.isRefused('bad-request', 'modify')`${listRequest(room, which)}`
  await juliet.isRefused('item-not-found', 'cancel')`${listRequest(freshRoom(s), "affiliation='member'")}`
})

story('Who becomes a member of a members-only room is invited // XEP-0045 §9.5', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.online('romeo/orchard')
  await opens(juliet, room, 'Juliet', { membersonly: true, passwordprotectedroom: true, roomsecret: 'rose' })
  await changes(juliet, room, affiliate(romeo.bare, 'member'))
  const message = await romeo.receives`<message from='${room}'/>`
  const x = message.getChild('x', MUC_USER)!
  assert.ok(x.getChild('invite')!.attrs['from']!.startsWith(juliet.bare))
  assert.equal(x.getChildText('password'), 'rose')
  // Not when he was affiliated before.
  await changes(juliet, room, affiliate(romeo.bare, 'admin'))
  await changes(juliet, room, affiliate(romeo.bare, 'member'))
  for (const el of await unheard(romeo)) assert.equal(el.getChild('x', MUC_USER)?.getChild('invite'), undefined)
  await enters(romeo, room, 'Romeo', { inside: '<password>rose</password>' })
})

story('An admin makes moderators, and unmakes them // XEP-0045 §9.6, §9.7', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await changes(romeo, room, item("nick='Mercutio' role='moderator'", 'Wit'))
  await allSee([romeo, juliet], `${room}/Mercutio`, { ...moderator, jid: mercutio.jid, reason: 'Wit' })
  await sees(mercutio, `${room}/Mercutio`, { ...moderator, codes: [110], reason: 'Wit' })
  await changes(romeo, room, item("nick='Mercutio' role='participant'", 'Puns'))
  await allSee([romeo, juliet], `${room}/Mercutio`, { ...participant, jid: mercutio.jid, reason: 'Puns' })
  await sees(mercutio, `${room}/Mercutio`, { ...participant, codes: [110], reason: 'Puns' })
})

story('Nobody unmakes moderators who are admins or owners // XEP-0045 §9.7', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  await grants(juliet, room, mercutio.bare, 'admin')
  await notices(all, room, 'Mercutio')
  const unmake = (nick: string) => change(room, item(`nick='${nick}' role='participant'`))
  for (const nick of ['Juliet', 'Mercutio']) await romeo.isRefused('not-allowed', 'cancel')`${unmake(nick)}`
  for (const actor of all) await actor.receivesNothing()
})

story('A moderator who is no admin makes and unmakes none // XEP-0045 §9.6, §9.7', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await enters(tybalt, room, 'Tybalt')
  await notices(all, room, 'Tybalt')
  await changes(juliet, room, item("nick='Romeo' role='moderator'"), item("nick='Mercutio' role='moderator'"))
  for (const nick of ['Romeo', 'Mercutio']) await notices([...all, tybalt], room, nick)
  await romeo.isRefused('forbidden', 'auth')`${change(room, item("nick='Tybalt' role='moderator'"))}`
  await romeo.isRefused('forbidden', 'auth')`${change(room, item("nick='Mercutio' role='participant'"))}`
  await tybalt.isRefused('forbidden', 'auth')`${change(room, item("nick='Tybalt' role='moderator'"))}`
  await mercutio.isRefused('forbidden', 'auth')`${change(room, affiliate(tybalt.bare, 'member'))}`
  for (const actor of all) await actor.receivesNothing()
})

story('An admin reads the list of moderators, and sends what changes // XEP-0045 §9.8', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await makesAdmin(room, juliet, romeo, all)
  const list = async () => (await listOf(romeo, room, "role='moderator'")).map(({ nick, role }) => `${nick} ${role}`)
  assert.deepEqual(await list(), ['Juliet moderator', 'Romeo moderator'])
  await changes(romeo, room, item("nick='Mercutio' role='moderator'"))
  await notices(all, room, 'Mercutio')
  assert.deepEqual(await list(), ['Juliet moderator', 'Mercutio moderator', 'Romeo moderator'])
  await mercutio.isRefused('forbidden', 'auth')`${listRequest(room, "role='moderator'")}`
  const both = change(room, item("nick='Mercutio' role='participant'"), item("nick='Juliet' role='participant'"))
  await romeo.isRefused('not-allowed', 'cancel')`${both}`
  for (const actor of all) await actor.receivesNothing()
  assert.equal((await list()).length, 3)
})

story('An admin lets in who has registered with a members-only room // XEP-0045 §9.9', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet', { membersonly: true })
  const register = 'jabber:iq:register'
  const answer = await romeo.asks`<iq type='get' to='${room}'><query xmlns='${register}'/></iq>`
  const blank = answer.getChild('query', register)!.getChild('x', FORM)!
  await romeo.asks`<iq type='set' to='${room}'><query xmlns='${register}'>${submitted(blank, 'muc#register_roomnick', 'Romeo')}</query></iq>`
  const request = await juliet.receives`<message from='${room}' to='${juliet.jid}'/>`
  const form = request.getChild('x', FORM)!
  assert.equal(form.attrs['type'], 'form')
  const values = Object.fromEntries(
    form.getChildren('field').map((field) => [field.attrs['var'], field.getChildText('value')]),
  )
  assert.equal(values['FORM_TYPE'], `${MUC}#register`)
  assert.equal(values['muc#register_roomnick'], 'Romeo')
  assert.ok(['0', 'false'].includes(values['muc#register_allow']!))
  await romeo.isRefused('registration-required', 'auth')`${join(room, 'Romeo')}`
  await romeo.isRefused('forbidden')`<message to='${room}'>${submitted(form, 'muc#register_allow', '1')}</message>`
  juliet.send(`<message to='${room}'>${submitted(form, 'muc#register_allow', '1')}</message>`)
  assert.deepEqual(await listOf(juliet, room, "affiliation='member'"), [
    { affiliation: 'member', jid: romeo.bare, nick: 'Romeo' },
  ])
  await enters(romeo, room, 'Romeo')
})

/** A form as it is sent back, with one value changed, and what must be filled in filled in. */
function submitted(form: Element, name: string, value: string): string {
  const fields = form.getChildren('field').map((field) => {
    const given = field.getChildText('value') ?? (field.getChild('required') ? 'x' : undefined)
    const text = field.attrs['var'] === name ? value : given
    return text === undefined ? '' : `<field var='${field.attrs['var']}'><value>${text}</value></field>`
  })
  return `<x xmlns='${FORM}' type='submit'>${fields.join('')}</x>`
}
