import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { ComponentClient } from '../support/component.ts'
import {
  codesOf,
  configures,
  DELAY,
  freshRoom,
  gather,
  grants,
  hear,
  heardBy,
  itemOf,
  MUC,
  MUC_USER,
  misses,
  notices,
  says,
  x,
} from '../support/room.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const MANTUA = 'mantua.example'
const balthasar = `balthasar@${MANTUA}/road`

/** Romeo, the owner, and Juliet in a room of the server; and a component, from whose domain Balthasar speaks. */
interface Company {
  readonly s: Story
  readonly mantua: ComponentClient
  readonly room: string
  readonly romeo: Actor
  readonly juliet: Actor
}

function elsewhere(title: string, scene: (company: Company) => Promise<void>): void {
  const play = async (s: Story): Promise<void> => {
    const mantua = await ComponentClient.join(s.bed.server, MANTUA, 'secret')
    const romeo = await s.login('romeo/orchard')
    const juliet = await s.login('juliet/balcony')
    const room = freshRoom(s)
    await gather(room, [
      [romeo, 'Romeo'],
      [juliet, 'Juliet'],
    ])
    // Another story may be this component when this one is over, or has failed.
    await scene({ s, mantua, room, romeo, juliet }).finally(() => mantua.send('</stream:stream>'))
    await mantua.ends()
  }
  story(title, play, { server: { components: { [MANTUA]: { secret: 'secret' } } } })
}

/** Balthasar enters: what he hears up to the subject. */
async function arrives(mantua: ComponentClient, room: string, from = balthasar): Promise<Element[]> {
  mantua.send(`<presence from='${from}' to='${room}/Balthasar'><x xmlns='${MUC}'/></presence>`)
  const heard: Element[] = []
  do heard.push(await mantua.next())
  while (!heard.at(-1)!.getChild('subject'))
  return heard
}

// XEP-0045 §7.2, §7.4, §7.5, §7.14
elsewhere('§7 Somebody from elsewhere takes part like everybody else', async ({ mantua, room, romeo, juliet }) => {
  const heard = await arrives(mantua, room)
  assert.deepEqual(
    heard.map((el) => [el.name, el.attrs['from'], el.attrs['to'], codesOf(el)]),
    [
      ['presence', `${room}/Romeo`, balthasar, []],
      ['presence', `${room}/Juliet`, balthasar, []],
      ['presence', `${room}/Balthasar`, balthasar, [110, 170]],
      ['message', room, balthasar, []],
    ],
  )
  await romeo.receives`<presence from='${room}/Balthasar'>${x({ jid: balthasar })}</presence>`
  await juliet.receives`<presence from='${room}/Balthasar'>${x()}</presence>`
  mantua.send(`<message type='groupchat' id='news' from='${balthasar}' to='${room}'><body>She is dead</body></message>`)
  await mantua.receives`<message type='groupchat' id='news' from='${room}/Balthasar' to='${balthasar}'><body>She is dead</body></message>`
  await hear([romeo, juliet], room, 'Balthasar', 'She is dead')
  await romeo.sends`<message type='chat' to='${room}/Balthasar'><body>Is it even so?</body></message>`
  const whispered =
    await mantua.receives`<message type='chat' from='${room}/Romeo' to='${balthasar}'><body>Is it even so?</body><x xmlns='${MUC_USER}'/></message>`
  assert.ok(!serialize(whispered).includes(romeo.bare))
  mantua.send(`<presence type='unavailable' from='${balthasar}' to='${room}/Balthasar'/>`)
  await misses([romeo, juliet], room, 'Balthasar')
  assert.deepEqual(
    codesOf(await mantua.receives`<presence type='unavailable' from='${room}/Balthasar' to='${balthasar}'/>`),
    [110],
  )
  await mantua.receivesNothing()
})

// XEP-0045 §18.1.2, §11.1: as if it had sent unavailable presence, for a technical reason
elsewhere('§11.1 Who cannot be reached is no longer in the room', async ({ mantua, room, romeo, juliet }) => {
  // Errors come from where the room's stanzas went to where they came from: messages and presence of occupants.
  const fails = (condition: string, name = 'message', nick = '/Romeo') =>
    `<${name} type='error' from='${balthasar}' to='${room}${nick}'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></${name}>`
  for (const [condition, ...about] of [
    ['gone'],
    ['item-not-found', 'message', ''],
    ['recipient-unavailable', 'presence'],
    ['redirect', 'presence', '/Juliet'],
    ['remote-server-not-found'],
    ['remote-server-timeout', 'presence'],
  ] as const) {
    await arrives(mantua, room)
    await notices([romeo, juliet], room, 'Balthasar')
    mantua.send(fails('feature-not-implemented', ...about))
    await mantua.receivesNothing()
    // What may be about a private message goes back to its writer.
    assert.ok((await heardBy(romeo)).every((el) => el.attrs['type'] === 'error'))
    mantua.send(fails(condition, ...about))
    const own = await mantua.receives`<presence type='unavailable' from='${room}/Balthasar'/>`
    assert.deepEqual(codesOf(own), [110, 333], condition)
    for (const actor of [romeo, juliet]) {
      const [gone, ...more] = (await heardBy(actor)).filter((el) => el.name === 'presence')
      assert.deepEqual([gone?.attrs['from'], gone?.attrs['type'], more], [`${room}/Balthasar`, 'unavailable', []])
      assert.deepEqual([codesOf(gone!), itemOf(gone!).attrs['role']], [[333], 'none'], condition)
    }
  }
  await says(romeo, room, 'Gone')
  await hear([juliet], room, 'Romeo', 'Gone')
  await mantua.receivesNothing()
})

