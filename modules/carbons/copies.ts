import {
  asJson,
  defineSlot,
  type Element,
  Jid,
  Lru,
  messageTakers,
  ownText,
  type Sealed,
  type Session,
  type User,
  type Wire,
} from '#api'
import { receivedCarbon, sentCarbon } from './carbon.ts'
import { sentCopyExtra } from './hooks.ts'
import { type Circumstances, shouldCopy } from './should-copy.ts'

/** How many copied messages of an account are remembered for the errors that may answer them; older ones are forgotten. */
const REMEMBERED = 100
/** Messages whose ids are longer, in characters, are not remembered. */
const MAX_ID = 128

/** Whether a client wants copies. */
const enabledSlot = defineSlot<boolean>('carbons/enabled', () => false, asJson)
/** The messages of an account that were copied last, by peer and id. */
const copiedSlot = defineSlot<Lru<string, true> | undefined>('carbons/copied', () => undefined)

/** Turns copies to a client on or off; as often as it likes (XEP-0280 §10.1). */
export function setCarbons(session: Session, enabled: boolean): void {
  session.slots.set(enabledSlot, enabled)
}

/** Copies a message to the clients of its addressee that want copies and do not get it itself (XEP-0280 §7). */
export function copyReceived(event: Sealed): void {
  const { user, from, origin } = event
  if (user === undefined || !hasEnabled(user)) return
  if (!shouldCopy(event.stanza, circumstances(event, 'received', user, from)).copy) return
  const takers = messageTakers(event)
  let wire: Wire | undefined
  for (const session of user.sessions.values()) {
    // Whoever writes to their own account has the message already.
    if (!session.slots.get(enabledSlot) || session === origin || takers.includes(session)) continue
    wire ??= receivedCarbon(user.jid, event.stanza)
    // When nobody gets the message itself it is stored or refused; its outcome does not depend on the copies then.
    if (takers.length > 0) session.deliver(event, wire)
    else session.sendHere(wire)
  }
  if (wire !== undefined) remember(user, from, event)
}

/** Copies a message to the other clients of its sender (XEP-0280 §8). */
export function copySent(event: Sealed): void {
  const { origin, to } = event
  if (origin === null) return
  const { user } = origin
  // To oneself: who has not sent it gets it as received, and nobody gets it twice.
  if (to.bare.equals(user.jid) || !hasEnabled(user)) return
  if (!shouldCopy(event.stanza, circumstances(event, 'sent', user, to)).copy) return
  let wire: Wire | undefined
  for (const session of user.sessions.values()) {
    if (!session.slots.get(enabledSlot) || session === origin) continue
    wire ??= sentCarbon(user.jid, event.stanza, to, event.host.hooks.ask(sentCopyExtra, event))
    session.sendHere(wire)
  }
  if (wire !== undefined) remember(user, to, event)
}

/** Copies the server's own error for a message to the other clients that had a copy of it (XEP-0280 §6.1, §10.3). */
export function copyRefusal(session: Session, error: Element): void {
  const { user } = session
  if (!hasEnabled(user) || !wasCopied(user, Jid.parse(error.attrs['from'] ?? ''), error.attrs['id'])) return
  const wire = receivedCarbon(user.jid, error)
  for (const other of user.sessions.values())
    if (other !== session && other.slots.get(enabledSlot)) other.sendHere(wire)
}

function hasEnabled(user: User): boolean {
  for (const session of user.sessions.values()) if (session.slots.get(enabledSlot)) return true
  return false
}

function circumstances({ type, stanza }: Sealed, side: Circumstances['side'], user: User, peer: Jid): Circumstances {
  const answersCopied = type === 'error' && wasCopied(user, peer, stanza.attrs['id'])
  return { type, side, isPeerFull: peer.resource !== '', answersCopied }
}

function wasCopied(user: User, peer: Jid, id: string | undefined): boolean {
  return id !== undefined && user.slots.get(copiedSlot)?.get(keyOf(peer, id)) === true
}

/** XEP-0280 §6.1, §10.3: the error to a message is copied to whom the message was, whatever it quotes. */
function remember(user: User, peer: Jid, { stanza }: Sealed): void {
  const { id } = stanza.attrs
  if (id === undefined || id.length > MAX_ID) return
  const copied = user.slots.get(copiedSlot) ?? new Lru<string, true>(REMEMBERED)
  copied.set(keyOf(peer, ownText(id)), true)
  user.slots.set(copiedSlot, copied)
}

function keyOf(peer: Jid, id: string): string {
  return `${peer.bare} ${id}`
}
