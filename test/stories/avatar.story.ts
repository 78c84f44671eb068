import assert from 'node:assert/strict'
import { configures, idsAt, listens, notification, request } from '../support/pep.ts'
import {
  DATA,
  dataItem,
  info,
  jpeg,
  METADATA,
  metadataItem,
  photo,
  png,
  publishing,
  showsPicture,
  UPDATE,
  update,
} from '../support/pictures.ts'
import { asks } from '../support/pubsub.ts'
import { freshRoom, MUC } from '../support/room.ts'
import { type Actor, story } from '../support/story.ts'

const NS = 'vcard-temp'
const face = png('a face')
const other = jpeg('another face')
const setting = (content: string) => `<iq type='set'><vCard xmlns='${NS}'>${content}</vCard></iq>`
const asking = (of: string) => `<iq type='get' to='${of}'><vCard xmlns='${NS}'/></iq>`

/** What somebody sees of the picture in a vCard: type and base64, or nothing. */
async function pictureIn(actor: Actor, of: string): Promise<string | undefined> {
  const card = (await actor.asks`${asking(of)}`).getChild('vCard', NS)!
  const found = card.getChildren('PHOTO')
  assert.ok(found.length <= 1)
  return found[0] && `${found[0].getChildText('TYPE')} ${found[0].getChildText('BINVAL')}`
}

/** The hash in the next presence of somebody; `undefined` when it says nothing. */
async function hashFrom(actor: Actor, from: string): Promise<string | undefined> {
  const presence = await actor.receives`<presence from='${from}'/>`
  assert.ok(presence.getChildren('x', UPDATE).length <= 1, String(presence))
  return presence.getChild('x', UPDATE)?.getChildText('photo') ?? undefined
}

story('A picture that is published is in the vCard, and all are told // XEP-0084 §3, XEP-0398 §3.1, §4', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const romeo = await listens(s, 'romeo/orchard', METADATA)
  await s.befriend(juliet, romeo)
  await showsPicture(juliet, face, 'open')
  await romeo.receivesInAnyOrder([
    notification(juliet.bare, `<items node='${METADATA}'>${metadataItem(face)}</items>`),
    `<presence from='${juliet.jid}'>${update(face.id)}</presence>`,
  ])
  assert.equal(await hashFrom(juliet, juliet.jid), face.id)
  assert.equal(await pictureIn(romeo, juliet.bare), `image/png ${face.base64}`)
  const stranger = await s.login('tybalt')
  assert.equal(await pictureIn(stranger, juliet.bare), `image/png ${face.base64}`)
  const found = await asks(
    stranger,
    request('get', `<items node='${DATA}'><item id='${face.id}'/></items>`, juliet.bare),
    'items',
  )
  assert.equal(found.getChild('item')!.getChildText('data'), face.base64)
  // XEP-0398 §2
  const about =
    await juliet.asks`<iq type='get' to='${juliet.bare}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`
  const features = about
    .getChildElements()[0]!
    .getChildren('feature')
    .map(({ attrs }) => attrs['var'])
  assert.ok(features.includes('urn:xmpp:pep-vcard-conversion:0'))
  // XEP-0084 §3.5: no picture any more.
  await showsPicture(juliet)
  await romeo.receivesInAnyOrder([
    notification(juliet.bare, `<items node='${METADATA}'>${metadataItem()}</items>`),
    `<presence from='${juliet.jid}'>${update('')}</presence>`,
  ])
  await stranger.isRefused('service-unavailable')`${asking(juliet.bare)}`
  await juliet.sends`<presence><status>shy</status></presence>`
  await romeo.receives`<presence from='${juliet.jid}'><status>shy</status>${update('')}</presence>`
  // And one again.
  await showsPicture(juliet, other, 'open')
  await romeo.receivesInAnyOrder([
    notification(juliet.bare, `<items node='${METADATA}'>${metadataItem(other)}</items>`),
    `<presence from='${juliet.jid}'><status>shy</status>${update(other.id)}</presence>`,
  ])
})

