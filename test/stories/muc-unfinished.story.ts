import assert from 'node:assert/strict'
import muc from '../../modules/muc/index.ts'
import type { RoomService } from '../../modules/muc/service.ts'
import { defineModule, StanzaError } from '../../src/api.ts'
import { NS_MAM } from '../support/archive.ts'
import { company, configuration, sees } from '../support/occupants.ts'
import { codesOf, enters, freshRoom, leaves, MUC_OWNER, opens, says } from '../support/room.ts'
import { type Actor, drain, story } from '../support/story.ts'

let service: RoomService
/** Gets hold of the service. */
const probe = defineModule({
  name: 'probe',
  summary: 'Lets the tests reach into the rooms.',
  implements: [],
  depends: { muc },
  setup(ctx) {
    service = ctx.deps.muc.services[0]!
  },
})
const options = { extra: [probe] }

/** How often something has failed on purpose. */
let failures = 0

/** Has something fail until the scene is over, as when the database is away. */
async function fails(of: object, methods: readonly string[], scene: () => Promise<void>): Promise<void> {
  const away = () => {
    failures++
    return Promise.reject(new StanzaError('internal-server-error', 'It is away.', { type: 'wait' }))
  }
  for (const method of methods) Object.defineProperty(of, method, { value: away, configurable: true })
  try {
    await scene()
  } finally {
    for (const method of methods) delete (of as Record<string, unknown>)[method]
  }
}

/** What is said in the archive of a room. */
async function kept(actor: Actor, room: string): Promise<(string | null)[]> {
  actor.send(`<iq type='set' id='kept' to='${room}'><query xmlns='${NS_MAM}'/></iq>`)
  const bodies: (string | null)[] = []
  for (;;) {
    const heard = await actor.next()
    if (heard.attrs['id'] === 'kept') return bodies
    const message = heard.getChild('result', NS_MAM)?.getChild('forwarded')?.getChild('message')
    bodies.push(message?.getChildText('body') ?? null)
  }
}

const DISCO = 'http://jabber.org/protocol/disco#info'
const destruction = (room: string) => `<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`

story(
  'a room whose destruction is refused keeps what was said in it',
  async (s) => {
    const { room, juliet, romeo } = await company(s, { persistentroom: true })
    await says(juliet, room, 'Stay')
    await drain(romeo)
    await fails(service.store, ['condemn', 'destroy'], async () => {
      await juliet.isRefused('internal-server-error', 'wait')`${destruction(room)}`
    })
    assert.deepEqual(await kept(juliet, room), ['Stay'])
    await says(romeo, room, 'I am here still')
    await juliet.receives`<message type='groupchat' from='${room}/Romeo'/>`
  },
  options,
)

story(
  'a room that is destroyed is gone, though not all of it can be removed at once',
  async (s) => {
    const { room, juliet, romeo } = await company(s, { persistentroom: true })
    await says(juliet, room, 'Stay')
    await drain(romeo)
    await fails(service.store, ['destroy'], async () => {
      juliet.send(`<iq type='set' id='end' to='${room}'><query xmlns='${MUC_OWNER}'><destroy/></query></iq>`)
      await romeo.receives`<presence type='unavailable' from='${room}/Romeo'/>`
      await drain(juliet)
      await romeo.isRefused('item-not-found')`<iq type='get' to='${room}'><query xmlns='${DISCO}'/></iq>`
    })
    await romeo.isRefused('item-not-found')`<iq type='get' to='${room}'><query xmlns='${DISCO}'/></iq>`
    const { own, history } = await enters(romeo, room, 'Romeo')
    assert.deepEqual(codesOf(own).includes(201), true)
    assert.deepEqual([history, await kept(romeo, room)], [[], []])
    assert.equal((await s.database.knex('muc_affiliations')).length, 1)
  },
  options,
)

story(
  'a room that was destroyed does not come back with the server, and what could not be removed is removed then',
  async (s) => {
    const { room, juliet } = await company(s, { persistentroom: true })
    await fails(service.store, ['destroy'], async () => {
      await juliet.asks`${destruction(room)}`
    })
    assert.equal((await s.database.knex('muc_rooms')).length, 1)
    // As when it starts.
    await service.forgetTemporary()
    assert.equal((await s.database.knex('muc_rooms')).length, 0)
  },
  options,
)

