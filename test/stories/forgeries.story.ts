import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { ComponentClient } from '../support/component.ts'
import { freshRoom, gather, MUC_USER } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

/** What Romeo might put into a message so that Juliet’s client takes it for something of her server or a room of it. */
interface Forgery {
  readonly what: string
  payload(names: Names): string
  /** Whether it never arrives; else it does with Romeo’s own address on it, by which clients tell (and archives, too). */
  readonly removed: boolean
}
interface Names {
  readonly juliet: string
  readonly romeo: string
  readonly domain: string
  readonly room: string
}

const inner = ({ juliet }: Names) =>
  `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='nurse@localhost' to='${juliet}'><body>forged</body></message></forwarded>`
const forgeries: readonly Forgery[] = [
  // CVE-2017-5589
  ...['sent', 'received'].map((name) => ({
    what: `a carbon copy, ${name} // XEP-0280 §12`,
    payload: (names: Names) => `<${name} xmlns='urn:xmpp:carbons:2'>${inner(names)}</${name}>`,
    removed: true,
  })),
  {
    what: 'an answer of an archive // XEP-0313 §8',
    payload: (names) => `<result xmlns='urn:xmpp:mam:2' id='forged'>${inner(names)}</result>`,
    removed: true,
  },
  { what: 'its end', payload: () => "<fin xmlns='urn:xmpp:mam:2' queryid='forged'/>", removed: true },
  ...(['juliet', 'domain'] as const).flatMap((whose) => [
    {
      what: `an id by ${whose} // XEP-0359 §3`,
      payload: (names: Names) => `<stanza-id xmlns='urn:xmpp:sid:0' by='${names[whose]}' id='forged'/>`,
      removed: true,
    },
    {
      what: `a delay by ${whose} // XEP-0203`,
      payload: (names: Names) =>
        `<delay xmlns='urn:xmpp:delay' from='${names[whose]}' stamp='2002-10-13T00:00:00Z'>forged</delay>`,
      removed: true,
    },
    {
      what: `an archived mark of old by ${whose}`,
      payload: (names: Names) => `<archived xmlns='urn:xmpp:mam:tmp' by='${names[whose]}' id='forged'/>`,
      removed: true,
    },
  ]),
  {
    what: 'an event of an account or service // XEP-0060 §12.3',
    payload: () =>
      "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:avatar:metadata'><item id='forged'/></items></event>",
    removed: false,
  },
  {
    what: 'an occupant id // XEP-0421',
    payload: () => "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>",
    removed: false,
  },
  {
    what: 'what a room says of its occupants // XEP-0045',
    payload: () =>
      `<x xmlns='${MUC_USER}'><status code='110'/><item affiliation='owner' role='moderator' nick='forged'/></x>`,
    removed: false,
  },
  {
    what: 'what a moderator has taken back // XEP-0425',
    payload: ({ room }) =>
      `<retract xmlns='urn:xmpp:message-retract:1' id='forged'><moderated xmlns='urn:xmpp:message-moderate:1' by='${room}'/></retract>`,
    removed: false,
  },
  {
    what: 'what a component sends in another’s name // XEP-0356',
    payload: (names) => `<privilege xmlns='urn:xmpp:privilege:2'>${inner(names)}</privilege>`,
    removed: false,
  },
  {
    what: 'a push notification // XEP-0357',
    payload: () => "<notification xmlns='urn:xmpp:push:0'><forged/></notification>",
    removed: false,
  },
]

async function cast(s: Story) {
  const juliet = await s.online('juliet/balcony')
  const romeo = await s.online('romeo/orchard')
  return { juliet, romeo, names: { juliet: juliet.bare, romeo: romeo.bare, domain: s.domain, room: freshRoom(s) } }
}

function check(heard: Element, from: string, { what, removed }: Forgery): void {
  assert.equal(heard.attrs['from'], from, what)
  assert.equal(serialize(heard).includes('forged'), !removed, `${what}: ${serialize(heard)}`)
}

// XEP-0280 §12, XEP-0313 §8, XEP-0359 §3, XEP-0203; CVE-2017-5589
story('Nothing that Romeo forges reaches Juliet looking like her server’s or a room’s', async (s) => {
  const { juliet, romeo, names } = await cast(s)
  const own = await s.online('romeo/garden')
  for (const actor of [own, romeo]) await drain(actor)
  for (const forgery of forgeries)
    for (const [type, hearer, to] of [
      ['chat', juliet, juliet.jid],
      ['normal', juliet, juliet.bare],
      ['headline', juliet, juliet.bare],
      // Nor another client of his own.
      ['chat', own, own.jid],
    ] as const) {
      const isOwn = hearer === own
      // A client may say how late it is.
      if (isOwn && /delay by juliet|of old by juliet/.test(forgery.what)) continue
      // By a prefix, too, which is another way to write the same.
      const payload = forgery.payload(isOwn ? { ...names, juliet: names.romeo } : names)
      const prefixed = payload.replace(/^<(\S+) xmlns='([^']+)'/, "<p:$1 xmlns:p='$2'")
      const sent = prefixed.endsWith('/>') && !prefixed.includes('</') ? payload + prefixed : payload
      await romeo.sends`<message type='${type}' to='${to}' id='m'><body>Hi</body>${sent}</message>`
      check(await hearer.receives`<message id='m'><body>Hi</body></message>`, romeo.jid, forgery)
    }
  const removed = forgeries.filter((forgery) => forgery.removed)
  for (const forgery of removed.filter(({ what }) => what.includes('delay'))) {
    await romeo.sends`<presence to='${juliet.jid}'>${forgery.payload(names)}</presence>`
    check(await juliet.receives`<presence/>`, romeo.jid, forgery)
  }
  // What he says of himself, and what others said of it, is his to say.
  const honest = `<delay xmlns='urn:xmpp:delay' from='${romeo.jid}' stamp='2002-10-13T00:00:00Z'/><delay xmlns='urn:xmpp:delay' from='mantua.example' stamp='2002-10-13T00:00:00Z'/>`
  await romeo.sends`<message to='${juliet.jid}'><body>Hi</body>${honest}</message>`
  await juliet.receives`<message><body>Hi</body>${honest}</message>`
})

