import assert from 'node:assert/strict'
import {
  company,
  configuration,
  configurationForm,
  hearOfChange,
  jidsOf,
  roomInfo,
  sees,
  valuesOf,
} from '../support/occupants.ts'
import {
  codesOf,
  configures,
  enters,
  FORM,
  freshRoom,
  grants,
  itemOf,
  join,
  MUC_OWNER,
  notices,
  opens,
} from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

const owner = { affiliation: 'owner', role: 'moderator' } as const
const admin = { affiliation: 'admin', role: 'moderator' } as const
const request = (room: string, type: 'submit' | 'cancel') =>
  `<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><x xmlns='${FORM}' type='${type}'/></query></iq>`
const formRequest = (room: string) => `<iq type='get' to='${room}'><query xmlns='${MUC_OWNER}'/></iq>`

/** Makes Romeo an admin, which all hear. */
async function makesAdmin(room: string, juliet: Actor, romeo: Actor, all: readonly Actor[]): Promise<void> {
  await grants(juliet, room, romeo.bare, 'admin')
  await notices(all, room, 'Romeo')
}

story(
  'Who enters first has made the room, which is locked until it is an instant one // XEP-0045 §10.1.2',
  async (s) => {
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    const romeo = await s.login('romeo/orchard')
    const { own } = await enters(juliet, room, 'Juliet')
    const { affiliation, role } = itemOf(own).attrs
    assert.deepEqual({ affiliation, role }, owner)
    assert.deepEqual(codesOf(own), [110, 170, 201])
    await romeo.isRefused('item-not-found', 'cancel')`${join(room, 'Romeo')}`
    await juliet.asks`${request(room, 'submit')}`
    assert.deepEqual(codesOf((await enters(romeo, room, 'Romeo')).own), [110, 170])
    const { features } = await roomInfo(romeo, room)
    for (const feature of [
      'muc_temporary',
      'muc_public',
      'muc_open',
      'muc_unmoderated',
      'muc_semianonymous',
      'muc_unsecured',
    ])
      assert.ok(features.includes(feature), `${feature} of ${features}`)
    assert.deepEqual(await jidsOf(juliet, room, 'owner'), [juliet.bare])
  },
)

story('A room made by a presence of old is open at once // XEP-0045 §7.2.18, §10.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  juliet.send(`<presence to='${room}/Juliet'/>`)
  assert.ok(codesOf(await juliet.receives`<presence from='${room}/Juliet'/>`).includes(110))
  await enters(romeo, room, 'Romeo')
})

story('A reserved room is made by filling in its form // XEP-0045 §10.1.3', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await enters(juliet, room, 'Juliet')
  const form = await configurationForm(juliet, room)
  assert.equal(form.attrs['type'], 'form')
  assert.deepEqual(valuesOf(form)['FORM_TYPE'], ['http://jabber.org/protocol/muc#roomconfig'])
  await romeo.isRefused('item-not-found', 'cancel')`${join(room, 'Romeo')}`
  await configures(juliet, room, {
    roomname: 'A Dark Cave',
    passwordprotectedroom: true,
    roomsecret: 'cauldronburn',
    roomadmins: ['nurse@localhost', 'peter@localhost'],
  })
  await romeo.isRefused('not-authorized', 'auth')`${join(room, 'Romeo')}`
  await enters(romeo, room, 'Romeo', { inside: '<password>cauldronburn</password>' })
  assert.equal((await roomInfo(romeo, room)).name, 'A Dark Cave')
  assert.deepEqual(await jidsOf(juliet, room, 'admin'), ['nurse@localhost', 'peter@localhost'])
})

story('The first configuration is no change of which anybody is told // XEP-0045 §10.1.3, §10.2.1', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await enters(juliet, room, 'Juliet')
  await configures(juliet, room, { roomname: 'A Dark Cave', whois: 'anyone', enablelogging: false })
  await juliet.receivesNothing()
})

story('A locked room has a form for its owner only // XEP-0045 §10.1.3', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await enters(juliet, room, 'Juliet')
  await romeo.isRefused('item-not-found', 'cancel')`${formRequest(room)}`
  await romeo.isRefused('item-not-found', 'cancel')`${request(room, 'submit')}`
  await romeo.isRefused('item-not-found', 'cancel')`${request(room, 'cancel')}`
  await romeo.isRefused('item-not-found', 'cancel')`${join(room, 'Romeo')}`
})

story('A form that makes no sense is not accepted, and the room stays locked // XEP-0045 §10.1.3', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await enters(juliet, room, 'Juliet')
  for (const fields of [
    { passwordprotectedroom: true, roomsecret: '' },
    { passwordprotectedroom: true },
    { whois: 'somebody' },
    { moderatedroom: 'perhaps' },
    { maxusers: 'many' },
    { maxusers: '-1' },
    { roomadmins: ['@'] },
    { roomname: 'A Dark Cave', allowpm: 'kings' },
  ] as const)
    await juliet.isRefused('not-acceptable', 'modify')`${configuration(room, fields)}`
  const other = configuration(room, { roomname: 'A Dark Cave' }).replace(
    'muc#roomconfig</value>',
    'muc#register</value>',
  )
  await juliet.isRefused('bad-request', 'modify')`${other}`
  await romeo.isRefused('item-not-found', 'cancel')`${join(room, 'Romeo')}`
  assert.deepEqual(valuesOf(await configurationForm(juliet, room))['muc#roomconfig_roomname']?.join(''), '')
})

