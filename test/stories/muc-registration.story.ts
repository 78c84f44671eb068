import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import {
  codesOf,
  enters,
  type Fields,
  FORM,
  freshRoom,
  grants,
  heardBy,
  isTurnedAway,
  itemOf,
  join,
  leaves,
  MUC,
  notices,
  opens,
  submission,
  x,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const REGISTER = 'jabber:iq:register'
const INFO = 'http://jabber.org/protocol/disco#info'
const TYPE = `${MUC}#register`

const query = (room: string, type: 'get' | 'set', inside = '') =>
  `<iq type='${type}' to='${room}'><query xmlns='${REGISTER}'>${inside}</query></iq>`
const registration = (nick: string, more: Fields = {}) => submission(TYPE, { 'muc#register_roomnick': nick, ...more })

/** Registers with a room that takes members without asking. */
async function registers(actor: Actor, room: string, nick: string, more: Fields = {}): Promise<void> {
  await actor.asks`${query(room, 'set', registration(nick, more))}`
}

/** The nickname that is reserved for somebody. */
async function reservedFor(actor: Actor, room: string): Promise<string | undefined> {
  const reply = await actor.asks`<iq type='get' to='${room}'><query xmlns='${INFO}' node='x-roomuser-item'/></iq>`
  const info = reply.getChild('query', INFO)!
  assert.equal(info.attrs['node'], 'x-roomuser-item')
  if (info.children.length === 0) return undefined
  const { category, type, name } = info.getChild('identity')!.attrs
  assert.deepEqual([info.children.length, category, type], [1, 'conference', 'text'])
  return name
}

async function company(s: Story, fields?: Fields) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const paris = await s.login('paris/church')
  const room = freshRoom(s)
  await opens(romeo, room, 'Romeo', fields)
  return { room, romeo, juliet, paris }
}

// XEP-0045 §7.10
story('§7.10 A user asks how to register, and is given a form', async (s) => {
  const { room, juliet } = await company(s)
  const reply = await juliet.asks`${query(room, 'get')}`
  assert.equal(reply.attrs['from'], room)
  const asked = reply.getChild('query', REGISTER)!
  assert.equal(asked.getChild('registered'), undefined)
  const form = asked.getChild('x', FORM)!
  assert.equal(form.attrs['type'], 'form')
  const fields = new Map(form.getChildren('field').map((field): [string, Element] => [field.attrs['var']!, field]))
  assert.equal(fields.get('FORM_TYPE')!.attrs['type'], 'hidden')
  assert.equal(fields.get('FORM_TYPE')!.getChildText('value'), TYPE)
  assert.equal(fields.get('muc#register_roomnick')!.attrs['type'], 'text-single')
  assert.ok(fields.get('muc#register_roomnick')!.getChild('required'))
})

// XEP-0045 §7.10
story('§7.10 A room that does not exist, or will not have somebody, registers nobody', async (s) => {
  const { room, romeo, paris } = await company(s)
  for (const type of ['get', 'set'] as const)
    await paris.isRefused(
      'item-not-found',
      'cancel',
    )`${query(freshRoom(s), type, type === 'set' ? registration('P') : '')}`
  await grants(romeo, room, paris.bare, 'outcast')
  for (const type of ['get', 'set'] as const)
    await paris.isRefused('not-allowed', 'cancel')`${query(room, type, type === 'set' ? registration('P') : '')}`
})

// XEP-0045 §7.10
story('§7.10 Who registers is a member, whose nickname is theirs', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await registers(juliet, room, 'Juliet', { 'muc#register_first': 'Juliet', 'muc#register_last': 'Capulet' })
  const registered = (await juliet.asks`${query(room, 'get')}`).getChild('query', REGISTER)!
  assert.ok(registered.getChild('registered'))
  assert.equal(registered.getChildText('username'), 'Juliet')
  await isTurnedAway(paris, 'conflict', 'cancel', join(room, 'Juliet'))
  await paris.isRefused('conflict', 'cancel')`${query(room, 'set', registration('Juliet'))}`
  await enters(paris, room, 'Paris')
  await isTurnedAway(paris, 'conflict', 'cancel', `<presence to='${room}/Juliet'/>`)
  await enters(juliet, room, 'Juliet')
  await notices([romeo], room, 'Paris')
  await romeo.receives`<presence from='${room}/Juliet'>${x({ affiliation: 'member', jid: juliet.jid })}</presence>`
})

// XEP-0045 §7.10: "it MUST send updated presence from this individual to all occupants"
story('§7.10 All see that an occupant has become a member', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await enters(juliet, room, 'Juliet')
  await enters(paris, room, 'Paris')
  await notices([romeo], room, 'Juliet')
  await notices([romeo, juliet], room, 'Paris')
  await registers(juliet, room, 'Juliet')
  const seen = await romeo.receives`<presence from='${room}/Juliet'/>`
  assert.deepEqual(itemOf(seen).attrs, { affiliation: 'member', role: 'participant', jid: juliet.jid })
  const anonymous = await paris.receives`<presence from='${room}/Juliet'/>`
  assert.deepEqual(itemOf(anonymous).attrs, { affiliation: 'member', role: 'participant' })
  const own = await juliet.receives`<presence from='${room}/Juliet'/>`
  assert.deepEqual([itemOf(own).attrs['affiliation'], codesOf(own)], ['member', [110]])
})

