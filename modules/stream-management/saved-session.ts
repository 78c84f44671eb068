import { type Handover, parseDocument, randomId, type Session, serialize } from '#api'
import type { Resumption } from './resumptions.ts'
import type { SavedSession, SavedStanza } from './store.ts'
import type { Entry } from './unacknowledged.ts'

/** What is kept of a session over a restart, beside its count and what was not acknowledged. */
export interface SessionState {
  readonly resource: string
  readonly acknowledged: number
  readonly presence: string | null
  readonly priority: number | null
  readonly slots: Readonly<Record<string, unknown>>
  readonly maxMs: number
  readonly untilMs: number
  /** Since when it rests, ms since the epoch. */
  readonly sinceMs: number
}

/** A session that rests, as it is saved. `shared` names the outcomes that several sessions share. */
export function toSaved(
  { hash, ledger, maxMs, untilMs }: Resumption,
  shared: Map<Handover, string>,
): { session: SavedSession; stanzas: SavedStanza[] } {
  const { session, handled } = ledger
  const state: SessionState = {
    resource: session.jid.resource,
    acknowledged: ledger.acknowledgedCount,
    presence: session.presence && serialize(session.presence),
    priority: session.priority,
    slots: session.slots.save(),
    maxMs,
    untilMs,
    sinceMs: session.restingSinceMs ?? untilMs - maxMs,
  }
  return {
    session: { hash, local: session.user.jid.local, handled, state: JSON.stringify(state) },
    stanzas: Array.from(ledger.entries(), (entry) => toStanza(entry, shared)),
  }
}

function toStanza({ text, handover }: Entry, shared: Map<Handover, string>): SavedStanza {
  // Nobody is owed anything any more for what somebody has.
  if (handover === undefined || handover.reached) return { stanza: text, handover: null, sinceMs: null, owed: null }
  const name = shared.get(handover) ?? randomId()
  shared.set(handover, name)
  const owed = handover.text === text ? null : handover.text
  return { stanza: text, handover: name, sinceMs: handover.sinceMs, owed }
}

/** Puts what was saved back into a session. */
export function fill(session: Session, { presence, priority, slots }: SessionState): void {
  session.presence = presence === null ? null : parseDocument(presence)
  session.priority = priority
  session.slots.restore(slots)
}
