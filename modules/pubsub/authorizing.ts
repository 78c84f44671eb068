import { dataForm, type Element, Jid, JidError, readForm, xml } from '#api'
import { isOwner } from './access.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { FORM_AUTHORIZATION, NS_EVENT } from './namespaces.ts'
import type { Node } from './node.ts'
import { subscriptionElement } from './notifying.ts'
import type { SubscriptionRecord } from './records.ts'

/** Asks the owners of a node whether somebody may subscribe (XEP-0060 §8.6). */
export function askOwners(engine: Engine, face: Face, node: Node, subscription: SubscriptionRecord): void {
  for (const owner of node.owners()) askOwner(engine, face, node, subscription, Jid.parse(owner))
}

/** Asks one owner, at the address given. */
export function askOwner(engine: Engine, face: Face, node: Node, { jid, subid }: SubscriptionRecord, owner: Jid): void {
  const form = dataForm(
    'form',
    FORM_AUTHORIZATION,
    [
      { var: 'pubsub#subid', type: 'hidden', values: [subid] },
      { var: 'pubsub#node', type: 'text-single', label: 'Node', values: [node.name] },
      { var: 'pubsub#subscriber_jid', type: 'jid-single', label: 'Who asks', values: [jid] },
      { var: 'pubsub#allow', type: 'boolean', label: 'May they subscribe?', values: ['0'] },
    ],
    { title: 'Somebody wants to subscribe', instructions: 'Allow it, or refuse it.' },
  )
  engine.notifier.send(face, owner, xml('message', null, form))
}

/** Tells the owners of a subscription (`pubsub#notify_sub`, XEP-0060 §12.9). */
export function tellOwners(engine: Engine, face: Face, node: Node, subscription: SubscriptionRecord): void {
  for (const owner of node.owners()) {
    const event = xml('event', { xmlns: NS_EVENT }, subscriptionElement(node.name, subscription))
    engine.notifier.send(face, Jid.parse(owner), xml('message', { type: 'headline' }, event))
  }
}

/**
 * Takes the answer of an owner: a message with a form (XEP-0060 §8.6). False when the message is none; an answer to what nobody
 * asks for any more, or of somebody who is no owner, does nothing.
 */
export function takeAnswer(engine: Engine, face: Face, from: Jid, message: Element): Promise<void> | false {
  const form = readForm(message, FORM_AUTHORIZATION)
  if (form === undefined) return false
  const value = (name: string) => form.get(`pubsub#${name}`)?.[0] ?? ''
  const [name, jid] = [value('node'), addressOf(value('subscriber_jid'))]
  if (name === '' || jid === undefined) return Promise.resolve()
  return engine.atNode(face, name, async (node) => {
    if (node === undefined || !isOwner(face, node, from)) return
    const asked = node.subscriptions.get(jid)
    const subid = value('subid')
    if (asked?.state !== 'pending' || (subid !== '' && subid !== asked.subid)) return
    await answerRequest(engine, face, node, asked, ['1', 'true'].includes(value('allow')))
  })
}

/** Approves or refuses a request, and tells who asked. */
export async function answerRequest(
  engine: Engine,
  face: Face,
  node: Node,
  asked: SubscriptionRecord,
  allow: boolean,
): Promise<void> {
  if (!allow) {
    await engine.store.removeSubscriptions(node.id, [asked.subid])
    node.subscriptions.delete(asked.jid)
    return engine.notifier.unsubscribed(face, node, asked.jid)
  }
  const subscription: SubscriptionRecord = { ...asked, state: 'subscribed' }
  await engine.store.saveSubscription(node.id, subscription)
  node.subscriptions.set(subscription.jid, subscription)
  engine.notifier.subscription(face, node, subscription)
  const [item] = node.settings.sendLast === 'never' ? [] : await engine.store.newest(node.id, 1)
  if (item !== undefined) engine.notifier.last(face, node, item, Jid.parse(subscription.jid))
}

function addressOf(text: string): string | undefined {
  try {
    return Jid.parse(text).toString()
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
