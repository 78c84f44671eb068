import { type Element, isUniqueViolation, type Jid, randomId, readForm, StanzaError, xml } from '#api'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { FORM_CONFIG, NS_PUBSUB } from './namespaces.ts'
import { Node } from './node.ts'
import { readConfig, settingsOf, unlike } from './node-config.ts'
import type { NodeConfig } from './records.ts'
import { refusal } from './refusal.ts'
import { checkedName, type Operations, type Request } from './request.ts'

/** Makes a node; whoever makes it owns it. Runs where the node is being changed. */
export async function makeNode(
  engine: Engine,
  face: Face,
  name: string,
  config: NodeConfig,
  creator: Jid,
): Promise<Node> {
  const { maxNodes } = face.limits
  const owner = creator.bare.toString()
  const service = face.service.toString()
  if (maxNodes > 0 && (await engine.store.countCreated(service, owner)) >= maxNodes)
    throw refusal('conflict', 'max-nodes-exceeded', `Nobody can have more than ${maxNodes} nodes here.`)
  const own = unlike(config, face.defaults)
  try {
    const node = { service, node: name, config: own, creator: owner, createdMs: engine.clock.now(), owners: [owner] }
    const record = await engine.store.create(node)
    const affiliations = new Map([[owner, 'owner' as const]])
    const loaded = { record, affiliations, subscriptions: [], lastSeq: 0 }
    return engine.keep(new Node(loaded, settingsOf(own, face.defaults, face.limits)))
  } catch (error) {
    if (isUniqueViolation(error)) throw new StanzaError('conflict', 'There is a node of that name.')
    throw error
  }
}

/** XEP-0060 §8.1. */
async function create({ engine, face, from, pubsub, action }: Request): Promise<Element | void> {
  if (!face.mayCreate(from)) throw new StanzaError('forbidden', 'You may not create nodes here.')
  const wanted = action.attrs['node'] ?? ''
  const name = wanted === '' ? randomId() : checkedName(wanted)
  const configure = pubsub.getChild('configure', NS_PUBSUB)
  // XEP-0060 §8.1.3: it follows <create/> and names no node.
  if (configure !== undefined && (configure.attrs['node'] !== undefined || pubsub.getChildElements()[0] !== action))
    throw new StanzaError('bad-request', 'A <configure/> follows <create/>, without a node.')
  const form = configure && readForm(configure, FORM_CONFIG)
  const config = { ...face.presets?.(name), ...readConfig(form ?? new Map(), face.limits) }
  await engine.atNode(face, name, async (node) => {
    if (node !== undefined) throw new StanzaError('conflict', 'There is a node of that name.')
    await makeNode(engine, face, name, config, from)
  })
  // XEP-0060 §8.1.2: a name of the service's choosing is told.
  if (wanted === '') return xml('pubsub', { xmlns: NS_PUBSUB }, xml('create', { node: name }))
}

export const creating: Operations = { 'set create': create }