story('The picture of a vCard is published, and gone with it // XEP-0398 §3.2', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const romeo = await listens(s, 'romeo/orchard', METADATA)
  await s.befriend(juliet, romeo)
  const lines = other.base64.replace(/(.{20})/g, '$1\n')
  // XEP-0153 §5: the type is what the picture is, whatever is said; §4.6: lines are no matter.
  await juliet.asks`${setting(`<FN>Juliet</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>\n${lines}</BINVAL></PHOTO>`)}`
  const [message] = await romeo.receivesInAnyOrder([
    `<message from='${juliet.bare}' type='headline'/>`,
    `<presence from='${juliet.jid}'>${update(other.id)}</presence>`,
  ])
  const told = message!.getChildElements()[0]!.getChild('items')!.getChild('item')!
  assert.deepEqual(told.getChild('metadata')!.getChild('info')!.attrs, {
    id: other.id,
    bytes: String(other.octets.length),
    type: 'image/jpeg',
    width: '64',
    height: '48',
  })
  assert.match((await pictureIn(romeo, juliet.bare)) ?? '', /^image\/jpeg /)
  assert.equal(await idsAt(romeo, DATA, juliet.bare), other.id)
  // Saying the same again tells nobody, and a card without a picture takes it away.
  const same = (await juliet.asks`${asking(juliet.bare)}`).getChild('vCard', NS)!
  await juliet.asks`<iq type='set'>${String(same)}</iq>`
  await romeo.receivesNothing()
  await juliet.asks`${setting('<FN>Juliet</FN>')}`
  await romeo.receivesInAnyOrder([
    `<message from='${juliet.bare}' type='headline'/>`,
    `<presence from='${juliet.jid}'>${update('')}</presence>`,
  ])
  assert.equal(await pictureIn(romeo, juliet.bare), undefined)
  assert.equal(await idsAt(romeo, DATA, juliet.bare), '')
  // A picture elsewhere is nothing that the server has.
  await juliet.asks`${setting(`<FN>Juliet</FN><PHOTO><EXTVAL>https://example.com/me.png</EXTVAL></PHOTO>`)}`
  await romeo.receivesNothing()
})

story('Only those who may read the nodes see the picture, or its hash // XEP-0398 §5.2, §8', async (s) => {
  const [juliet, romeo] = [await s.online('juliet/balcony'), await s.online('romeo/orchard')]
  const tybalt = await s.online('tybalt/square')
  await s.befriend(juliet, romeo)
  await juliet.asks`${setting('<FN>Juliet</FN>')}`
  await showsPicture(juliet, face)
  assert.equal(await hashFrom(romeo, juliet.jid), face.id)
  assert.equal(await hashFrom(juliet, juliet.jid), face.id)
  assert.equal(await pictureIn(romeo, juliet.bare), `image/png ${face.base64}`)
  assert.equal(await pictureIn(juliet, juliet.bare), `image/png ${face.base64}`)
  assert.equal(await pictureIn(tybalt, juliet.bare), undefined)
  const direct = async (actor: Actor) => {
    await juliet.sends`<presence to='${actor.jid}'/>`
    return await hashFrom(actor, juliet.jid)
  }
  assert.equal(await direct(romeo), face.id)
  assert.equal(await direct(tybalt), undefined)
  // Both nodes have to be open.
  await configures(juliet, METADATA, { access_model: 'open' })
  assert.equal(await pictureIn(tybalt, juliet.bare), undefined)
  assert.equal(await direct(tybalt), undefined)
  await configures(juliet, DATA, { access_model: 'open' })
  assert.equal(await pictureIn(tybalt, juliet.bare), `image/png ${face.base64}`)
  assert.equal(await direct(tybalt), face.id)
  await configures(juliet, DATA, { access_model: 'whitelist' })
  assert.equal(await pictureIn(romeo, juliet.bare), undefined)
})

story('What presence says of a picture, the server corrects // XEP-0153 §4.1, XEP-0398 §4', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const hears = async (said: string): Promise<string | undefined> => {
    await juliet.sends`<presence>${said}</presence>`
    return await hashFrom(juliet, juliet.jid)
  }
  const empty = `<x xmlns='${UPDATE}'/>`
  const table: [said: string, never: string | undefined, none: string, some: string][] = [
    ['', undefined, '', face.id],
    [empty, '', '', face.id],
    [update(''), '', '', ''],
    [update(face.id), '', '', face.id],
    [update('0123'), '', '', face.id],
  ]
  for (const [said, never] of table) assert.equal(await hears(said), never, `never: ${said}`)
  await juliet.sends`<presence/>`
  assert.equal(await hashFrom(juliet, juliet.jid), undefined)
  await showsPicture(juliet, face, 'open')
  assert.equal(await hashFrom(juliet, juliet.jid), face.id)
  for (const [said, , , some] of table) assert.equal(await hears(said), some, `some: ${said}`)
  // Whoever says that there is none is not corrected when there is another; its other client is.
  await juliet.sends`<presence>${update('')}</presence>`
  assert.equal(await hashFrom(juliet, juliet.jid), '')
  const garden = await s.login('juliet/garden')
  await garden.sends`<presence/>`
  for (const actor of [garden, juliet]) assert.equal(await hashFrom(actor, garden.jid), face.id)
  assert.equal(await hashFrom(garden, juliet.jid), '')
  await showsPicture(juliet, other)
  for (const actor of [garden, juliet]) assert.equal(await hashFrom(actor, garden.jid), other.id)
  for (const actor of [garden, juliet]) await actor.receivesNothing()
  await garden.disconnects()
  await showsPicture(juliet)
  await juliet.receives`<presence type='unavailable' from='${garden.jid}'/>`
  for (const [said, , none] of table) assert.equal(await hears(said), none, `none: ${said}`)
})

