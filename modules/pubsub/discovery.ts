import { type Element, type FormField, type Jid, NS_RSM, noSuchPage, pageElement, readPage, xml } from '#api'
import type { DiscoInfo, DiscoItem } from '../disco/hooks.ts'
import { checkReader, mayRead } from './access.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { FORM_META_DATA, NS_PUBSUB } from './namespaces.ts'
import type { Node } from './node.ts'
import { noSuchNode } from './refusal.ts'

const abilities = [
  'access-authorize',
  'access-open',
  'access-presence',
  'access-roster',
  'access-whitelist',
  'auto-create',
  'config-node',
  'config-node-max',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'get-pending',
  'instant-nodes',
  'item-ids',
  'last-published',
  'manage-subscriptions',
  'member-affiliation',
  'meta-data',
  'modify-affiliations',
  'multi-items',
  'outcast-affiliation',
  'persistent-items',
  'publish',
  'publish-only-affiliation',
  'publish-options',
  'publisher-affiliation',
  'purge-nodes',
  'retract-items',
  'retrieve-affiliations',
  'retrieve-default',
  'retrieve-default-sub',
  'retrieve-items',
  'retrieve-subscriptions',
  'rsm',
  'subscribe',
  'subscription-notifications',
  'subscription-options',
]

/** The features of a service (XEP-0060 §10). */
export const features: readonly string[] = [NS_PUBSUB, ...abilities.map((name) => `${NS_PUBSUB}#${name}`), NS_RSM]

/** What a node is (XEP-0060 §5.3, §5.4). */
export async function nodeInfo(engine: Engine, face: Face, name: string, asker: Jid): Promise<DiscoInfo> {
  const node = await engine.get(face, name)
  // Who may not even know of a node does not find it.
  if (isHidden(node) && !(await mayRead(face, node, asker))) throw noSuchNode()
  return {
    identities: [
      { category: 'pubsub', type: 'leaf', ...(node.settings.title !== '' && { name: node.settings.title }) },
    ],
    features: [NS_PUBSUB, NS_RSM],
    forms: [{ formType: FORM_META_DATA, fields: metaData(node) }],
  }
}

function metaData(node: Node): FormField[] {
  const { settings, record } = node
  const field = (name: string, type: NonNullable<FormField['type']>, label: string, values: readonly string[]) => ({
    var: `pubsub#${name}`,
    type,
    label,
    values,
  })
  return [
    field('title', 'text-single', 'A short name of the node', [settings.title]),
    field('description', 'text-single', 'What the node is about', [settings.description]),
    field('type', 'text-single', 'What kind of thing is published', [settings.type]),
    field('language', 'text-single', 'The language of what is published', [settings.language]),
    field('contact', 'jid-multi', 'Whom to ask about the node', settings.contacts),
    field('creator', 'jid-single', 'Who made the node', [record.creator]),
    field('owner', 'jid-multi', 'Who owns the node', node.owners()),
    field('publisher', 'jid-multi', 'Who may publish for certain', node.publishers()),
    field('creation_date', 'text-single', 'When it was made', [new Date(record.createdMs).toISOString()]),
    field('access_model', 'list-single', 'Who may subscribe and read', [settings.accessModel]),
    field('publish_model', 'list-single', 'Who may publish', [settings.publishModel]),
    field('max_items', 'text-single', 'How many items are kept', [String(settings.maxItems)]),
    field('num_subscribers', 'text-single', 'How many subscribe', [String(node.subscribers())]),
  ]
}

/** Whether somebody who may not read a node does not find it either. */
function isHidden({ settings }: Node): boolean {
  return settings.accessModel === 'whitelist'
}

/** Most nodes or items of an answer. */
const MAX_LIST = 500
/** Greatest index that a page may begin at. */
const MAX_INDEX = 10_000

/** The nodes that somebody may find (XEP-0060 §5.2), in pages where that is asked for (XEP-0059). */
export async function nodeItems(
  engine: Engine,
  face: Face,
  asker: Jid,
  query?: Element,
): Promise<{ readonly items: readonly DiscoItem[]; readonly set: Element | undefined }> {
  const page = query && readPage(query, MAX_LIST)
  const { max, after, before } = page ?? { max: MAX_LIST }
  const range = { limit: max, ...(after !== undefined && { after }), ...(before !== undefined && { before }) }
  const { nodes, count, index } = await engine.store.nodes(face.service.toString(), range)
  const items: DiscoItem[] = []
  for (const { node: name } of nodes) {
    const node = await engine.find(face, name)
    if (node === undefined || !(await isFound(face, node, asker))) continue
    const { title } = node.settings
    items.push({ jid: face.service.toString(), node: name, ...(title !== '' && { name: title }) })
  }
  const names = nodes.map(({ node }) => node)
  return { items, set: page !== undefined || count > nodes.length ? pageElement(names, count, index) : undefined }
}

/** Nodes that one could ask for are found; those of an account only by those who may read them (XEP-0163 §6). */
async function isFound(face: Face, node: Node, asker: Jid): Promise<boolean> {
  if (!isHidden(node) && face.service.local === '') return true
  return node.settings.accessModel === 'authorize' || (await mayRead(face, node, asker))
}

/** The items of a node, by id (XEP-0060 §5.5). */
export async function itemItems(
  engine: Engine,
  face: Face,
  name: string,
  asker: Jid,
  query?: Element,
): Promise<{ readonly items: readonly DiscoItem[]; readonly set: Element | undefined }> {
  const node = await engine.get(face, name)
  await checkReader(face, node, asker)
  await engine.expire(node)
  const wish = query && readPage(query, MAX_LIST, { maxIndex: MAX_INDEX })
  const { max, ...range } = wish ?? { max: MAX_LIST }
  const page = await engine.store.page(node.id, { ...range, limit: max })
  if (page === undefined) throw noSuchPage()
  const ids = page.items.map(({ id }) => id)
  const isPart = page.count > ids.length || wish !== undefined
  return {
    items: ids.map((id) => ({ jid: face.service.toString(), name: id })),
    set: isPart ? pageElement(ids, page.count, page.index) : undefined,
  }
}

/** An answer to disco#items that keeps the order of what it lists. */
export function listElement(
  xmlns: string,
  node: string | undefined,
  items: readonly DiscoItem[],
  set: Element | undefined,
): Element {
  return xml(
    'query',
    { xmlns, node },
    ...items.map((item) => xml('item', { jid: item.jid, node: item.node, name: item.name })),
    set,
  )
}