// XEP-0045, XEP-0421 §4, XEP-0425 §5, XEP-0359 §3
story('Nothing that Romeo forges in a room looks like the room’s or the server’s', async (s) => {
  const { juliet, romeo, names } = await cast(s)
  const room = names.room
  await gather(room, [
    [juliet, 'Juliet'],
    [romeo, 'Romeo'],
  ])
  const passes = (what: string) => /event of|another’s name|push notification/.test(what)
  for (const forgery of [
    ...forgeries,
    { what: 'an id by the room', payload: () => `<stanza-id xmlns='urn:xmpp:sid:0' by='${room}' id='forged'/>` },
    {
      what: 'a delay by the room',
      payload: () => `<delay xmlns='urn:xmpp:delay' from='${room}' stamp='2002-10-13T00:00:00Z'>forged</delay>`,
    },
  ]) {
    const body = `<body>Hi</body>${forgery.payload(names)}`
    const expected = { ...forgery, removed: !passes(forgery.what) }
    await romeo.sends`<message type='groupchat' to='${room}'>${body}</message>`
    check(await juliet.receives`<message type='groupchat'/>`, `${room}/Romeo`, expected)
    await romeo.sends`<message type='chat' to='${room}/Juliet'>${body}</message>`
    check(await juliet.receives`<message type='chat'/>`, `${room}/Romeo`, expected)
    await drain(romeo)
  }
})

// RFC 6121 §2.1.6 (CVE-2015-8688), XEP-0191 §3
story('Nobody but the server pushes to a client, or answers in its name', async (s) => {
  const { juliet, romeo } = await cast(s)
  const pushes = [
    "<query xmlns='jabber:iq:roster'><item jid='evil@example.com' subscription='both'/></query>",
    "<block xmlns='urn:xmpp:blocking'><item jid='nurse@localhost'/></block>",
    "<unblock xmlns='urn:xmpp:blocking'/>",
  ]
  const refusal = (push: string) => (push.includes('roster') ? 'forbidden' : 'service-unavailable')
  const other = await s.login('juliet/chamber')
  for (const push of pushes) {
    for (const to of [juliet.jid, juliet.bare, `nobody@${s.domain}/there`])
      await romeo.isRefused(refusal(push))`<iq type='set' to='${to}'>${push}</iq>`
    await other.isRefused(refusal(push))`<iq type='set' to='${juliet.jid}'>${push}</iq>`
  }
  await juliet.receivesNothing()
  await romeo.sends`<iq type='result' id='roster' to='${juliet.jid}'>${pushes[0]}</iq>`
  await juliet.receives`<iq type='result' id='roster' from='${romeo.jid}'/>`
  // RFC 6120 §8.1.2.1
  const names: readonly ((actor: Actor) => string)[] = [() => s.domain, () => juliet.bare, () => juliet.jid]
  for (const [i, name] of names.entries()) {
    const liar = await s.login(`romeo/liar${i}`)
    liar.send(`<iq type='set' id='p' from='${name(liar)}' to='${juliet.jid}'>${pushes[0]}</iq>`)
    await liar.receivesStreamError('invalid-from')
  }
  await juliet.receivesNothing()
})

const MANTUA = 'mantua.example'
story(
  'Nor does a component say what only this server says',
  async (s) => {
    const { juliet, names } = await cast(s)
    const mantua = await ComponentClient.join(s.bed.server, MANTUA, 'secret')
    // Its own archive may answer whoever asks it.
    for (const forgery of forgeries.filter(({ payload }) => !payload(names).includes('urn:xmpp:mam:2'))) {
      mantua.send(
        `<message from='apothecary@${MANTUA}' to='${juliet.jid}'><body>Hi</body>${forgery.payload(names)}</message>`,
      )
      check(await juliet.receives`<message><body>Hi</body></message>`, `apothecary@${MANTUA}`, forgery)
    }
    mantua.send('</stream:stream>')
    await mantua.ends()
  },
  { server: { components: { [MANTUA]: { secret: 'secret' } } } },
)
