import assert from 'node:assert/strict'
import { AppServer, enable, withService } from '../support/app-server.ts'
import { freshRoom, grants, opens, says, submission } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const NODE = 'urn:xmpp:bookmarks:1'

/** A bookmark with what is to be told of its room. */
const bookmark = (room: string, settings: string): string => {
  const notify = `<notify xmlns='urn:xmpp:notification-settings:1'>${settings}</notify>`
  const conference = `<conference xmlns='${NODE}'><extensions>${notify}</extensions></conference>`
  return `<publish node='${NODE}'><item id='${room}'>${conference}</item></publish>`
}

async function chooses(s: Story, who: string, room: string, settings: string): Promise<void> {
  const desk = await s.login(`${who}/desk`)
  const act = settings === '' ? `<retract node='${NODE}'><item id='${room}'/></retract>` : bookmark(room, settings)
  await desk.asks`<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${act}</pubsub></iq>`
  // What follows has been done when the older form is read.
  await desk.asks`<iq type='get'><query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query></iq>`
  await desk.disconnects()
}

/** Juliet in her room, of which the others with a phone that is away are members or not. */
async function verona(s: Story, ...others: readonly (readonly [who: string, affiliation: string])[]) {
  const app = await AppServer.join(s)
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  await opens(juliet, room, 'Juliet')
  for (const [who, affiliation] of others) {
    const phone = await s.online(`${who}/phone`)
    await phone.asks`<iq type='set'>${enable()}</iq>`
    await phone.disconnects()
    if (affiliation !== 'none') await grants(juliet, room, phone.bare, affiliation)
  }
  await drain(juliet)
  return { app, room, juliet }
}

/** Something is said, and these are woken by it. */
async function wakes(s: Story, app: AppServer, juliet: Actor, room: string, ...woken: readonly string[]) {
  await says(juliet, room, 'Good night')
  const heard: string[] = []
  for (const _ of woken) heard.push((await app.notified()).from.split('@')[0]!)
  assert.deepEqual(heard.sort(), [...woken].sort())
  await app.hearsNothing(s, juliet)
  await s.advance(60_000)
}

story(
  'What a member’s bookmark says of a room is what its phone is woken for // XEP-0492 §2, §3, XEP-0402 §3',
  async (s) => {
    const { app, room, juliet } = await verona(s, ['romeo', 'member'], ['nurse', 'none'])
    await wakes(s, app, juliet, room)
    // A bookmark makes nobody a member.
    for (const who of ['romeo', 'nurse']) await chooses(s, who, room, '<always/>')
    await wakes(s, app, juliet, room, 'romeo')
    for (const [settings, isWoken] of [
      ["<never identity-category='client' identity-type='phone'/><always/>", false],
      ["<never identity-category='client' identity-type='pc'/><always/>", true],
      ["<on-mention/><always identity-category='client'/>", true],
      ["<never identity-category='gateway'/>", false],
      ['<always><advanced/></always>', true],
      ['', false],
    ] as const) {
      await chooses(s, 'romeo', room, settings)
      await wakes(s, app, juliet, room, ...(isWoken ? ['romeo'] : []))
    }
    // It counts more than what was chosen in the registration with the room.
    const desk = await s.login('romeo/desk')
    const fields = { 'muc#register_roomnick': 'Romeo', '{urn:xmpp:notification-settings:1}notify': 'always' }
    const form = submission('http://jabber.org/protocol/muc#register', {}).replace(
      '</x>',
      Object.entries(fields)
        .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
        .join('') + '</x>',
    )
    await desk.asks`<iq type='set' to='${room}'><query xmlns='jabber:iq:register'>${form}</query></iq>`
    await desk.disconnects()
    await drain(juliet)
    await wakes(s, app, juliet, room, 'romeo')
    await chooses(s, 'romeo', room, '<never/>')
    await wakes(s, app, juliet, room)
    await chooses(s, 'romeo', room, '<always/>')
    await grants(juliet, room, `romeo@${s.domain}`, 'none')
    await drain(juliet)
    await wakes(s, app, juliet, room)
    await s.host.deleteAccount('nurse')
    const left = await s.database.knex('bookmark_choices').where({ room }).select('account')
    assert.deepEqual(left, [{ account: `romeo@${s.domain}` }])
    app.leaves()
  },
  withService,
)
