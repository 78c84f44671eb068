import { drop, type Element, type Host, type Jid, type Sealed, StanzaError, serialize, xml } from '#api'
import { isSubscribed, type RosterApi, type RosterItem, type Subscription } from '../roster/index.ts'
import type { Availability } from './availability.ts'
import { decide, type SubscriptionState, type SubscriptionType, type Verdict } from './subscription-table.ts'

/** What bounds requests from contacts; 0 is no bound. */
export interface RequestLimits {
  /** Requests that wait for an answer of one account. */
  readonly maxRequests: number
  /** Bytes of a request that is kept as it came. */
  readonly maxRequestSize: number
}

const types: ReadonlySet<string> = new Set(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])

/** Whether presence of a type manages subscriptions. */
export function isSubscriptionType(type: string): type is SubscriptionType {
  return types.has(type)
}

/** Where an account stands with a contact, as Appendix A of RFC 6121 names it. */
export function stateOf({ subscription, ask, request }: RosterItem): SubscriptionState {
  if (subscription === 'both') return 'both'
  const out = ask && subscription !== 'to' ? '+out' : ''
  const wants = request !== null && subscription !== 'from' ? '+in' : ''
  return `${subscription}${out}${wants}` as SubscriptionState
}

/** An item brought to a state; a request that comes with it is kept. The same object when nothing is new. */
export function withState(item: RosterItem, verdict: Verdict, request: string | null, listed: boolean): RosterItem {
  const [subscription, ...asked] = verdict.next.split('+') as [Subscription, ...string[]]
  const next: RosterItem = {
    ...item,
    subscription,
    ask: asked.includes('out'),
    approved: verdict.approved,
    request: asked.includes('in') ? (item.request ?? request) : null,
    listed: item.listed || listed,
  }
  const isSame =
    next.subscription === item.subscription &&
    next.ask === item.ask &&
    next.approved === item.approved &&
    next.request === item.request &&
    next.listed === item.listed
  return isSame ? item : next
}

/** The subscriptions between the accounts of a host and their contacts (RFC 6121 §3). */
export class Subscriptions {
  readonly #host: Host
  readonly #rosters: RosterApi
  readonly #availability: Availability
  readonly #limits: RequestLimits

  constructor(host: Host, rosters: RosterApi, availability: Availability, limits: RequestLimits) {
    this.#host = host
    this.#rosters = rosters
    this.#availability = availability
    this.#limits = limits
  }

