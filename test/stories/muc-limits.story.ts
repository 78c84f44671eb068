import {
  configures,
  enters,
  freshRoom,
  gather,
  heardBy,
  join,
  leaves,
  MUC_ADMIN,
  MUC_USER,
  opens,
  says,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const limits = (values: Record<string, number | string>) => ({ modules: { muc: { limits: values } } })
const say = (room: string, body = 'Hi') => `<message type='groupchat' to='${room}'><body>${body}</body></message>`

/** Romeo, who runs the room, and Juliet. */
async function two(s: Story) {
  const romeo = await s.login('romeo/orchard')
  const juliet = await s.login('juliet/balcony')
  const room = freshRoom(s)
  await gather(room, [
    [romeo, 'Romeo'],
    [juliet, 'Juliet'],
  ])
  return { room, romeo, juliet }
}

async function times(n: number, what: (n: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < n; i++) await what(i)
}

// XEP-0045 §14.6
story(
  '§14.6 An account makes so many rooms and no more, and then another when one is gone',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const rooms = [freshRoom(s), freshRoom(s), freshRoom(s)] as const
    await opens(romeo, rooms[0], 'Romeo')
    await opens(romeo, rooms[1], 'Romeo', { persistentroom: true })
    await romeo.isRefused('resource-constraint', 'wait')`${join(rooms[2], 'Romeo')}`
    await opens(juliet, rooms[2], 'Juliet')
    await enters(romeo, rooms[2], 'Romeo')
    await configures(romeo, rooms[1], { persistentroom: false })
    await heardBy(romeo)
    await leaves(romeo, rooms[0], 'Romeo')
    // Which ends it, a moment later.
    await romeo.isRefused('item-not-found')`<iq type='get' to='${rooms[0]}'><ping xmlns='urn:xmpp:ping'/></iq>`
    await opens(romeo, freshRoom(s), 'Romeo')
  },
  limits({ rooms: 2 }),
)

// XEP-0045 §14.6
story(
  '§14.6 Who runs the server makes as many rooms as it takes',
  async (s) => {
    const prince = await s.login('escalus/court')
    for (let n = 0; n < 3; n++) await opens(prince, freshRoom(s), 'Prince')
  },
  { ...limits({ rooms: 2 }), server: { admins: ['escalus@localhost'] } },
)

// XEP-0045 §14.6
story(
  '§14.6 A client is in so many rooms at once',
  async (s) => {
    const { room, romeo } = await two(s)
    const [second, third] = [freshRoom(s), freshRoom(s)]
    const paris = await s.login('paris/church')
    const inn = await s.login('paris/inn')
    await opens(romeo, second, 'Romeo')
    await enters(paris, room, 'Paris')
    // Once more is not one more.
    await enters(paris, room, 'Paris')
    await opens(paris, third, 'Paris')
    await paris.isRefused('resource-constraint', 'wait')`${join(second, 'Paris')}`
    await enters(inn, second, 'Paris')
    await leaves(paris, room, 'Paris')
    await enters(paris, second, 'Paris')
  },
  limits({ entered: 2 }),
)

// XEP-0045 §14.6
story(
  '§14.6 Who enters and leaves again and again waits',
  async (s) => {
    const { room } = await two(s)
    const paris = await s.login('paris/church')
    await times(3, async () => {
      await enters(paris, room, 'Paris')
      await leaves(paris, room, 'Paris')
    })
    const inn = await s.login('paris/inn')
    for (const actor of [paris, inn]) await actor.isRefused('policy-violation', 'wait')`${join(room, 'Paris')}`
    await s.advance(20_000)
    await enters(paris, room, 'Paris')
    // To be told everything again is as much.
    await paris.isRefused('policy-violation', 'wait')`${join(room, 'Paris')}`
  },
  limits({ entries: 3 }),
)

// XEP-0045 §14.6: "making rapid and repeated presence changes"
story(
  '§14.6 Nicks and presence change so often',
  async (s) => {
    const { room, juliet } = await two(s)
    const change = async (to: string, inside = '') => {
      await juliet.sends`<presence to='${room}/${to}'>${inside}</presence>`
      await heardBy(juliet)
    }
    await times(2, (n) => change(`J${n}`))
    await juliet.isRefused('policy-violation', 'wait')`<presence to='${room}/J2'/>`
    await s.advance(30_000)
    await change('J2')
    await times(4, (n) => change('J2', `<status>${n}</status>`))
    await juliet.isRefused('policy-violation', 'wait')`<presence to='${room}/J2'><show>away</show></presence>`
    await s.advance(1_000)
    await change('J2', '<show>away</show>')
  },
  limits({ nicks: 2, presences: 1 }),
)

