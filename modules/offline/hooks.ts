import { defineQuestion, type Element, type Jid, type Session } from '#api'

/** A message that waits, about to be handed to a session. */
export interface WaitingMessage {
  readonly session: Session
  /** The message as it came, without the delay the session would get. To be looked at only. */
  readonly stanza: Element
}

/**
 * Asked as a message that waited is about to be delivered. Whoever says yes, such as an archive, is where the client of
 * this session fetches it: then it is not sent, and waits no longer.
 */
export const keptElsewhere = defineQuestion<WaitingMessage, boolean>(
  'offline/kept-elsewhere',
  false,
  'Does the client of this session fetch this message from somewhere else?',
)

/** What the offline store offers to modules with messages that never come to an account of themselves, such as rooms. */
export interface OfflineApi {
  /**
   * Keeps a message for an account of this host, whatever it is, until somebody logs in. False when the account has too many
   * already; rejects with `StanzaError` when the store is out of reach.
   */
  keep(account: Jid, message: Element): Promise<boolean>
}