story('An owner who cancels the first configuration has no room // XEP-0045 §10.1.3', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await enters(juliet, room, 'Juliet')
  await juliet.asks`${request(room, 'cancel')}`
  const gone = await sees(juliet, `${room}/Juliet`, {
    affiliation: 'none',
    role: 'none',
    type: 'unavailable',
    codes: [110],
  })
  assert.ok(gone.getChild('x')!.getChild('destroy') !== undefined)
  assert.ok(codesOf((await enters(romeo, room, 'Romeo')).own).includes(201))
})

story('An owner who leaves before the first configuration has no room // XEP-0045 §10.1.3', async (s) => {
  const romeo = await s.login('romeo/orchard')
  for (const leaves of [
    async (juliet: Actor, room: string) => {
      juliet.send(`<presence type='unavailable' to='${room}/Juliet'/>`)
      await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
    },
    (juliet: Actor) => juliet.cuts(),
  ]) {
    const room = freshRoom(s)
    const juliet = await s.login('juliet/balcony')
    await enters(juliet, room, 'Juliet')
    await leaves(juliet, room)
    assert.ok(codesOf((await enters(romeo, room, 'Romeo')).own).includes(201))
  }
})

story('The form shows what was set, and what is not sent stays // XEP-0045 §10.2', async (s) => {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', { roomname: 'A Dark Cave', moderatedroom: true, allowpm: 'moderators' })
  await configures(juliet, room, { moderatedroom: false, roomadmins: ['nurse@localhost'] })
  const values = valuesOf(await configurationForm(juliet, room))
  assert.deepEqual(values['muc#roomconfig_roomname'], ['A Dark Cave'])
  assert.deepEqual(values['muc#roomconfig_allowpm'], ['moderators'])
  assert.ok(['0', 'false'].includes(values['muc#roomconfig_moderatedroom']![0]!))
  assert.deepEqual(values['muc#roomconfig_roomadmins'], ['nurse@localhost'])
  assert.deepEqual(values['muc#roomconfig_roomowners'], [juliet.bare])
  // A cancellation changes nothing.
  await juliet.asks`${request(room, 'cancel')}`
  assert.equal((await roomInfo(juliet, room)).name, 'A Dark Cave')
})

story('The form can be sent back as it is, which changes nothing // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, all } = await company(s, { roomname: 'A Dark Cave', moderatedroom: true })
  for (const fields of [
    {},
    { whois: 'anyone', passwordprotectedroom: true, roomsecret: 'rose', maxusers: '5' },
  ] as const) {
    await configures(juliet, room, fields)
    for (const actor of all) await drain(actor)
    const before = await configurationForm(juliet, room)
    const { FORM_TYPE: _type, ...values } = valuesOf(before)
    await configures(juliet, room, values)
    for (const actor of all) await actor.receivesNothing()
    assert.equal(String(await configurationForm(juliet, room)), String(before))
  }
  assert.equal((await roomInfo(romeo, room)).name, 'A Dark Cave')
})

story('Nobody but owners sees or changes the configuration // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  const tybalt = await s.login('tybalt/square')
  await makesAdmin(room, juliet, romeo, all)
  for (const actor of [romeo, mercutio, tybalt]) {
    await actor.isRefused('forbidden', 'auth')`${formRequest(room)}`
    await actor.isRefused('forbidden', 'auth')`${configuration(room, { roomname: 'Mine' })}`
  }
  await juliet.isRefused('item-not-found', 'cancel')`${formRequest(freshRoom(s))}`
  await juliet.isRefused('bad-request', 'modify')`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'/></iq>`
  for (const actor of all) await actor.receivesNothing()
})

story('All hear of what changes in the configuration, by its code // XEP-0045 §10.2.1', async (s) => {
  const { room, juliet, all } = await company(s)
  for (const [fields, code] of [
    [{ roomname: 'A Dark Cave' }, 104],
    [{ enablelogging: false }, 171],
    [{ enablelogging: true }, 170],
    [{ whois: 'anyone' }, 172],
    [{ whois: 'moderators' }, 173],
  ] as const) {
    await configures(juliet, room, fields)
    await hearOfChange(all, room, code)
  }
  // What is as it was is no change.
  await configures(juliet, room, { roomname: 'A Dark Cave', whois: 'moderators' })
  for (const actor of all) await actor.receivesNothing()
})

story('Several changes are one word of the room // XEP-0045 §10.2.1', async (s) => {
  const { room, juliet, all } = await company(s)
  await configures(juliet, room, { roomname: 'A Dark Cave', whois: 'anyone', enablelogging: false })
  await hearOfChange(all, room, 104, 171, 172)
  for (const actor of all) await actor.receivesNothing()
})

story('The form makes and unmakes admins and owners // XEP-0045 §10.2', async (s) => {
  const { room, juliet, romeo, mercutio, all } = await company(s)
  await configures(juliet, room, { roomadmins: [romeo.bare] })
  await sees(mercutio, `${room}/Romeo`, admin)
  await notices([juliet, romeo], room, 'Romeo')
  await configures(juliet, room, { roomadmins: [], roomowners: [juliet.bare, romeo.bare] })
  await sees(mercutio, `${room}/Romeo`, owner)
  await notices([juliet, romeo], room, 'Romeo')
  await juliet.isRefused('conflict', 'cancel')`${configuration(room, { roomowners: [] })}`
  for (const actor of all) await actor.receivesNothing()
  assert.deepEqual(await jidsOf(juliet, room, 'owner'), [juliet.bare, romeo.bare])
})