// XEP-0045 §10.1.1, §9.1: domains
elsewhere(
  '§7.2.7 People from elsewhere do not create rooms, and a whole domain can be banned',
  async ({ s, mantua, room, romeo }) => {
    const own = freshRoom(s)
    await mantua.isRefused(
      'not-allowed',
      'cancel',
    )`<presence from='${balthasar}' to='${own}/Balthasar'><x xmlns='${MUC}'/></presence>`
    await grants(romeo, room, MANTUA, 'outcast')
    await mantua.isRefused(
      'forbidden',
      'auth',
    )`<presence from='${balthasar}' to='${room}/Balthasar'><x xmlns='${MUC}'/></presence>`
    await grants(romeo, room, MANTUA, 'none')
    await arrives(mantua, room)
  },
)

// XEP-0045 §7.2.13
elsewhere('§7.2.13 Somebody from elsewhere gets the history addressed to them', async ({ mantua, room, romeo }) => {
  await says(romeo, room, 'News from Verona?')
  await configures(romeo, room, { whois: 'anyone' })
  const heard = await arrives(mantua, room)
  const history = heard.filter((el) => el.name === 'message' && el.getChild('body'))
  assert.deepEqual(
    history.map((el) => [el.attrs['to'], el.getChild('delay', DELAY)!.attrs['from'], el.getChildText('body')]),
    [[balthasar, room, 'News from Verona?']],
  )
})

// XEP-0045 §7.2.8: one nickname, one account
elsewhere(
  '§7.2.8 Two addresses of one user elsewhere share a nickname; two users do not',
  async ({ mantua, room, romeo }) => {
    await arrives(mantua, room)
    await notices([romeo], room, 'Balthasar')
    await mantua.isRefused(
      'conflict',
      'cancel',
    )`<presence from='page@${MANTUA}/road' to='${room}/Balthasar'><x xmlns='${MUC}'/></presence>`
    const heard = await arrives(mantua, room, `balthasar@${MANTUA}/inn`)
    assert.deepEqual(
      heard.filter((el) => el.name === 'presence' && codesOf(el).includes(110)).map((el) => el.attrs['to']),
      [`balthasar@${MANTUA}/inn`],
    )
    await heardBy(romeo)
    await says(romeo, room, 'Both?')
    const to: (string | undefined)[] = []
    for (let n = 0; n < 2; n++) to.push((await mantua.receives`<message><body>Both?</body></message>`).attrs['to'])
    assert.deepEqual(to.sort(), [`balthasar@${MANTUA}/inn`, balthasar])
  },
)

// XEP-0045 §18.1.2, §11.1
elsewhere('§11.1 With their server those from elsewhere are gone', async ({ mantua, room, romeo, juliet }) => {
  await arrives(mantua, room)
  await notices([romeo, juliet], room, 'Balthasar')
  await mantua.leaves()
  await says(romeo, room, 'Is it even so?')
  await hear([juliet], room, 'Romeo', 'Is it even so?')
  for (const actor of [romeo, juliet]) {
    const gone = await actor.receives`<presence type='unavailable' from='${room}/Balthasar'/>`
    assert.deepEqual(codesOf(gone), [333])
    await actor.receivesNothing()
  }
})

// XEP-0437 §6: only of clients here is it certain that their end is heard of
elsewhere('Nobody elsewhere is told of activity in rooms', async ({ s, mantua, room, romeo }) => {
  await grants(romeo, room, 'balthasar@mantua.example', 'member')
  await mantua.receives`<message from='${room}'/>`
  mantua.send(`<presence from='${balthasar}' to='conference.${s.domain}'><rai xmlns='urn:xmpp:rai:0'/></presence>`)
  await mantua.receivesNothing()
  await says(romeo, room, 'Balthasar?')
  await mantua.receivesNothing()
})

// XEP-0045 §18.1, code 101: a courtesy, by which nobody is to be flooded
elsewhere(
  'Of one change for many who are not there a hundred are told, or invited',
  async ({ mantua, room, romeo }) => {
    const item = (n: number) => `<item affiliation='member' jid='p${n}@${MANTUA}'/>`
    const items = Array.from({ length: 120 }, (_, n) => item(n)).join('')
    await romeo.asks`<iq type='set' to='${room}'><query xmlns='${MUC}#admin'>${items}</query></iq>`
    for (let n = 0; n < 100; n++) assert.deepEqual(codesOf(await mantua.receives`<message from='${room}'/>`), [101])
    await mantua.receivesNothing()
    // Nor are more invited, §9.5.
    await configures(romeo, room, { membersonly: true })
    await romeo.asks`<iq type='set' to='${room}'><query xmlns='${MUC}#admin'>${items.replaceAll("jid='p", "jid='q")}</query></iq>`
    for (let n = 0; n < 100; n++)
      assert.ok((await mantua.receives`<message from='${room}'/>`).getChild('x', MUC_USER)!.getChild('invite'))
    await mantua.receivesNothing()
  },
)
