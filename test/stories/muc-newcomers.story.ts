import assert from 'node:assert/strict'
import { enters, freshRoom, heardBy, opens } from '../support/room.ts'
import { type Actor, drain, type Story, story } from '../support/story.ts'

const large = { modules: { muc: { newcomers: { from: 2, delay: 500 } } } }

const seen = async (actor: Actor): Promise<string[]> =>
  (await heardBy(actor)).map(
    ({ name, attrs }) => `${attrs['type'] ?? name} ${attrs['from']?.slice(attrs['from'].indexOf('/') + 1)}`,
  )

/** Juliet and Romeo, who have seen each other, in a room that counts as large. */
async function gathered(s: Story) {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  await opens(juliet, room, 'Juliet')
  await enters(romeo, room, 'Romeo')
  await s.advance(500)
  await drain(juliet)
  return { room, juliet, romeo }
}

story(
  'In a large room those who enter together are shown to the others together, and once // XEP-0045 §7.2.2',
  async (s) => {
    const { room, juliet, romeo } = await gathered(s)
    const nurse = await s.login('nurse/chamber')
    const tybalt = await s.login('tybalt/street')
    // Whoever enters sees everybody at once, also those whom others have not seen yet.
    const entrances = [await enters(nurse, room, 'Nurse'), await enters(tybalt, room, 'Tybalt')]
    assert.deepEqual(
      entrances.map(({ others }) => others.map(({ attrs }) => attrs['from'])),
      [
        [`${room}/Juliet`, `${room}/Romeo`],
        [`${room}/Juliet`, `${room}/Romeo`, `${room}/Nurse`],
      ],
    )
    for (const actor of [juliet, romeo, nurse, tybalt]) assert.deepEqual(await seen(actor), [])
    await s.advance(500)
    for (const actor of [juliet, romeo]) assert.deepEqual(await seen(actor), ['presence Nurse', 'presence Tybalt'])
    assert.deepEqual(await seen(nurse), ['presence Tybalt'])
    assert.deepEqual(await seen(tybalt), [])
  },
  large,
)

story(
  'Whatever somebody says, does or becomes comes behind the presence, however large the room // XEP-0045 §7.2.2, §7.4',
  async (s) => {
    const { room, juliet, romeo } = await gathered(s)
    const nurse = await s.login('nurse/chamber')
    for (const [deed, ...news] of [
      [`<message type='groupchat' to='${room}'><body>Madam!</body></message>`, 'groupchat Nurse'],
      [`<presence to='${room}/Nurse'><show>away</show></presence>`, 'presence Nurse'],
      [`<presence to='${room}/Angelica'/>`, 'unavailable Nurse', 'presence Angelica'],
      [undefined, 'unavailable Nurse'],
    ] as const) {
      await enters(nurse, room, 'Nurse')
      if (deed === undefined)
        await juliet.asks`<iq type='set' to='${room}'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Nurse' role='none'/></query></iq>`
      else {
        await nurse.sends`${deed}`
        const [kind, nick] = news.at(-1)!.split(' ')
        for (
          let el = await nurse.next();
          `${el.attrs['type'] ?? el.name} ${el.attrs['from']}` !== `${kind} ${room}/${nick}`;
        )
          el = await nurse.next()
      }
      await drain(nurse)
      assert.deepEqual(await seen(romeo), ['presence Nurse', ...news], deed ?? 'kick')
      await nurse.sends`<presence type='unavailable' to='${room}/${news.length > 1 ? 'Angelica' : 'Nurse'}'/>`
      await drain(nurse)
      await drain(romeo)
      await drain(juliet)
      await s.advance(500)
      assert.deepEqual(await seen(romeo), [])
    }
  },
  large,
)

story(
  'Who is gone before anybody has seen it is seen to come and go, and nothing is left of it // XEP-0045 §7.14',
  async (s) => {
    const { room, romeo } = await gathered(s)
    const nurse = await s.login('nurse/chamber')
    await enters(nurse, room, 'Nurse')
    await nurse.cuts()
    await romeo.receives`<presence from='${room}/Nurse'/>`
    await romeo.receives`<presence type='unavailable' from='${room}/Nurse'/>`
    await s.advance(500)
    assert.deepEqual(await seen(romeo), [])
  },
  large,
)
