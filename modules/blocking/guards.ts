import { drop, type Host, type Jid, type Passing, type Sealed, StanzaError, xml } from '#api'
import type { PresencePath } from '../presence/hooks.ts'
import type { BlockList } from './block-list.ts'
import type { BlockLists } from './block-lists.ts'

/** The namespace of block lists (XEP-0191). */
export const NS = 'urn:xmpp:blocking'
const NS_ERRORS = 'urn:xmpp:blocking:errors'

type Guard = (event: Sealed) => void | Promise<void>

/**
 * Keeps stanzas of a blocked address from an account (XEP-0191 §3.3). To their sender the account looks offline: presence
 * ends in silence, all else that may be answered gets `service-unavailable`. `refused` counts what was kept away.
 */
export function guardArriving(host: Host, lists: BlockLists, refused: { value: number } = { value: 0 }): Guard {
  return (event) => {
    const { from, to } = event
    if (to.local === '' || isTrusted(host, to, from) || isForNobody(event)) return
    return decide(lists.of(to), (list) => {
      if (!list.blocks(from)) return
      refused.value++
      // A room that hears errors for what it says takes its occupant for gone, who only wants to hear nothing of another.
      if (event.kind === 'presence' || event.type === 'groupchat') throw drop
      // XEP-0191 §3.3: the results and errors of IQs end here too: nothing answers them.
      throw new StanzaError('service-unavailable')
    })
  }
}

/** Nobody but the server tells a client that its list has changed (as with rosters, CVE-2015-8688). */
export function refusePush({ type, to, stanza }: Sealed): void {
  if (type !== 'set' || to.local === '' || to.resource === '') return
  if (stanza.getChild('block', NS) !== undefined || stanza.getChild('unblock', NS) !== undefined)
    throw new StanzaError('service-unavailable')
}

/** Keeps an account from writing to an address it has blocked (XEP-0191 §3.3). */
export function guardLeaving(host: Host, lists: BlockLists): Guard {
  return ({ from, to, directed }) => {
    if (!directed || isTrusted(host, from, to)) return
    return decide(lists.of(from), (list) => {
      if (list.blocks(to)) throw blockedError()
    })
  }
}

/**
 * Whether presence that goes past the flows must not go from one account to another: one of them blocks the other. A list
 * that is not in memory withholds: its account is only being loaded, so that there is nobody to see or be seen.
 */
export function isPresenceWithheld(host: Host, lists: BlockLists, { from, to }: PresencePath): boolean {
  return blocksNow(host, lists, from, to) || blocksNow(host, lists, to, from)
}

/** Whether an account that a stanza reaches past the flows blocks its sender. */
export function isBlocked(host: Host, lists: BlockLists, { session, from }: Passing): boolean {
  const { user } = session
  return !isTrusted(host, user.jid, from) && (lists.resident(user)?.blocks(from) ?? true)
}

function blocksNow(host: Host, lists: BlockLists, account: Jid, other: Jid): boolean {
  if (account.domain !== host.domain || isTrusted(host, account, other)) return false
  const user = host.user(account)
  return user !== undefined && (lists.resident(user)?.blocks(other) ?? true)
}

function blockedError(): StanzaError {
  const app = xml('blocked', { xmlns: NS_ERRORS })
  return new StanzaError('not-acceptable', 'You have blocked this address.', { type: 'cancel', app })
}

/** Whom nobody can block: one's own resources (XEP-0191 §5, note) and the server that serves the account. */
function isTrusted(host: Host, account: Jid, other: Jid): boolean {
  return other.bare.equals(account.bare) || (other.local === '' && other.domain === host.domain)
}

/** Presence that tells of its sender and finds nobody costs no look-up: it goes nowhere. */
function isForNobody({ kind, type, user }: Sealed): boolean {
  return kind === 'presence' && user === undefined && (type === '' || type === 'unavailable' || type === 'error')
}

/** Decides at once when the list is at hand. */
function decide(list: BlockList | Promise<BlockList>, look: (list: BlockList) => void): void | Promise<void> {
  return list instanceof Promise ? list.then(look) : look(list)
}
