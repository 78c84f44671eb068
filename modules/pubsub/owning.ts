import { dataForm, type Element, Jid, randomId, readForm, StanzaError, xml } from '#api'
import { checkOwner, mayRead } from './access.ts'
import { answerRequest } from './authorizing.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { nodeChanged } from './hooks.ts'
import { FORM_CONFIG, NS_OWNER } from './namespaces.ts'
import type { Node } from './node.ts'
import { configForm, readConfig, settingsOf, unlike } from './node-config.ts'
import { subscriptionElement } from './notifying.ts'
import type { NodeAffiliation, SubscriptionState } from './records.ts'
import { unsupported } from './refusal.ts'
import { nodeOf, type Operations, type Request, readJid } from './request.ts'

/** A node of which the asker is an owner. */
async function owned(request: Request): Promise<Node> {
  const node = await request.engine.get(request.face, nodeOf(request))
  checkOwner(request.face, node, request.from)
  return node
}

function owning<T>(request: Request, work: (node: Node) => Promise<T>): Promise<T> {
  const { engine, face, from } = request
  return engine.changing(face, nodeOf(request), async (node) => {
    checkOwner(face, node, from)
    return await work(node)
  })
}

function answer(...children: readonly Element[]): Element {
  return xml('pubsub', { xmlns: NS_OWNER }, ...children)
}

// ---- configuration (XEP-0060 §8.2, §8.3) ----

async function getConfig(request: Request): Promise<Element> {
  const { record } = await owned(request)
  const form = dataForm('form', FORM_CONFIG, configForm(record.config, request.face.defaults))
  return answer(xml('configure', { node: record.node }, form))
}

async function getDefault({ face }: Request): Promise<Element> {
  return answer(xml('default', null, dataForm('form', FORM_CONFIG, configForm({}, face.defaults))))
}

async function setConfig(request: Request): Promise<void> {
  const { engine, face, action, from } = request
  const form = action.getChild('x', 'jabber:x:data')
  // XEP-0060 §8.2.5: the owner leaves everything as it is.
  if (form?.attrs['type'] === 'cancel') return
  const values = readForm(action, FORM_CONFIG)
  if (values === undefined) throw new StanzaError('bad-request', 'A form of the configuration is needed.')
  const changes = readConfig(values, face.limits)
  await owning(request, async (node) => {
    const config = unlike({ ...node.record.config, ...changes }, face.defaults)
    await configureNode(engine, face, node, config, from)
  })
}

async function configureNode(
  engine: Engine,
  face: Face,
  node: Node,
  config: Node['record']['config'],
  by: Jid,
): Promise<void> {
  await engine.store.saveConfig(node.id, config)
  node.configure(config, settingsOf(config, face.defaults, face.limits))
  const { notifyConfig, deliverPayloads, maxItems } = node.settings
  // What a smaller node cannot hold goes.
  await engine.store.publish(node.id, [], maxItems)
  await engine.expire(node)
  if (notifyConfig) {
    const form = deliverPayloads && dataForm('result', FORM_CONFIG, configForm(config, face.defaults))
    await engine.notifier.announce(face, node, xml('configuration', { node: node.name }, form))
  }
  await dropUnwelcome(engine, face, node)
  engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by, kind: 'configured' })
}

/** Ends subscriptions of those who may not read the node any more, and tells them. */
export async function dropUnwelcome(engine: Engine, face: Face, node: Node): Promise<void> {
  for (const subscription of [...node.subscriptions.values()]) {
    if (subscription.state === 'pending' || (await mayRead(face, node, Jid.parse(subscription.jid)))) continue
    await engine.store.removeSubscriptions(node.id, [subscription.subid])
    node.subscriptions.delete(subscription.jid)
    engine.notifier.unsubscribed(face, node, subscription.jid)
  }
}

// ---- the end of a node, and of all its items (XEP-0060 §8.4, §8.5) ----

async function deleteNode(request: Request): Promise<void> {
  const { engine, face, action, from } = request
  const redirect = action.getChild('redirect')
  const uri = redirect?.attrs['uri'] ?? redirect?.getText()
  await owning(request, async (node) => {
    await engine.store.remove(node.id)
    engine.forget(node)
    if (node.settings.notifyDelete) {
      const to = uri === undefined ? [] : [xml('redirect', { uri })]
      await engine.notifier.announce(face, node, xml('delete', { node: node.name }, ...to))
    }
    engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by: from, kind: 'deleted' })
  })
}

