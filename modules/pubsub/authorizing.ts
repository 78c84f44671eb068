import { dataForm, type Element, Jid, readBoolean, readForm, xml } from '#api'
import { isOwner } from './access.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { FORM_AUTHORIZATION, NS_EVENT } from './namespaces.ts'
import type { Node } from './node.ts'
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

/** Tells the owners, where they want to know, of a subscription, or that it is over (`pubsub#notify_sub`, XEP-0060 §12.14). */
export function tellOwners(
  engine: Engine,
  face: Face,
  node: Node,
  subscription: SubscriptionRecord,
  isOver = false,
): void {
  if (!node.settings.notifySub) return
  const { jid, subid, state } = subscription
  const told = xml('subscription', { node: node.name, jid, subid, subscription: isOver ? 'none' : state })
  for (const owner of node.owners()) {
    const event = xml('event', { xmlns: NS_EVENT }, told)
    engine.notifier.send(face, Jid.parse(owner), xml('message', { type: 'headline' }, event))
  }
}

/**
 * Takes the answer of an owner: a message with a form (XEP-0060 §8.6). False when the message is none; an answer to what nobody
 * asks for any more, or of somebody who is no owner, does nothing.
 */
export function takeAnswer(engine: Engine, face: Face, from: Jid, message: Element): Promise<void> | false {
  const form = readForm(message, FORM_AUTHORIZATION)
  // XEP-0060 §8.6: the request stays as it is.
  if (form === undefined) return isCancelled(message) && Promise.resolve()
  const value = (name: string) => form.get(`pubsub#${name}`)?.[0] ?? ''
  const [name, jid] = [value('node'), Jid.tryParse(value('subscriber_jid'))?.toString()]
  if (name === '' || jid === undefined) return Promise.resolve()
  return engine.atNode(face, name, async (node) => {
    if (node === undefined || !isOwner(face, node, from)) return
    const asked = node.subscriptions.get(jid)
    const subid = value('subid')
    if (asked?.state !== 'pending' || (subid !== '' && subid !== asked.subid)) return
    await answerRequest(engine, face, node, asked, readBoolean(value('allow')) === true)
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
  await sendLast(engine, face, node, Jid.parse(subscription.jid))
}

/** XEP-0060 §6.1.7: whoever subscribes gets the newest item, unless the node is set otherwise. */
export async function sendLast(engine: Engine, face: Face, node: Node, to: Jid): Promise<void> {
  const { sendLast: when, persistItems, deliverNotifications } = node.settings
  if (when === 'never' || !persistItems || !deliverNotifications) return
  const [item] = await engine.store.newest(node.id, 1)
  if (item !== undefined && !engine.isExpired(node, item.ms)) engine.notifier.last(face, node, item, to)
}

function isCancelled(message: Element): boolean {
  const form = message.getChild('x', 'jabber:x:data')
  const [type] = form?.getChildren('field').filter(({ attrs }) => attrs['var'] === 'FORM_TYPE') ?? []
  return form?.attrs['type'] === 'cancel' && type?.getChildText('value') === FORM_AUTHORIZATION
}
