import assert from 'node:assert/strict'
import { jidsOf } from '../support/occupants.ts'
import { codesOf, enters, grants, itemOf, opens, says } from '../support/room.ts'
import { drain, type Story, story } from '../support/story.ts'

const NS_ITEMS = 'http://jabber.org/protocol/disco#items'
const options = {
  hosts: ['localhost', 'mantua.example'],
  modules: { muc: { services: ['conference', 'Rooms'] } },
}

const rooms = (s: Story, domain: string) => s.bed.server.commands.run('room list', [domain])

story(
  'A host has several services, each with rooms of its own; every host has its own // XEP-0045 §6.1',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const romeo = await s.login('romeo@mantua.example/road')
    const [here, there, far] = ['a@conference.localhost', 'a@rooms.localhost', 'a@conference.mantua.example'] as const
    const offer = await juliet.asks`<iq type='get' to='localhost'><query xmlns='${NS_ITEMS}'/></iq>`
    assert.deepEqual(
      offer
        .getChild('query')!
        .getChildElements()
        .map(({ attrs }) => attrs['jid'])
        .filter((jid) => !/^(?:pubsub|upload)\./.test(jid!)),
      ['conference.localhost', 'rooms.localhost'],
    )
    await opens(juliet, here, 'Juliet')
    await opens(juliet, there, 'Juliet')
    await opens(romeo, far, 'Romeo')
    await says(juliet, here, 'Ay me')
    await drain(juliet)
    assert.deepEqual((await enters(romeo, there, 'Romeo')).history, [])
    assert.equal((await enters(romeo, here, 'Romeo')).history.length, 1)
    assert.deepEqual(await rooms(s, 'localhost'), [here, there])
    assert.deepEqual(await rooms(s, 'rooms.localhost'), [there])
    assert.deepEqual(await rooms(s, 'mantua.example'), [far])
    // An account of any host of this server makes rooms.
    const { own } = await enters(romeo, 'b@rooms.localhost', 'Romeo')
    assert.ok(codesOf(own).includes(201))
  },
  options,
)

story(
  'What an account was in the rooms of other hosts goes with it, too // XEP-0045 §5.2',
  async (s) => {
    const juliet = await s.login('juliet/balcony')
    const room = 'a@rooms.localhost'
    await opens(juliet, room, 'Juliet')
    await s.createAccount('romeo', undefined, 'mantua.example')
    await grants(juliet, room, 'romeo@mantua.example', 'owner')
    await s.bed.server.hosts.get('mantua.example')!.deleteAccount('romeo')
    assert.deepEqual(await jidsOf(juliet, room, 'owner'), [juliet.bare])
    await s.bed.server.hosts.get('mantua.example')!.accounts.create('romeo', 'wherefore art thou')
    const heir = await s.login('romeo@mantua.example/road')
    assert.equal(itemOf((await enters(heir, room, 'Romeo')).own).attrs['affiliation'], 'none')
  },
  options,
)
