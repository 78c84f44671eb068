import { type Element, type Jid, randomId, readForm, StanzaError, serialize, xml } from '#api'
import { checkPublisher } from './access.ts'
import { makeNode } from './creating.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { itemPublishing, nodeChanged, publicationTaken } from './hooks.ts'
import { FORM_PUBLISH_OPTIONS, NS_PUBSUB } from './namespaces.ts'
import type { Node } from './node.ts'
import { type NodeSettings, readConfig, sameValue, settingsOf, unlike } from './node-config.ts'
import { ITEM_BYTES, type ItemRecord, type NodeConfig } from './records.ts'
import { refusal } from './refusal.ts'
import { checkedName, nodeOf, type Operations, type Request } from './request.ts'

/** Something to publish. */
export interface NewItem {
  /** One of the service's choosing when ''. */
  readonly id: string
  readonly payload: Element | undefined
}

/** Most items of one request. */
const MAX_BATCH = 100

/** XEP-0060 §7.1. */
async function publish(request: Request): Promise<Element> {
  const { engine, face, from, action, pubsub } = request
  const name = nodeOf(request)
  const items = action.getChildren('item').map(readItem)
  if (items.length > MAX_BATCH)
    throw refusal('not-allowed', 'max-items-exceeded', `A request publishes at most ${MAX_BATCH} items.`)
  const options = pubsub.getChild('publish-options', NS_PUBSUB)
  const form = options && readForm(options, FORM_PUBLISH_OPTIONS)
  if (options !== undefined && form === undefined) throw new StanzaError('bad-request', 'The options are no form.')
  const wanted = readConfig(form ?? new Map(), face.limits, (field) => {
    // XEP-0060 §7.1.5.
    throw refusal('conflict', 'precondition-not-met', `Nodes have no option ${field.slice(0, 100)}.`)
  })
  const kept = (some: readonly NewItem[]) => publishItems(engine, face, name, some, from, wanted)
  const publication = { service: face.service, node: name, by: from, items, publish: kept }
  const ids = await (engine.host.hooks.ask(publicationTaken, publication) ?? kept(items))
  return xml(
    'pubsub',
    { xmlns: NS_PUBSUB },
    xml('publish', { node: name }, ...ids.map((id) => xml('item', { id: id === '' ? undefined : id }))),
  )
}

/**
 * Publishes at a node, which is created when there is none and the publisher may (XEP-0060 §7.1.4); `wanted` are the
 * preconditions, or, when that is not strict, only how a new node is. Returns the ids, once all is on disk and announced.
 *
 * @throws StanzaError that says why not; nothing is published then.
 */
export function publishItems(
  engine: Engine,
  face: Face,
  name: string,
  items: readonly NewItem[],
  by: Jid,
  wanted: NodeConfig = {},
  isStrict = true,
): Promise<readonly string[]> {
  return engine.atNode(face, name, async (found) => {
    // All that can be refused is refused before a node is made for it.
    if (found === undefined && !face.mayCreate(by)) throw new StanzaError('item-not-found', 'There is no such node.')
    if (found !== undefined) {
      await checkPublisher(face, found, by)
      if (isStrict) checkPreconditions(face, found, wanted)
    }
    const config = { ...face.presets?.(name), ...wanted }
    const own = found?.settings ?? settingsOf(unlike(config, face.defaults), face.defaults, face.limits)
    const bytes = checkItems(own, items)
    const named = items.map(({ id, payload }) => ({ id: id === '' ? randomId() : id, payload }))
    for (const { id, payload } of named)
      await engine.host.hooks.pass(itemPublishing, { service: face.service, node: name, id, payload, by })
    await checkVolume(engine, face, { name, creator: found?.record.creator ?? by.bare.toString(), bytes }, own)
    const node = found ?? (await makeNode(engine, face, name, config, by))
    return await keepAndTell(engine, face, node, named, by)
  })
}

async function keepAndTell(
  engine: Engine,
  face: Face,
  node: Node,
  items: readonly NewItem[],
  by: Jid,
): Promise<readonly string[]> {
  const { settings } = node
  const publisher = by.bare.toString()
  const records = items.map(
    ({ id, payload }): ItemRecord => ({
      id,
      payload: payload === undefined ? '' : serialize(payload),
      publisher,
      ms: engine.clock.now(),
      seq: engine.nextSeq(node),
    }),
  )
  if (settings.persistItems && settings.maxItems > 0) {
    await engine.store.publish(node.id, records, settings.maxItems)
    node.newestSeq = records.at(-1)?.seq ?? node.newestSeq
  }
  if (settings.deliverNotifications) await engine.notifier.published(face, node, records)
  engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by, kind: 'published', items })
  return records.map(({ id }) => id)
}

function readItem(item: Element): NewItem {
  const payloads = item.getChildElements()
  // XEP-0060 §7.1.3.6
  if (payloads.length > 1) throw refusal('bad-request', 'invalid-payload', 'An item has one payload.')
  const [payload] = payloads
  if (payload !== undefined && (payload.attrs['xmlns'] ?? NS_PUBSUB) === NS_PUBSUB)
    throw refusal('bad-request', 'invalid-payload', 'A payload has a namespace of its own.')
  return { id: checkedName(item.attrs['id'] ?? ''), payload }
}

/** What an account keeps in all is bounded; of what is not kept, nothing is counted. */
async function checkVolume(
  { volumes }: Engine,
  { service, limits: { maxBytes } }: Face,
  { name, creator, bytes }: { readonly name: string; readonly creator: string; readonly bytes: number },
  { persistItems, maxItems }: NodeSettings,
): Promise<void> {
  if (maxBytes === 0 || !persistItems || maxItems === 0) return
  const share = { node: name, bytes, isInstead: maxItems === 1 }
  if (!(await volumes.take(service.toString(), creator, share, maxBytes)))
    throw new StanzaError('resource-constraint', `Nobody can keep more than ${maxBytes} bytes here; remove something.`)
}

/** XEP-0060 §7.1.3.5, §7.1.3.7: what the node is for decides what an item must have. Gives the bytes that they take. */
function checkItems(settings: NodeSettings, items: readonly NewItem[]): number {
  const { persistItems, deliverPayloads, maxPayloadSize } = settings
  if (items.length === 0 && (persistItems || deliverPayloads))
    throw refusal('bad-request', 'item-required', 'What is to be published?')
  if (items.length > 0 && !persistItems && !deliverPayloads)
    throw refusal('bad-request', 'item-forbidden', 'This node only tells that something has happened.')
  let bytes = 0
  for (const { id, payload } of items) {
    if (payload === undefined && deliverPayloads)
      throw refusal('bad-request', 'payload-required', 'An item needs a payload.')
    const size = payload === undefined ? 0 : Buffer.byteLength(serialize(payload))
    if (maxPayloadSize > 0 && size > maxPayloadSize)
      throw refusal('not-acceptable', 'payload-too-big', `A payload has at most ${maxPayloadSize} bytes.`)
    bytes += size + Buffer.byteLength(id) + ITEM_BYTES
  }
  return bytes
}

/** XEP-0060 §7.1.5. */
function checkPreconditions(face: Face, { record }: Node, wanted: NodeConfig): void {
  for (const [name, value] of Object.entries(wanted))
    if (!sameValue(value, record.config[name] ?? face.defaults[name]))
      throw refusal('conflict', 'precondition-not-met', `The node’s ${name} is another.`)
}

export const publishingOperations: Operations = { 'set publish': publish }
