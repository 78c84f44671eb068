import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { company, configuration, hearOfChange, roomInfo } from '../support/occupants.ts'
import { enters, freshRoom, join, MUC_OWNER, opens } from '../support/room.ts'
import { drain, story } from '../support/story.ts'

const NS = 'vcard-temp'
const HASH = 'muc#roominfo_avatarhash'
const picture = Buffer.from('a picture of a balcony')
const smaller = Buffer.from('a smaller one')
const photo = (octets: Buffer) => `<PHOTO><TYPE>image/png</TYPE><BINVAL>${octets.toString('base64')}</BINVAL></PHOTO>`
const sha1 = (octets: Buffer) => createHash('sha1').update(octets).digest('hex')
const vcard = (room: string, ...photos: Buffer[]) =>
  `<iq type='set' to='${room}'><vCard xmlns='${NS}'>${photos.map(photo).join('')}</vCard></iq>`
const request = (room: string) => `<iq type='get' to='${room}'><vCard xmlns='${NS}'/></iq>`

story('An owner gives the room a picture, and all are told // XEP-0486 §3.1–3.4', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  assert.equal((await roomInfo(romeo, room)).form[HASH], undefined)
  await juliet.asks`${vcard(room, picture)}`
  await hearOfChange(all, room, 104)
  const tybalt = await s.login('tybalt/square')
  for (const actor of [romeo, tybalt]) {
    const { features, form } = await roomInfo(actor, room)
    assert.ok(features.includes(NS))
    assert.deepEqual(form[HASH], [sha1(picture)])
    const card = (await actor.asks`${request(room)}`).getChild('vCard', NS)!
    assert.equal(card.getChild('PHOTO')!.getChildText('BINVAL'), picture.toString('base64'))
  }
  const service =
    await romeo.asks`<iq type='get' to='conference.${s.domain}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  assert.ok(
    service
      .getChildElements()[0]!
      .getChildren('feature')
      .some((feature) => feature.attrs['var'] === NS),
  )
})

story(
  'Several forms of one picture have a hash each; an empty vCard takes all away // XEP-0486 §3.2, §5.1',
  async (s) => {
    const { room, juliet, all } = await company(s)
    await juliet.asks`${vcard(room, picture, smaller)}`
    await hearOfChange(all, room, 104)
    assert.deepEqual((await roomInfo(juliet, room)).form[HASH], [sha1(picture), sha1(smaller)])
    await juliet.asks`${vcard(room)}`
    await hearOfChange(all, room, 104)
    assert.equal((await roomInfo(juliet, room)).form[HASH], undefined)
    assert.equal((await juliet.asks`${request(room)}`).getChild('vCard', NS)!.getChildElements().length, 0)
  },
)

story('Only owners set it, and not too large a one // XEP-0486 §6', async (s) => {
  const { room, juliet, romeo, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  for (const actor of [romeo, tybalt]) await actor.isRefused('forbidden', 'auth')`${vcard(room, picture)}`
  await juliet.isRefused('policy-violation', 'modify')`${vcard(room, Buffer.alloc(100_000, 1))}`
  for (const actor of all) await actor.receivesNothing()
  assert.equal((await roomInfo(juliet, room)).form[HASH], undefined)
})

story('Outsiders see nothing of a room that is not public, nor of one that is locked', async (s) => {
  const { room, juliet, romeo } = await company(s)
  await juliet.asks`${configuration(room, { publicroom: false })}`
  await juliet.asks`${vcard(room, picture)}`
  for (const actor of [juliet, romeo]) await drain(actor)
  await romeo.asks`${request(room)}`
  const tybalt = await s.login('tybalt/square')
  await tybalt.isRefused('forbidden')`${request(room)}`
  const locked = freshRoom(s)
  await juliet.sends`${join(locked, 'Juliet')}`
  await drain(juliet)
  await tybalt.isRefused('item-not-found')`${request(locked)}`
  await tybalt.isRefused('item-not-found')`${request(freshRoom(s))}`
})

story('The picture goes with the room', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet')
  await juliet.asks`${vcard(room, picture)}`
  await drain(juliet)
  await juliet.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`
  await drain(juliet)
  await opens(juliet, room, 'Juliet')
  assert.equal((await roomInfo(juliet, room)).form[HASH], undefined)
})

story(
  'Where the admin says so the room’s own presence tells of the picture // XEP-0486 §5.2',
  async (s) => {
    const { room, juliet, romeo } = await company(s)
    await juliet.asks`${vcard(room, picture)}`
    await drain(juliet)
    const told = `<x xmlns='vcard-temp:x:update'><photo>${sha1(picture)}</photo></x>`
    await romeo.receives`<message from='${room}'/>`
    await romeo.receives`<presence from='${room}'>${told}</presence>`
    const tybalt = await s.login('tybalt/square')
    await enters(tybalt, room, 'Tybalt')
    await tybalt.receives`<presence from='${room}'>${told}</presence>`
  },
  { modules: { muc: { avatars: { inPresence: true } } } },
)
