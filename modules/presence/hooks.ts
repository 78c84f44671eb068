import { defineNotice, defineQuestion, type Jid, type Session } from '#api'

/**
 * A session has announced itself (its initial presence is processed, RFC 6121 §4.2), or has risen from a negative
 * priority: look at `session.priority` when only what takes messages for the account matters.
 */
export const sessionAvailable = defineNotice<Session>(
  'presence/session-available',
  'A session has announced itself, or has risen from a negative priority.',
)

/** A session that was available is so no more: it said so, or it is over (RFC 6121 §4.5). */
export const sessionUnavailable = defineNotice<Session>(
  'presence/session-unavailable',
  'A session that was available is so no more: it said so, or it is over.',
)

/** Presence that the server is about to hand from one account to another, past the flows. */
export interface PresencePath {
  /** The session whose presence it is, or the bare JID of a contact whose stored request is about to be delivered. */
  readonly from: Jid
  /** The bare JID of the account that would get it. */
  readonly to: Jid
}

/**
 * Broadcasts and answers to probes go straight to local sessions, serialised once: no flow runs for each recipient.
 * Whoever keeps two accounts apart, as a block list does, answers true here.
 */
export const presenceWithheld = defineQuestion<PresencePath, boolean>(
  'presence/withheld',
  false,
  'Must a broadcast or an answer to a probe not reach this account?',
)