// XEP-0045 §14.6
story(
  '§14.6 Who says too much at a time waits: to all, to one, and asking; moderators may say more',
  async (s) => {
    const { room, romeo, juliet } = await two(s)
    const spends = async () => {
      await times(4, () => says(juliet, room, 'Hi'))
      await juliet.isRefused('policy-violation', 'wait')`${say(room)}`
    }
    await spends()
    const invite = `<x xmlns='${MUC_USER}'><invite to='paris@${s.domain}'/></x>`
    for (const stanza of [
      `<message type='chat' to='${room}/Romeo'><body>Hi</body></message>`,
      `<message to='${room}'>${invite}</message>`,
      `<iq type='get' to='${room}/Romeo'><query xmlns='urn:example:x'/></iq>`,
    ])
      await juliet.isRefused('policy-violation', 'wait')`${stanza}`
    await juliet.asks`<iq type='get' to='${room}/Juliet'><ping xmlns='urn:xmpp:ping'/></iq>`
    await s.advance(1_000)
    await says(juliet, room, 'Hi')
    await juliet.isRefused('policy-violation', 'wait')`${say(room)}`
    await heardBy(romeo)
    await times(40, () => says(romeo, room, 'Hi'))
    await romeo.isRefused('policy-violation', 'wait')`${say(room)}`
    await heardBy(juliet)
    await s.advance(60_000)
    await spends()
  },
  limits({ messages: 1 }),
)

// XEP-0045 §14.6: "using long nicknames to route around lack of voice", "large messages"
story(
  '§14.6 Nicks and messages have a length',
  async (s) => {
    const { room, juliet } = await two(s)
    const isTooLong = async (actor: Actor, stanza: string) =>
      await actor.isRefused('policy-violation', 'modify')`${stanza}`
    const paris = await s.login('paris/church')
    await isTooLong(paris, join(room, 'Count Paris'))
    await enters(paris, room, 'Count Par')
    await isTooLong(paris, `<presence to='${room}/Count Paris'/>`)
    await says(paris, room, 'x'.repeat(800))
    await isTooLong(paris, say(room, 'x'.repeat(1200)))
    await isTooLong(paris, `<message to='${room}/Juliet' type='chat'><a xmlns='x' b='${'x'.repeat(1200)}'/></message>`)
    await heardBy(juliet)
  },
  limits({ nickLength: 10, messageSize: 1024 }),
)

// XEP-0045 §7.2.9: "up to some reasonable number"
story(
  '§7.2.9 The service has a bound of its own, whatever a room says',
  async (s) => {
    const { room, romeo } = await two(s)
    await configures(romeo, room, { maxusers: 'none' })
    const paris = await s.login('paris/church')
    await paris.isRefused('service-unavailable', 'wait')`${join(room, 'Paris')}`
    const chamber = await s.login('juliet/chamber')
    await enters(chamber, room, 'Juliet')
  },
  limits({ occupants: 2 }),
)

// XEP-0045 §17.4
story('§17.4 Nobody waits for ever for an answer', async (s) => {
  const { room, romeo, juliet } = await two(s)
  await juliet.sends`<iq type='get' id='q' to='${room}/Romeo'><query xmlns='urn:example:x'/></iq>`
  const asked = await romeo.receives`<iq type='get' from='${room}/Juliet'/>`
  await s.advance(120_000)
  await juliet.receives`<iq type='error' id='q' from='${room}/Romeo'><error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`
  await romeo.sends`<iq type='result' id='${asked.attrs['id']}' to='${room}/Juliet'/>`
  await juliet.receivesNothing()
  // Nor does one client wait for the answers to too many questions.
  await times(100, async (n) => {
    await s.advance(100)
    await juliet.sends`<iq type='get' id='many-${n}' to='${room}/Romeo'><query xmlns='urn:example:x'/></iq>`
  })
  await juliet.isRefused(
    'resource-constraint',
    'wait',
  )`<iq type='get' to='${room}/Romeo'><query xmlns='urn:example:x'/></iq>`
  await heardBy(romeo)
})

story(
  'Nobody has rooms write to many who are not in them // XEP-0045 §9.3, §14.6',
  async (s) => {
    const romeo = await s.login('romeo/orchard')
    const room = freshRoom(s)
    await opens(romeo, room, 'Romeo')
    const member = (...locals: string[]) =>
      `<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'>${locals.map((local) => `<item affiliation='member' jid='${local}@far.example'/>`).join('')}</query></iq>`
    await romeo.asks`${member('a', 'b')}`
    await romeo.isRefused('policy-violation', 'wait')`${member('c', 'd')}`
    await romeo.asks`${member('c')}`
    await s.advance(20_000)
    await romeo.asks`${member('d')}`
  },
  { modules: { muc: { limits: { told: 3 } } } },
)