story('In a room people are known by their picture when it is for all; a new one is not told there', async (s) => {
  const juliet = await s.online('juliet/balcony')
  const room = freshRoom(s)
  await showsPicture(juliet, face, 'open')
  assert.equal(await hashFrom(juliet, juliet.jid), face.id)
  const enters = async () => {
    await juliet.sends`<presence to='${room}/J'><x xmlns='${MUC}'/></presence>`
    const seen = await juliet.receives`<presence from='${room}/J'/>`
    assert.equal(seen.getChild('x', UPDATE)?.getChildText('photo'), face.id)
  }
  await enters()
  await juliet.receives`<message from='${room}' type='groupchat'/>`
  await showsPicture(juliet, other)
  assert.equal(await hashFrom(juliet, juliet.jid), other.id)
  await juliet.receivesNothing()
})

story(
  'What is no picture is refused, and metadata that are not true // XEP-0084 §3.1, §3.2, §4.2.1',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    const data = (base64: string, id = face.id) => publishing(DATA, dataItem({ ...face, id, base64 }))
    const meta = (content: string) =>
      publishing(METADATA, `<item id='i'><metadata xmlns='${METADATA}'>${content}</metadata></item>`)
    const svg = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>").toString('base64')
    const large = png('x'.repeat(5000))
    const wide = png('', 600, 10)
    const refused = [
      data(''),
      data('%%%%'),
      data(face.base64.slice(0, -1)),
      data(svg),
      data(face.base64, other.id),
      data(face.base64, face.id.toUpperCase()),
      data(large.base64, large.id),
      data(wide.base64, wide.id),
      publishing(DATA, `<item id='${face.id}'><picture xmlns='urn:x'/></item>`),
      publishing(METADATA, `<item id='i'><data xmlns='urn:x'/></item>`),
      // Nothing is published yet.
      meta(info(face)),
      setting(`<PHOTO><TYPE>image/png</TYPE><BINVAL>${svg}</BINVAL></PHOTO>`),
      setting(photo(large)),
      setting(photo(face) + photo(wide)),
    ]
    for (const wrong of refused) await juliet.isRefused('not-acceptable')`${wrong}`
    await juliet.asks`${data(face.base64)}`
    const lies = [{ type: 'image/jpeg' }, { octets: other.octets }, { id: other.id }]
    for (const lie of lies) await juliet.isRefused('not-acceptable')`${meta(info({ ...face, ...lie }))}`
    await juliet.asks`${meta(`<info id='${other.id}' bytes='1' type='image/gif' url='https://example.com/a.gif'/>`)}`
    await juliet.receivesNothing()
    // The one that is here counts (XEP-0398 §3.1).
    await juliet.asks`${meta(`<info id='${other.id}' bytes='1' type='image/gif' url='https://a.example/b'/>${info(face)}`)}`
    await juliet.receives`<presence from='${juliet.jid}'>${update(face.id)}</presence>`
    // A service has its own pictures.
    await juliet.asks`<iq type='set' to='pubsub.${s.domain}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${DATA}'><item id='1'><data xmlns='${DATA}'/></item></publish></pubsub></iq>`
    await juliet.asks`<iq type='set' to='pubsub.${s.domain}'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='${DATA}'/></pubsub></iq>`
  },
  { modules: { avatar: { maxSize: 4096, maxSide: 512 } } },
)

story(
  'Pictures cost presence no query, and outlive a login; nothing of them outlives an account',
  async (s) => {
    const juliet = await s.online('juliet/balcony')
    await showsPicture(juliet, face, 'open')
    assert.equal(await hashFrom(juliet, juliet.jid), face.id)
    await juliet.disconnects()
    const garden = await s.login('juliet/garden')
    await garden.receivesNothing()
    const before = s.database.queries
    for (const status of ['', 'one', 'two']) {
      await garden.sends`<presence><status>${status}</status></presence>`
      assert.equal(await hashFrom(garden, garden.jid), face.id)
    }
    assert.equal(s.database.queries - before, 0)
    await s.host.deleteAccount('juliet')
    await s.host.accounts.create('juliet', 'another password')
    const romeo = await s.login('romeo')
    await romeo.isRefused('service-unavailable')`${asking(juliet.bare)}`
    const again = await s.connects()
    await again.logsIn('juliet', s.domain, 'another password', 'crypt')
    await again.sends`<presence/>`
    assert.equal(await hashFrom(again, again.jid), undefined)
  },
  { modules: { offline: { enabled: false } } },
)

story(
  'Each host of a server has its own people and their pictures',
  async (s) => {
    const [here, there] = [await s.online('juliet/balcony'), await s.online('juliet@capulet.example/balcony')]
    await s.befriend(here, there)
    await showsPicture(here, face, 'open')
    assert.equal(await hashFrom(there, here.jid), face.id)
    await there.asks`${setting(photo(other))}`
    assert.equal(await hashFrom(here, here.jid), face.id)
    assert.equal(await hashFrom(here, there.jid), other.id)
    assert.equal(await pictureIn(there, here.bare), `image/png ${face.base64}`)
    assert.equal(await pictureIn(here, there.bare), `image/jpeg ${other.base64}`)
  },
  { hosts: ['localhost', 'capulet.example'] },
)
