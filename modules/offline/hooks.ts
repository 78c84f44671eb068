import { defineQuestion, type Element, type Session } from '#api'

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
