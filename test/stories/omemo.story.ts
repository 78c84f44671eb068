import assert from 'node:assert/strict'
import { serialize } from '../../src/api.ts'
import { listens, notification, request, wants } from '../support/pep.ts'
import {
  asks,
  type Fields,
  NODE_CONFIG,
  OWNER,
  PUBLISH_OPTIONS,
  refuses,
  submission,
  valuesOf,
} from '../support/pubsub.ts'
import { type Actor, drain, story } from '../support/story.ts'

/** The two generations: Conversations, Gajim and Dino have the first; both are in use. */
const generations = {
  'eu.siacs.conversations.axolotl': {
    devices: 'eu.siacs.conversations.axolotl.devicelist',
    list: (ids: readonly number[]) =>
      `<list xmlns='eu.siacs.conversations.axolotl'>${ids.map((id) => `<device id='${id}'/>`).join('')}</list>`,
    bundleNode: (device: number) => `eu.siacs.conversations.axolotl.bundles:${device}`,
    bundleItem: () => 'current',
    bundle: (key: string) =>
      `<bundle xmlns='eu.siacs.conversations.axolotl'><signedPreKeyPublic signedPreKeyId='1'>${key}</signedPreKeyPublic><signedPreKeySignature>c2ln</signedPreKeySignature><identityKey>aWQ=</identityKey><prekeys>${prekeys(key)}</prekeys></bundle>`,
    // What Conversations and Gajim send.
    options: { persist_items: 'true', access_model: 'open' } as Fields,
  },
  'urn:xmpp:omemo:2': {
    devices: 'urn:xmpp:omemo:2:devices',
    list: (ids: readonly number[]) =>
      `<devices xmlns='urn:xmpp:omemo:2'>${ids.map((id) => `<device id='${id}' label='Phone'/>`).join('')}</devices>`,
    bundleNode: () => 'urn:xmpp:omemo:2:bundles',
    bundleItem: (device: number) => String(device),
    bundle: (key: string) =>
      `<bundle xmlns='urn:xmpp:omemo:2'><spk id='0'>${key}</spk><spks>c2ln</spks><ik>aWQ=</ik><prekeys>${prekeys(key)}</prekeys></bundle>`,
    // XEP-0384 §5.3.2: several devices share the node.
    options: { max_items: 'max', access_model: 'open' } as Fields,
  },
} as const

const prekeys = (key: string): string =>
  Array.from({ length: 100 }, (_, id) => `<pk id='${id + 1}'>${key}</pk>`).join('')

const publishing = (node: string, id: string, payload: string, options: Fields): string =>
  request(
    'set',
    `<publish node='${node}'><item id='${id}'>${payload}</item></publish><publish-options>${submission(PUBLISH_OPTIONS, options)}</publish-options>`,
  )

const heard = (from: string, node: string, payload: string): string =>
  notification(from, `<items node='${node}'><item id='current'>${payload}</item></items>`)

/** The one payload at a node, of an item if that is said. */
async function reads(actor: Actor, of: string, node: string, id = ''): Promise<string> {
  const wanted = id === '' ? '' : `<item id='${id}'/>`
  const items = await asks(actor, request('get', `<items node='${node}'>${wanted}</items>`, of), 'items')
  assert.equal(items.children.length, 1)
  return serialize(items.getChild('item')!.getChildElements()[0]!).replaceAll('"', "'")
}

for (const [name, form] of Object.entries(generations)) {
  // XEP-0384 §5.3: device lists and bundles; XEP-0222, XEP-0060 §7.1.5
  story(`Keys are found by contacts and strangers, and news of devices reaches who wants them: ${name}`, async (s) => {
    const { devices, list, bundle, bundleNode, bundleItem, options } = form
    const phone = await listens(s, 'juliet/phone', devices)
    const desk = await listens(s, 'juliet/desk', devices)
    const romeo = await listens(s, 'romeo/orchard', devices)
    const plain = await s.online('benvolio/street')
    const stranger = await listens(s, 'nurse/house', devices)
    for (const contact of [romeo, plain]) await s.befriend(contact, phone)
    for (const actor of [phone, desk, romeo, plain]) await drain(actor)
    for (const [device, actor, known] of [
      [1001, phone, [1001]],
      [2002, desk, [1001, 2002]],
    ] as const) {
      await actor.asks`${publishing(bundleNode(device), bundleItem(device), bundle(`a2V5${device}`), options)}`
      await actor.asks`${publishing(devices, 'current', list(known), options)}`
      for (const who of [phone, desk, romeo]) await who.receives`${heard(phone.bare, devices, list(known))}`
    }
    for (const actor of [plain, stranger]) await actor.receivesNothing()
    for (const actor of [desk, romeo, plain, stranger]) {
      assert.equal(await reads(actor, phone.bare, devices), list([1001, 2002]))
      for (const device of [1001, 2002])
        assert.equal(await reads(actor, phone.bare, bundleNode(device), bundleItem(device)), bundle(`a2V5${device}`))
    }
    // Whoever comes gets the list unasked; it is there when she is not.
    await phone.disconnects()
    await desk.disconnects()
    for (const who of ['romeo/home', 'benvolio/home']) {
      const late = await s.login(who)
      await wants(late, [devices])
      await late.receives`<presence/>`
      const newest = await late.receives`${heard(phone.bare, devices, list([1001, 2002]))}`
      assert.ok(newest.getChild('delay', 'urn:xmpp:delay'))
    }
    await refuses(stranger, request('get', "<items node='urn:example:none'/>", phone.bare), [
      'service-unavailable',
      'cancel',
    ])
  })

  // XEP-0060 §7.1.5: as Conversations, Gajim and Dino go on from there.
  story(`A list that was for contacts only is opened by its client: ${name}`, async (s) => {
    const { devices, list, options } = form
    const juliet = await s.online('juliet/phone')
    const stranger = await s.online('nurse/house')
    const before = request('set', `<publish node='${devices}'><item id='current'>${list([1])}</item></publish>`)
    await juliet.asks`${before}`
    await refuses(stranger, request('get', `<items node='${devices}'/>`, juliet.bare), [
      'service-unavailable',
      'cancel',
    ])
    const publish = publishing(devices, 'current', list([1, 2]), options)
    await refuses(juliet, publish, ['conflict', 'cancel', 'precondition-not-met'])
    assert.equal(await reads(juliet, juliet.bare, devices), list([1]))
    const current = await asks(juliet, request('get', `<configure node='${devices}'/>`, '', OWNER), 'configure', OWNER)
    const values = valuesOf(current.getChild('x', 'jabber:x:data')!)
    // The whole form goes back, changed.
    const fields = Object.fromEntries(Object.entries(values).filter(([field]) => field !== 'FORM_TYPE'))
    const wanted = submission(NODE_CONFIG, { ...fields, ...options })
    await juliet.asks`${request('set', `<configure node='${devices}'>${wanted}</configure>`, '', OWNER)}`
    await juliet.asks`${publish}`
    assert.equal(await reads(stranger, juliet.bare, devices), list([1, 2]))
  })
}