// XEP-0045 §7.10
story('§7.10 A form that is none, or of something else, is refused', async (s) => {
  const { room, juliet } = await company(s)
  for (const inside of [
    '',
    '<username>Juliet</username>',
    `<x xmlns='${FORM}' type='submit'/>`,
    submission(`${MUC}#roomconfig`, { 'muc#register_roomnick': 'Juliet' }),
    submission(TYPE, { 'muc#register_first': 'Juliet' }),
    submission(TYPE, { 'muc#register_roomnick': '' }),
    submission(TYPE, { 'muc#register_roomnick': ' ' }),
  ])
    await juliet.isRefused('bad-request', 'modify')`${query(room, 'set', inside)}`
  assert.equal(await reservedFor(juliet, room), undefined)
})

// XEP-0077 §3.2, to a room
story('§7.10 Who cancels the registration is no member, and the nickname is free', async (s) => {
  const { room, juliet, paris } = await company(s)
  await registers(juliet, room, 'Juliet')
  await juliet.asks`${query(room, 'set', '<remove/>')}`
  assert.equal(await reservedFor(juliet, room), undefined)
  await enters(paris, room, 'Juliet')
  assert.equal(itemOf((await enters(juliet, room, 'JC')).own).attrs['affiliation'], 'none')
})

// XEP-0045 §7.12
story('§7.12 A user discovers the nickname that is reserved for them', async (s) => {
  const { room, romeo, juliet } = await company(s)
  assert.equal(await reservedFor(juliet, room), undefined)
  await registers(juliet, room, 'Juliet')
  assert.equal(await reservedFor(juliet, room), 'Juliet')
  assert.equal(await reservedFor(await s.login('juliet/chamber'), room), 'Juliet')
  assert.equal(await reservedFor(romeo, room), undefined)
  // "MUST NOT return an error … after having already joined the room"; another nickname is allowed.
  const { own } = await enters(juliet, room, 'JC')
  assert.ok([`${room}/JC`, `${room}/Juliet`].includes(own.attrs['from']!))
  assert.equal(await reservedFor(juliet, room), 'Juliet')
  await leaves(juliet, room, own.attrs['from']!.split('/')[1]!)
  await juliet.isRefused(
    'item-not-found',
    'cancel',
  )`<iq type='get' to='${freshRoom(s)}'><query xmlns='${INFO}' node='x-roomuser-item'/></iq>`
})

// XEP-0045 §9.3, §7.12: an admin may reserve a nickname for a member
story('§7.12 A nickname that an admin gives a member is reserved', async (s) => {
  const { room, romeo, juliet, paris } = await company(s)
  await grants(romeo, room, juliet.bare, 'member', { nick: 'Juliet' })
  assert.equal(await reservedFor(juliet, room), 'Juliet')
  await isTurnedAway(paris, 'conflict', 'cancel', join(room, 'Juliet'))
})

// XEP-0045 §7.2.2, §7.10: "SHOULD modify the user's nickname to be the registered nickname"; §7.6; status code 210
story('§7.2.2 Where nicknames are locked down, who has registered one goes by it', async (s) => {
  const { room, romeo, juliet, paris } = await company(s, { locknicks: true })
  await registers(juliet, room, 'Juliet')
  const { own } = await enters(juliet, room, 'JC')
  assert.equal(own.attrs['from'], `${room}/Juliet`)
  assert.deepEqual(codesOf(own), [110, 170, 210])
  await romeo.receives`<presence from='${room}/Juliet'>${x({ affiliation: 'member', jid: juliet.jid })}</presence>`
  await isTurnedAway(juliet, 'not-acceptable', 'cancel', `<presence to='${room}/JC'/>`)
  await romeo.receivesNothing()
  assert.deepEqual(codesOf((await enters(juliet, room, 'Juliet')).own), [110, 170])
  const others = await enters(paris, room, 'Count')
  assert.deepEqual(codesOf(others.own), [110, 170])
})

// XEP-0045 §7.10
story('§7.10 A nickname by which somebody else is in the room cannot be registered', async (s) => {
  const { room, juliet } = await company(s)
  await isTurnedAway(juliet, 'conflict', 'cancel', query(room, 'set', registration('Romeo')))
})

// XEP-0045 §7.10: "the service SHOULD … change the user's nickname"; §7.6
story('§7.10 Where nicknames are locked down, who registers another goes by it at once', async (s) => {
  const { room, romeo, juliet } = await company(s, { locknicks: true })
  await enters(juliet, room, 'JC')
  await romeo.receives`<presence from='${room}/JC'/>`
  await registers(juliet, room, 'Juliet')
  await romeo.receives`<presence from='${room}/JC'/>`
  const gone = await romeo.receives`<presence type='unavailable' from='${room}/JC'/>`
  assert.deepEqual([codesOf(gone), itemOf(gone).attrs['nick']], [[303], 'Juliet'])
  await romeo.receives`<presence from='${room}/Juliet'/>`
})

// XEP-0045 §7.10, §9.9
story('§7.10 Into a room for members one registers with the approval of its admins', async (s) => {
  const { room, romeo, juliet } = await company(s, { membersonly: true })
  await registers(juliet, room, 'Juliet')
  await isTurnedAway(juliet, 'registration-required', 'auth', join(room, 'Juliet'))
  const request = await romeo.receives`<message from='${room}'/>`
  const fields = request.getChild('x', FORM)!.getChildren('field')
  const values = Object.fromEntries(fields.map((field) => [field.attrs['var'], field.getChildText('value')]))
  const { FORM_TYPE: type, ...asked } = values as Record<string, string>
  assert.equal(type, TYPE)
  assert.equal(asked['muc#register_roomnick'], 'Juliet')
  const approval = submission(TYPE, { ...asked, 'muc#register_allow': true })
  await romeo.sends`<message to='${room}'>${approval}</message>`
  await heardBy(romeo)
  await enters(juliet, room, 'Juliet')
  await romeo.receives`<presence from='${room}/Juliet'>${x({ affiliation: 'member', jid: juliet.jid })}</presence>`
})
