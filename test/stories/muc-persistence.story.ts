import assert from 'node:assert/strict'
import { change, changes, configurationForm, item, jidsOf, listOf, roomInfo, valuesOf } from '../support/occupants.ts'
import { type Restarts, restartStory } from '../support/restart.ts'
import {
  codesOf,
  configures,
  enters,
  freshRoom,
  grants,
  itemOf,
  join,
  MUC_OWNER,
  opens,
  says,
} from '../support/room.ts'
import type { Story } from '../support/story.ts'

const subject = (room: string, text: string) =>
  `<message type='groupchat' to='${room}'><subject>${text}</subject></message>`

/** The server stops in order and starts again, or is killed first. */
const restarts = {
  'an orderly restart': async (r: Restarts) => {
    await r.stops()
    return await r.starts()
  },
  'being killed': (r: Restarts) => r.starts(),
}

/** The bodies of what somebody hears of before who enters. */
async function historyOf(s: Story, room: string, who: string, nick: string) {
  const entrance = await enters(await s.login(who), room, nick)
  return { ...entrance, bodies: entrance.history.map((message) => message.getChildText('body')) }
}

for (const [how, again] of Object.entries(restarts)) {
  restartStory(`A persistent room is there after ${how}, with all that it is // XEP-0045 §4.2, §5.2`, async (r) => {
    const before = await r.starts()
    const room = freshRoom(before)
    const juliet = await before.login('juliet/balcony')
    await before.createAccount('tybalt')
    const fields = {
      persistentroom: true,
      roomname: 'A Dark Cave',
      whois: 'anyone',
      moderatedroom: true,
      allowpm: 'none',
    }
    await opens(juliet, room, 'Juliet', fields)
    await grants(juliet, room, 'romeo@localhost', 'member', { nick: 'Romeo' })
    await grants(juliet, room, 'nurse@localhost', 'admin')
    await changes(juliet, room, item("affiliation='outcast' jid='tybalt@localhost'", 'Brawls'))
    juliet.send(subject(room, 'Banishment'))
    await juliet.receives`<message from='${room}/Juliet'><subject>Banishment</subject></message>`
    await says(juliet, room, 'Ay me')

    const after = await again(r)
    const romeo = await after.login('romeo/orchard')
    const { own, subject: last, others, history } = await enters(romeo, room, 'Romeo')
    assert.deepEqual(others, [])
    const { affiliation, role } = itemOf(own).attrs
    assert.deepEqual({ affiliation, role }, { affiliation: 'member', role: 'participant' })
    assert.deepEqual(codesOf(own), [100, 110, 170])
    assert.equal(last.getChildText('subject'), 'Banishment')
    assert.equal(last.attrs['from'], `${room}/Juliet`)
    assert.deepEqual(
      history.map((message) => message.getChildText('body')),
      ['Ay me'],
    )
    const tybalt = await after.login('tybalt/square')
    await tybalt.isRefused('forbidden', 'auth')`${join(room, 'Tybalt')}`
    await tybalt.isRefused('forbidden', 'auth')`${change(room, item("affiliation='owner' jid='tybalt@localhost'"))}`
    const paris = await after.login('paris/tomb')
    await paris.isRefused('conflict', 'cancel')`${join(room, 'Romeo')}`
    assert.equal(itemOf((await enters(paris, room, 'Paris')).own).attrs['role'], 'visitor')
    const back = await after.login('juliet/balcony')
    assert.equal(itemOf((await enters(back, room, 'Juliet')).own).attrs['affiliation'], 'owner')
    assert.deepEqual(await jidsOf(back, room, 'admin'), ['nurse@localhost'])
    assert.deepEqual(await listOf(back, room, "affiliation='outcast'"), [
      { affiliation: 'outcast', jid: 'tybalt@localhost', reason: 'Brawls' },
    ])
    const values = valuesOf(await configurationForm(back, room))
    assert.deepEqual(values['muc#roomconfig_roomname'], ['A Dark Cave'])
    assert.deepEqual(values['muc#roomconfig_whois'], ['anyone'])
    assert.deepEqual(values['muc#roomconfig_allowpm'], ['none'])
    assert.ok((await roomInfo(back, room)).features.includes('muc_persistent'))
  })

  restartStory(`A temporary room is gone after ${how} // XEP-0045 §4.2`, async (r) => {
    const before = await r.starts()
    const room = freshRoom(before)
    const juliet = await before.login('juliet/balcony')
    await opens(juliet, room, 'Juliet', { roomname: 'A Dark Cave' })
    await grants(juliet, room, 'romeo@localhost', 'outcast')
    await says(juliet, room, 'Ay me')
    const after = await again(r)
    const romeo = await after.login('romeo/orchard')
    await romeo.isRefused('item-not-found', 'cancel')`<message type='groupchat' to='${room}'><body>Hm</body></message>`
    const { own, history } = await enters(romeo, room, 'Romeo')
    assert.ok(codesOf(own).includes(201))
    assert.equal(itemOf(own).attrs['affiliation'], 'owner')
    assert.deepEqual(history, [])
    assert.deepEqual(await jidsOf(romeo, room, 'owner'), [romeo.bare])
    assert.notEqual((await roomInfo(romeo, room)).name, 'A Dark Cave')
    // Nor does anybody find later what was said there.
    await configures(romeo, room, {})
    const { bodies } = await historyOf(after, room, 'juliet/balcony', 'Juliet')
    assert.deepEqual(bodies, [])
  })

  restartStory(
    `A room that was destroyed is gone after ${how}, with what was said in it // XEP-0045 §10.9`,
    async (r) => {
      const before = await r.starts()
      const room = freshRoom(before)
      const juliet = await before.login('juliet/balcony')
      await opens(juliet, room, 'Juliet', { persistentroom: true })
      await says(juliet, room, 'Ay me')
      await juliet.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`
      const after = await again(r)
      const { own, bodies } = await historyOf(after, room, 'romeo/orchard', 'Romeo')
      assert.ok(codesOf(own).includes(201))
      assert.deepEqual(bodies, [])
    },
  )
}

restartStory('What all have heard of is on disk, change by change // XEP-0045 §5.2', async (r) => {
  const s = await r.starts()
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', { persistentroom: true })
  juliet.send(subject(room, 'Banishment'))
  await juliet.receives`<message><subject>Banishment</subject></message>`
  const second = await r.starts()
  const entrance = await historyOf(second, room, 'juliet/balcony', 'Juliet')
  assert.equal(entrance.subject.getChildText('subject'), 'Banishment')
  const again = await second.login('juliet/chamber')
  await changes(again, room, item("affiliation='outcast' jid='tybalt@localhost'"))
  const third = await r.starts()
  const last = await third.login('juliet/balcony')
  assert.deepEqual(await jidsOf(last, room, 'outcast'), ['tybalt@localhost'])
})

restartStory('A room that was locked when the server was killed is gone // XEP-0045 §10.1.3', async (r) => {
  const before = await r.starts()
  const room = freshRoom(before)
  await enters(await before.login('juliet/balcony'), room, 'Juliet')
  const after = await r.starts()
  assert.ok(codesOf((await historyOf(after, room, 'romeo/orchard', 'Romeo')).own).includes(201))
})

restartStory(
  'So is one where rooms stay by default // XEP-0045 §10.1.3',
  async (r) => {
    const before = await r.starts()
    const room = freshRoom(before)
    await enters(await before.login('juliet/balcony'), room, 'Juliet')
    const after = await r.starts()
    const romeo = await after.login('romeo/orchard')
    await opens(romeo, room, 'Romeo')
    const third = await r.starts()
    const { own } = await historyOf(third, room, 'romeo/orchard', 'Romeo')
    assert.deepEqual([codesOf(own).includes(201), itemOf(own).attrs['affiliation']], [false, 'owner'])
  },
  { modules: { muc: { defaults: { persistent: true } } } },
)

restartStory('Occupants are told when the service shuts down // XEP-0045 §11.2', async (r) => {
  const s = await r.starts()
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet', { persistentroom: true })
  await r.stops()
  const presence = await juliet.receives`<presence type='unavailable' from='${room}/Juliet'/>`
  assert.deepEqual(codesOf(presence), [110, 332])
  await juliet.receivesStreamError('system-shutdown')
})
