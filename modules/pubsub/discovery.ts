import { type FormField, type Jid, NS_RSM } from '#api'
import type { DiscoInfo } from '../disco/hooks.ts'
import { mayRead } from './access.ts'
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
    field('max_items', 'text-single', 'How many items are kept', [
      settings.maxItems === Number.MAX_SAFE_INTEGER ? 'max' : String(settings.maxItems),
    ]),
    field('num_subscribers', 'text-single', 'How many subscribe', [String(node.subscribers())]),
  ]
}

/** Whether somebody who may not read a node does not find it either. */
function isHidden({ settings }: Node): boolean {
  return settings.accessModel === 'whitelist'
}
