/**
 * The subscription states of RFC 6121 Appendix A and the way from one to the other, as data.
 *
 * A state is written as the subscription, `+out` when the account has asked and `+in` when the contact has asked.
 */
export type SubscriptionState =
  | 'none'
  | 'none+out'
  | 'none+in'
  | 'none+out+in'
  | 'to'
  | 'to+in'
  | 'from'
  | 'from+out'
  | 'both'

/** The presence types that manage subscriptions. */
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed'

/** Whether the account sends the stanza or gets it. */
export type Direction = 'inbound' | 'outbound'

/** What becomes of a subscription stanza. */
export interface Verdict {
  /** Whether it goes on: routed to the contact, or delivered to the account's clients. */
  readonly pass: boolean
  readonly next: SubscriptionState
  /** Whether a request that has not come yet is approved (RFC 6121 §3.4). */
  readonly approved: boolean
  /** Whether the server approves in the account's name. */
  readonly reply: boolean
}

/** `[does it pass, new state]`; just `false` when it ends here and changes nothing. */
type Cell = false | readonly [pass: true, next: SubscriptionState]
type Table = Readonly<Record<Direction, Readonly<Record<SubscriptionType, Readonly<Record<SubscriptionState, Cell>>>>>>

const to = (next: SubscriptionState): Cell => [true, next]

const table: Table = {
  outbound: {
    // RFC 6121 Appendix A.2.1
    subscribe: {
      none: to('none+out'),
      'none+out': to('none+out'),
      'none+in': to('none+out+in'),
      'none+out+in': to('none+out+in'),
      to: to('to'),
      'to+in': to('to+in'),
      from: to('from+out'),
      'from+out': to('from+out'),
      both: to('both'),
    },
    // RFC 6121 Appendix A.2.2
    unsubscribe: {
      none: to('none'),
      'none+out': to('none'),
      'none+in': to('none+in'),
      'none+out+in': to('none+in'),
      to: to('none'),
      'to+in': to('none+in'),
      from: to('from'),
      'from+out': to('from'),
      both: to('from'),
    },
    // RFC 6121 Appendix A.2.3
    subscribed: {
      none: false,
      'none+out': false,
      'none+in': to('from'),
      'none+out+in': to('from+out'),
      to: false,
      'to+in': to('both'),
      from: false,
      'from+out': false,
      both: false,
    },
    // RFC 6121 Appendix A.2.4
    unsubscribed: {
      none: false,
      'none+out': false,
      'none+in': to('none'),
      'none+out+in': to('none+out'),
      to: false,
      'to+in': to('to'),
      from: to('none'),
      'from+out': to('none+out'),
      both: to('to'),
    },
  },
  inbound: {
    // RFC 6121 Appendix A.3.1
    subscribe: {
      none: to('none+in'),
      'none+out': to('none+out+in'),
      'none+in': false,
      'none+out+in': false,
      to: to('to+in'),
      'to+in': false,
      from: false,
      'from+out': false,
      both: false,
    },
    // RFC 6121 Appendix A.3.2
    unsubscribe: {
      none: false,
      'none+out': false,
      'none+in': to('none'),
      'none+out+in': to('none+out'),
      to: false,
      'to+in': to('to'),
      from: to('none'),
      'from+out': to('none+out'),
      both: to('to'),
    },
    // RFC 6121 Appendix A.3.3
    subscribed: {
      none: false,
      'none+out': to('to'),
      'none+in': false,
      'none+out+in': to('to+in'),
      to: false,
      'to+in': false,
      from: false,
      'from+out': to('both'),
      both: false,
    },
    // RFC 6121 Appendix A.3.4
    unsubscribed: {
      none: false,
      'none+out': to('none'),
      'none+in': false,
      'none+out+in': to('none+in'),
      to: to('none'),
      'to+in': to('none+in'),
      from: false,
      'from+out': to('from'),
      both: to('from'),
    },
  },
}

/** Where an approved request leads. */
const approvedRequest: Partial<Record<SubscriptionState, SubscriptionState>> = {
  none: 'from',
  'none+out': 'from+out',
  to: 'both',
}

/** Decides about a subscription stanza, given where the account stands with the contact. */
export function decide(
  direction: Direction,
  type: SubscriptionType,
  state: SubscriptionState,
  approved: boolean,
): Verdict {
  const stay: Verdict = { pass: false, next: state, approved, reply: false }
  if (direction === 'inbound' && type === 'subscribe') {
    // RFC 6121 §3.1.3: a contact who sees the presence already is told so again.
    if (state.startsWith('from') || state === 'both') return { ...stay, reply: true }
    // RFC 6121 §3.4.3: what was approved in advance is approved now.
    const next = approved ? approvedRequest[state] : undefined
    if (next !== undefined) return { ...stay, next, reply: true }
  }
  const cell = table[direction][type][state]
  if (direction === 'outbound') {
    // RFC 6121 §3.4.2: the approval of a request that has not come is remembered; Appendix A.2.4: or taken back.
    if (type === 'subscribed' && approvedRequest[state] !== undefined) return { ...stay, approved: true }
    if (type === 'unsubscribed') approved = false
  }
  if (cell === false) return { ...stay, approved }
  const [pass, next] = cell
  return { pass, next, approved, reply: false }
}
