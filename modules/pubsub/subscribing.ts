import { dataForm, type Element, type FormField, Jid, randomId, readBoolean, readForm, StanzaError, xml } from '#api'
import { checkReader } from './access.ts'
import { askOwners, sendLast, tellOwners } from './authorizing.ts'
import type { Face } from './face.ts'
import { FORM_SUBSCRIBE_OPTIONS, NS_PUBSUB } from './namespaces.ts'
import type { Node } from './node.ts'
import { subscriptionElement } from './notifying.ts'
import type { FormValues, SubscriptionRecord } from './records.ts'
import { refusal } from './refusal.ts'
import { nodeOf, type Operations, type Request, readJid } from './request.ts'

/** XEP-0060 §6.1. */
async function subscribe(request: Request): Promise<Element> {
  const { engine, face, from, pubsub } = request
  const jid = ownAddress(request)
  const options = pubsub.getChild('options', NS_PUBSUB)
  // XEP-0060 §6.3.7
  if (options?.attrs['node'] !== undefined || options?.attrs['jid'] !== undefined)
    throw new StanzaError('bad-request', 'The options are those of what is subscribed to.')
  const wanted = options === undefined ? undefined : readOptions(options)
  return await engine.changing(face, nodeOf(request), async (node) => {
    const had = node.subscriptions.get(jid)
    // XEP-0060 §6.1.3.7: one question an account.
    if (node.subscriptionsOf(from).some(({ state }) => state === 'pending'))
      throw refusal('not-authorized', 'pending-subscription', 'The owner has not answered your last request yet.')
    const state = had?.state ?? (await stateFor(face, node, from))
    if (had === undefined) checkRoom(face, node)
    const subscription = { jid, subid: had?.subid ?? randomId(), state, options: wanted ?? had?.options ?? {} }
    if (had === undefined || wanted !== undefined) await engine.store.saveSubscription(node.id, subscription)
    node.subscriptions.set(jid, subscription)
    if (had === undefined && state === 'pending') askOwners(engine, face, node, subscription)
    else if (had === undefined) {
      tellOwners(engine, face, node, subscription)
      if (subscription.options['deliver'] !== '0')
        engine.afterwards(face, node.name, (now) => sendLast(engine, face, now, Jid.parse(jid)))
    }
    return xml(
      'pubsub',
      { xmlns: NS_PUBSUB },
      subscriptionElement(node.name, subscription, xml('subscribe-options')),
      wanted !== undefined && optionsElement(undefined, subscription),
    )
  })
}

async function stateFor(face: Face, node: Node, from: Jid): Promise<SubscriptionRecord['state']> {
  const affiliation = node.affiliationOf(from)
  const isNobody = affiliation === 'none' && !face.rules(from)
  if (node.settings.accessModel === 'authorize' && isNobody && !node.hasSubscribed(from)) return 'pending'
  await checkReader(face, node, from)
  return 'subscribed'
}

/** @throws StanzaError `policy-violation` when a node has no room for so many subscriptions more (XEP-0060 §6.1.3.9). */
export function checkRoom(face: Face, node: Node, more = 1): void {
  const { maxSubscriptions } = face.limits
  if (maxSubscriptions > 0 && node.subscriptions.size + more > maxSubscriptions)
    throw refusal('policy-violation', 'too-many-subscriptions', `A node has at most ${maxSubscriptions} subscriptions.`)
}

/** The address a subscription is for: the asker's own, bare or full (XEP-0060 §6.1.3.1). */
function ownAddress({ action, from }: Request): string {
  const jid = readJid(action.attrs['jid'])
  if (!jid.bare.equals(from.bare)) throw refusal('bad-request', 'invalid-jid', 'That is not your address.')
  return jid.toString()
}

/** Finds a subscription of the asker's (XEP-0060 §6.2.3, §6.3.4). */
function ownSubscription(node: Node, { action, from }: Request): SubscriptionRecord {
  const address = readJid(action.attrs['jid'])
  if (!address.bare.equals(from.bare)) throw new StanzaError('forbidden', 'That is somebody else’s subscription.')
  const found = node.subscriptions.get(address.toString())
  if (found === undefined) throw refusal('unexpected-request', 'not-subscribed', 'That address has not subscribed.')
  const subid = action.attrs['subid']
  if (subid !== undefined && subid !== found.subid)
    throw refusal('not-acceptable', 'invalid-subid', 'That address has another subscription.')
  return found
}

/** XEP-0060 §6.2. */
async function unsubscribe(request: Request): Promise<Element> {
  const { engine, face } = request
  return await engine.changing(face, nodeOf(request), async (node) => {
    const subscription = ownSubscription(node, request)
    await engine.store.removeSubscriptions(node.id, [subscription.subid])
    node.subscriptions.delete(subscription.jid)
    tellOwners(engine, face, node, subscription, true)
    const over = xml('subscription', { ...subscriptionElement(node.name, subscription).attrs, subscription: 'none' })
    return xml('pubsub', { xmlns: NS_PUBSUB }, over)
  })
}