story(
  'what could not be removed is removed later',
  async (s) => {
    const { room, juliet } = await company(s, { persistentroom: true })
    await fails(service.store, ['destroy'], async () => {
      await juliet.asks`${destruction(room)}`
      const before = failures
      await s.advance(60_000)
      while (failures === before) await new Promise((resolve) => setImmediate(resolve))
    })
    assert.equal((await s.database.knex('muc_rooms')).length, 1)
    await s.advance(60_000)
    while ((await s.database.knex('muc_rooms')).length > 0) await new Promise((resolve) => setImmediate(resolve))
  },
  options,
)

story(
  'a temporary room that everybody has left is gone, though it cannot be removed at once',
  async (s) => {
    const room = freshRoom(s)
    const [juliet, romeo] = [await s.login('juliet/balcony'), await s.login('romeo/orchard')]
    await opens(juliet, room, 'Juliet')
    await fails(service.store, ['destroy'], async () => {
      await leaves(juliet, room, 'Juliet')
      await drain(juliet)
    })
    await romeo.isRefused('item-not-found')`<iq type='get' to='${room}'><query xmlns='${DISCO}'/></iq>`
    const { own } = await enters(romeo, room, 'Romeo')
    assert.deepEqual(codesOf(own).includes(201), true)
  },
  options,
)

story(
  'who was appointed by a form is announced, though the rest of the form is refused',
  async (s) => {
    const { room, juliet, romeo, mercutio } = await company(s)
    await fails(service.store, ['saveSettings'], async () => {
      const form = configuration(room, { roomname: 'Verona', roomadmins: [romeo.bare] })
      juliet.send(form.replace('<iq ', `<iq id='half' `))
      const shown = { affiliation: 'admin', role: 'moderator' }
      await sees(juliet, `${room}/Romeo`, { ...shown, jid: romeo.jid })
      await sees(romeo, `${room}/Romeo`, { ...shown, codes: [110] })
      await sees(mercutio, `${room}/Romeo`, shown)
      await juliet.receives`<iq type='error' id='half'/>`
    })
  },
  options,
)

story(
  'a configuration that is refused is none',
  async (s) => {
    const { room, juliet, mercutio } = await company(s)
    await fails(service.store, ['saveSettings'], async () => {
      await juliet.isRefused('internal-server-error', 'wait')`${configuration(room, { membersonly: true })}`
    })
    await mercutio.receivesNothing()
    const tybalt = await s.login('tybalt/square')
    await enters(tybalt, room, 'Tybalt')
  },
  options,
)

story(
  'a subject that is refused is no subject, also of the room as it is loaded next',
  async (s) => {
    const { room, juliet, all } = await company(s, { persistentroom: true })
    juliet.send(`<message type='groupchat' to='${room}' id='s1'><subject>Love</subject></message>`)
    for (const actor of all) await actor.receives`<message from='${room}/Juliet'><subject>Love</subject></message>`
    await fails(service.archive!, ['append'], async () => {
      await juliet.isRefused(
        'internal-server-error',
      )`<message type='groupchat' to='${room}' id='s2'><subject>Hate</subject></message>`
    })
    for (const actor of all) await actor.disconnects()
    const { subject } = await enters(await s.login('juliet/balcony'), room, 'Juliet')
    assert.equal(subject.getChildText('subject'), 'Love')
  },
  options,
)

story(
  'nobody hears that a message was taken back unless it was',
  async (s) => {
    const { room, juliet, romeo } = await company(s)
    const said = await says(romeo, room, 'A curse')
    await drain(juliet)
    const id = said.getChild('stanza-id')!.attrs['id']!
    const order = `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/><body>Sorry</body>`
    await fails(service.archive!, ['retract'], async () => {
      await romeo.isRefused(
        'internal-server-error',
      )`<message type='groupchat' to='${room}' id='undo'>${order}</message>`
    })
    await says(romeo, room, 'Well')
    await juliet.receives`<message type='groupchat' from='${room}/Romeo'><body>Well</body></message>`
    assert.equal((await kept(juliet, room))[0], 'A curse')
    romeo.send(`<message type='groupchat' to='${room}' id='undo'>${order}</message>`)
    await juliet.receives`<message type='groupchat' from='${room}/Romeo'><body>Sorry</body></message>`
    // Once it is heard it is so.
    assert.equal((await kept(juliet, room))[0], null)
  },
  options,
)
