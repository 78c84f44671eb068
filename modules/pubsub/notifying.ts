import { type Element, Jid, parseDocument, randomId, type Session, setDelay, Wire, xml } from '#api'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { NS_EVENT } from './namespaces.ts'
import type { Node } from './node.ts'
import type { ItemRecord, SubscriptionRecord } from './records.ts'

/** Tells subscribers what happens at nodes (XEP-0060 §7.1.2, §12.3). */
export class Notifier {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Tells everybody who gets notifications of a node of something; those who have only asked for them, too, with `askers`. */
  async announce(face: Face, node: Node, payload: Element, { askers = false } = {}): Promise<void> {
    const wire = Wire.of(this.#message(face, node, payload))
    const reached = new Set<Session>()
    for (const subscription of node.subscriptions.values()) {
      const isInForce = subscription.state === 'subscribed'
      if (!isInForce && !askers) continue
      const hears = isInForce ? face.hears(node, Jid.parse(subscription.jid)) : true
      if (!(hears instanceof Promise ? await hears : hears)) continue
      this.#deliver(face, node, wire, subscription, reached)
    }
    await face.notifyOthers(node, wire, reached)
  }

  /** What was published, to all. */
  published(face: Face, node: Node, items: readonly ItemRecord[]): Promise<void> {
    return this.announce(face, node, itemsElement(node, items, node.settings.deliverPayloads))
  }

  /** The newest item, to one address that has just come (XEP-0060 §6.1.7): with the time it was published. */
  last(face: Face, node: Node, item: ItemRecord, to: Jid | Session): void {
    const message = this.#message(face, node, itemsElement(node, [item], node.settings.deliverPayloads))
    setDelay(message, face.service.toString(), item.ms)
    if (to instanceof Jid) this.#send(face, Wire.of(message), to, undefined)
    else this.#engine.host.reach(to, Wire.of(message), face.service)
  }

  /** What a subscription now is, to the subscriber (XEP-0060 §8.6, §8.8.4). */
  subscription(face: Face, node: Node, { jid, state, subid }: SubscriptionRecord, to: Jid = Jid.parse(jid)): void {
    const payload = xml('subscription', { jid, node: node.name, subid, subscription: state })
    this.#send(face, Wire.of(this.#message(face, node, payload)), to, undefined)
  }

  /** A subscription that is over, to who had it. */
  unsubscribed(face: Face, node: Node, jid: string): void {
    const payload = xml('subscription', { jid, node: node.name, subscription: 'none' })
    this.#send(face, Wire.of(this.#message(face, node, payload)), Jid.parse(jid), undefined)
  }

  /** A message of the service to one address. */
  send(face: Face, to: Jid, message: Element): void {
    message.attrs['from'] = face.service.toString()
    message.attrs['id'] = randomId()
    this.#send(face, Wire.of(message), to, undefined)
  }

  #message(face: Face, node: Node, payload: Element): Element {
    const { notificationType } = node.settings
    return xml(
      'message',
      {
        from: face.service.toString(),
        // XEP-0060 §7.1.2: errors tell by it what they are about.
        id: randomId(),
        type: notificationType === 'normal' ? undefined : notificationType,
      },
      xml('event', { xmlns: NS_EVENT }, payload),
    )
  }

  #deliver(face: Face, node: Node, wire: Wire, { jid, options }: SubscriptionRecord, reached: Set<Session>): void {
    // XEP-0060 §6.3.7: pubsub#deliver.
    if (options['deliver'] === '0') return
    const to = Jid.parse(jid)
    const shows = options['show-values']
    if (shows === undefined && !node.settings.presenceBased) return this.#send(face, wire, to, reached)
    // Only who is available, and in a way that counts.
    for (const session of this.#available(to))
      if (shows === undefined || [shows].flat().includes(showOf(session))) {
        reached.add(session)
        this.#engine.host.reach(session, wire, face.service)
      }
  }

  *#available(to: Jid): Generator<Session> {
    if (to.domain !== this.#engine.host.domain) return
    for (const session of this.#engine.host.user(to)?.sessions.values() ?? [])
      if (session.presence !== null && (to.resource === '' || session.jid.resource === to.resource)) yield session
  }

  /** To sessions here at once; by the common way to everybody else, and for messages that are to wait for somebody. */
  #send(face: Face, wire: Wire, to: Jid, reached: Set<Session> | undefined): void {
    const { host } = this.#engine
    const isFleeting = wire.element.attrs['type'] === 'headline'
    const user = to.domain === host.domain ? host.user(to) : undefined
    if (isFleeting && user !== undefined) {
      // RFC 6121 §8.5.2.1.1: a headline goes to all resources that take messages.
      for (const session of user.sessions.values())
        if (to.resource === '' ? (session.priority ?? -1) >= 0 : session.jid.resource === to.resource) {
          if (reached?.has(session)) continue
          reached?.add(session)
          host.reach(session, wire, face.service)
        }
      return
    }
    const { name, attrs, children } = wire.element
    host.route(xml(name, { ...attrs, to: to.toString() }, ...children))
  }
}

/** `<items/>` with what was published (XEP-0060 §7.1.2.1). */
export function itemsElement(node: Node, items: readonly ItemRecord[], withPayloads: boolean): Element {
  const { itemReply } = node.settings
  return xml(
    'items',
    { node: node.name },
    ...items.map((item) => itemElement(item, withPayloads, itemReply === 'publisher')),
  )
}

/** One `<item/>`. */
export function itemElement(
  { id, payload, publisher }: ItemRecord,
  withPayload = true,
  withPublisher = false,
): Element {
  return xml(
    'item',
    { id: id === '' ? undefined : id, publisher: withPublisher ? publisher : undefined },
    withPayload && payload !== '' && parseDocument(payload),
  )
}

/** A subscription, as clients see it. */
export function subscriptionElement(
  node: string | undefined,
  { jid, subid, state }: SubscriptionRecord,
  ...children: readonly Element[]
): Element {
  return xml('subscription', { node, jid, subid, subscription: state }, ...children)
}

/** RFC 6121 §4.7.2.1; `online` is how XEP-0060 calls what has no `<show/>`. */
function showOf({ presence }: Session): string {
  return presence?.getChildText('show') ?? 'online'
}