async function purge(request: Request): Promise<void> {
  const { engine, face, from } = request
  await owning(request, async (node) => {
    if (!node.settings.persistItems) throw unsupported('persistent-items', 'Nothing is kept at this node.')
    await engine.store.purge(node.id)
    if (node.settings.notifyRetract) await engine.notifier.announce(face, node, xml('purge', { node: node.name }))
    engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by: from, kind: 'purged' })
  })
}

// ---- subscriptions (XEP-0060 §8.8.1) ----

async function getSubscriptions(request: Request): Promise<Element> {
  const node = await owned(request)
  const all = [...node.subscriptions.values()].map((subscription) => subscriptionElement(undefined, subscription))
  return answer(xml('subscriptions', { node: node.name }, ...all))
}

async function setSubscriptions(request: Request): Promise<void> {
  const { engine, face, action } = request
  const wanted = action.getChildren('subscription').map(({ attrs }) => ({
    jid: readJid(attrs['jid'] ?? '').toString(),
    state: readState(attrs['subscription']),
  }))
  await owning(request, async (node) => {
    for (const { jid, state } of wanted) {
      const had = node.subscriptions.get(jid)
      if ((had?.state ?? 'none') === state) continue
      if (had?.state === 'pending' && state !== 'unconfigured')
        await answerRequest(engine, face, node, had, state === 'subscribed')
      else if (state === 'none') {
        await engine.store.removeSubscriptions(node.id, [had!.subid])
        node.subscriptions.delete(jid)
        engine.notifier.unsubscribed(face, node, jid)
      } else {
        const subscription = { jid, subid: had?.subid ?? randomId(), state, options: had?.options ?? {} }
        await engine.store.saveSubscription(node.id, subscription)
        node.subscriptions.set(jid, subscription)
        engine.notifier.subscription(face, node, subscription)
      }
    }
  })
}

function readState(text: string | undefined): SubscriptionState | 'none' {
  if (text === 'none' || text === 'pending' || text === 'subscribed' || text === 'unconfigured') return text
  throw new StanzaError('bad-request', 'A subscription is none, pending, subscribed or unconfigured.')
}

// ---- affiliations (XEP-0060 §8.9) ----

async function getAffiliations(request: Request): Promise<Element> {
  const node = await owned(request)
  const all = [...node.affiliations].map(([jid, affiliation]) => xml('affiliation', { jid, affiliation }))
  return answer(xml('affiliations', { node: node.name }, ...all))
}

/** Most affiliations of a node. */
const MAX_AFFILIATIONS = 10_000

async function setAffiliations(request: Request): Promise<void> {
  const { engine, face, action } = request
  const changes = new Map<string, NodeAffiliation | 'none'>()
  for (const { attrs } of action.getChildren('affiliation'))
    changes.set(readJid(attrs['jid'] ?? '').bare.toString(), readAffiliation(attrs['affiliation']))
  await owning(request, async (node) => {
    const after = new Map<string, NodeAffiliation | 'none'>([...node.affiliations, ...changes])
    // XEP-0060 §8.9.2.4: somebody has to own it.
    if (![...after.values()].includes('owner')) throw new StanzaError('not-acceptable', 'A node needs an owner.')
    if (after.size > MAX_AFFILIATIONS)
      throw new StanzaError('policy-violation', `A node has at most ${MAX_AFFILIATIONS} affiliations.`)
    await engine.store.affiliate(node.id, changes)
    for (const [jid, affiliation] of changes)
      if (affiliation === 'none') node.affiliations.delete(jid)
      else node.affiliations.set(jid, affiliation)
    await dropUnwelcome(engine, face, node)
  })
}

const affiliations: readonly string[] = ['member', 'none', 'outcast', 'owner', 'publish-only', 'publisher']

function readAffiliation(text: string | undefined): NodeAffiliation | 'none' {
  if (text !== undefined && affiliations.includes(text)) return text as NodeAffiliation | 'none'
  throw new StanzaError('bad-request', `An affiliation is one of ${affiliations.join(', ')}.`)
}

/** What owners ask for. */
export const owningOperations: Operations = {
  'get affiliations': getAffiliations,
  'get configure': getConfig,
  'get default': getDefault,
  'get subscriptions': getSubscriptions,
  'set affiliations': setAffiliations,
  'set configure': setConfig,
  'set delete': deleteNode,
  'set purge': purge,
  'set subscriptions': setSubscriptions,
}