// ---- options ----

const shows = ['away', 'chat', 'dnd', 'online', 'xa']

/** XEP-0060 §6.3.5. @throws StanzaError `bad-request` with `invalid-options`. */
function readOptions(element: Element): FormValues {
  const form = readForm(element, FORM_SUBSCRIBE_OPTIONS)
  const wrong = () => refusal('bad-request', 'invalid-options', 'Those are no options of a subscription.')
  if (form === undefined) throw wrong()
  const options: Record<string, string | readonly string[]> = {}
  for (const [name, values] of form) {
    const [value = ''] = values
    if (name === 'pubsub#deliver') {
      const delivers = readBoolean(value)
      if (delivers === undefined) throw wrong()
      options['deliver'] = delivers ? '1' : '0'
    } else if (name === 'pubsub#show-values') {
      if (!values.every((show) => shows.includes(show))) throw wrong()
      options['show-values'] = [...new Set(values)]
    } else if (name !== 'FORM_TYPE') throw wrong()
  }
  return options
}

function optionFields({ options }: SubscriptionRecord): FormField[] {
  return [
    {
      var: 'pubsub#deliver',
      type: 'boolean',
      label: 'Notifications are sent',
      values: [options['deliver'] ?? '1'].flat(),
    },
    {
      var: 'pubsub#show-values',
      type: 'list-multi',
      label: 'Only while somebody is',
      options: shows.map((value) => ({ value })),
      values: [options['show-values'] ?? shows].flat(),
    },
  ]
}

/** To be filled in, with the node; as they are now, without. */
function optionsElement(node: string | undefined, subscription: SubscriptionRecord): Element {
  const { jid, subid } = subscription
  const form = dataForm(node === undefined ? 'result' : 'form', FORM_SUBSCRIBE_OPTIONS, optionFields(subscription))
  return xml('options', node === undefined ? null : { node, jid, subid }, form)
}

/** XEP-0060 §6.3.2. */
async function getOptions(request: Request): Promise<Element> {
  const node = await request.engine.get(request.face, nodeOf(request))
  const element = optionsElement(node.name, ownSubscription(node, request))
  return xml('pubsub', { xmlns: NS_PUBSUB }, element)
}

/** XEP-0060 §6.3.5. */
async function setOptions(request: Request): Promise<void> {
  const { engine, face, action } = request
  const options = readOptions(action)
  await engine.changing(face, nodeOf(request), async (node) => {
    const subscription = { ...ownSubscription(node, request), options }
    await engine.store.saveSubscription(node.id, subscription)
    node.subscriptions.set(subscription.jid, subscription)
  })
}

/** XEP-0060 §6.4.2. */
async function defaultOptions({ action }: Request): Promise<Element> {
  const none: SubscriptionRecord = { jid: '', subid: '', state: 'subscribed', options: {} }
  const form = dataForm('form', FORM_SUBSCRIBE_OPTIONS, optionFields(none))
  return xml('pubsub', { xmlns: NS_PUBSUB }, xml('default', { node: action.attrs['node'] }, form))
}

// ---- what somebody has ----

/** XEP-0060 §5.6. */
async function subscriptions({ engine, face, from, action }: Request): Promise<Element> {
  const name = action.attrs['node']
  const all = await engine.store.subscriptionsOf(face.service.toString(), from.bare.toString())
  const wanted = all.filter(({ node }) => name === undefined || node === name)
  return xml(
    'pubsub',
    { xmlns: NS_PUBSUB },
    xml(
      'subscriptions',
      { node: name },
      ...wanted.map(({ node, subscription }) => subscriptionElement(node, subscription)),
    ),
  )
}

/** XEP-0060 §5.7. */
async function affiliations({ engine, face, from, action }: Request): Promise<Element> {
  const name = action.attrs['node']
  const all = await engine.store.affiliationsOf(face.service.toString(), from.bare.toString())
  const wanted = all.filter(({ node }) => name === undefined || node === name)
  return xml(
    'pubsub',
    { xmlns: NS_PUBSUB },
    xml(
      'affiliations',
      { node: name },
      ...wanted.map(({ node, affiliation }) => xml('affiliation', { node, affiliation })),
    ),
  )
}

export const subscribingOperations: Operations = {
  'get affiliations': affiliations,
  'get default': defaultOptions,
  'get options': getOptions,
  'get subscriptions': subscriptions,
  'set options': setOptions,
  'set subscribe': subscribe,
  'set unsubscribe': unsubscribe,
}