  /**
   * Takes a stanza of an account to a contact, and lets it pass when the contact is to hear of it (RFC 6121 Appendix A.2).
   *
   * @throws StanzaDrop when it ends here; StanzaError `not-allowed`, `bad-request`, or `policy-violation` for a full roster.
   */
  async leaving({ stanza, type, from, to, directed }: Sealed): Promise<void> {
    if (!isSubscriptionType(type)) return
    if (!directed) throw new StanzaError('bad-request', 'Whose presence?')
    const [account, contact] = [from.bare, to.bare]
    if (account.equals(contact)) throw new StanzaError('not-allowed', 'Nobody is a contact of their own.')
    let verdict: Verdict | undefined
    let before: RosterItem | undefined
    await this.#rosters.change(account, contact, (was, size) => {
      before = was
      verdict = decide('outbound', type, stateOf(was), was.approved)
      // RFC 6121 §3.1.2, §3.1.4, §3.4.2: asking, granting and approving in advance make an item.
      const isGrant = type === 'subscribed' && (verdict.pass || verdict.approved)
      const listed = type === 'subscribe' || isGrant
      if (listed && !was.listed) this.#rosters.checkRoom(size)
      return withState(was, verdict, null, listed)
    })
    if (!verdict!.pass) throw drop
    // RFC 6121 §3.2.2: the presence goes before the permission to see it.
    if (type === 'unsubscribed' && isSubscribed(before)) this.#availability.withdraw(account, contact)
    if (type === 'subscribed' && contact.domain !== this.#host.domain) {
      // RFC 6121 §3.1.5: the permission goes before the presence. A contact of this host learns of it in `arriving`.
      this.#host.route(stanza as Element)
      this.#availability.introduce(account, contact)
      throw drop
    }
  }

  /** Takes a stanza of a contact to an account; clients are told when there is something new (RFC 6121 Appendix A.3). */
  async arriving(event: Sealed): Promise<void> {
    const { stanza, type, from, to } = event
    if (!isSubscriptionType(type)) return
    const [account, contact] = [to.bare, from.bare]
    if (account.local === '' || account.equals(contact)) return
    // RFC 6121 §8.5.1: nobody is told that there is no such account. The roster keeps nothing for it then.
    let verdict: Verdict | undefined
    let before: RosterItem | undefined
    const decideItem = (was: RosterItem, requests: number): RosterItem => {
      before = was
      verdict = decide('inbound', type, stateOf(was), was.approved)
      // RFC 6121 §3.1.3 asks to keep requests; what comes past the limit is forgotten, and its sender may ask again.
      const isRequest = type === 'subscribe' && verdict.pass
      if (isRequest && this.#limits.maxRequests > 0 && requests >= this.#limits.maxRequests) throw drop
      return withState(was, verdict, isRequest ? this.#keepable(stanza as Element) : null, verdict.reply)
    }
    const announce = (): void => {
      if (verdict!.pass) this.#deliver(event, account, type)
    }
    await this.#rosters.change(account, contact, (was, { requests }) => decideItem(was, requests), announce)
    if (verdict!.reply) this.#approve(account, contact)
    if (verdict!.pass) this.#follow(type, account, contact, before!)
  }

  /** An item its owner has removed ends what is between the two (RFC 6121 §2.5.2). */
  removed(account: Jid, item: RosterItem): void {
    const state = stateOf(item)
    const send = (type: SubscriptionType) =>
      this.#host.route(xml('presence', { type, from: account.toString(), to: item.jid.toString() }))
    if (state.startsWith('to') || state === 'both' || state.includes('+out')) send('unsubscribe')
    if (isSubscribed(item)) this.#availability.withdraw(account, item.jid)
    if (isSubscribed(item) || state.includes('+in')) send('unsubscribed')
  }

  /** RFC 6121 §3.1.3: a request goes to the available sessions; §3.1.6, §3.2.3, §3.3.3: all else to the interested ones. */
  #deliver({ wire }: Sealed, account: Jid, type: SubscriptionType): void {
    const user = this.#host.user(account)
    const sessions = type === 'subscribe' ? (user?.available() ?? []) : this.#rosters.interested(account)
    for (const session of sessions) session.send(wire)
  }

  /** RFC 6121 §3.1.3, §3.4.3: the server approves in the account's name. */
  #approve(account: Jid, contact: Jid): void {
    this.#host.route(xml('presence', { type: 'subscribed', from: account.toString(), to: contact.toString() }))
    if (contact.domain !== this.#host.domain) this.#availability.introduce(account, contact)
  }

  #follow(type: SubscriptionType, account: Jid, contact: Jid, before: RosterItem): void {
    // RFC 6121 §3.1.6: then comes the presence of whoever has approved.
    if (type === 'subscribed' && contact.domain === this.#host.domain) this.#availability.introduce(contact, account)
    // RFC 6121 §3.3.3: whoever does not want to see the presence any more does not.
    if (type === 'unsubscribe' && isSubscribed(before)) this.#availability.withdraw(account, contact)
  }

  /** A request as it is kept; a large one without its words. */
  #keepable(stanza: Element): string {
    const text = serialize(stanza)
    const { maxRequestSize } = this.#limits
    if (maxRequestSize === 0 || Buffer.byteLength(text) <= maxRequestSize) return text
    return serialize(xml('presence', { ...stanza.attrs }))
  }
}
