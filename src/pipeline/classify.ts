import { Jid, JidError } from '../jid/jid.ts'
import type { Session } from '../session/session.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import type { Element } from '../xml/element.ts'
import { StanzaEvent, type StanzaKind } from './stanza-event.ts'

const iqTypes = new Set(['get', 'set', 'result', 'error'])
const messageTypes = new Set(['chat', 'error', 'groupchat', 'headline', 'normal'])
const presenceTypes = new Set([
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unavailable',
  'unsubscribe',
  'unsubscribed',
])

/**
 * Checks the shape of a stanza a client sent, stamps its `from`, prepares its `to` and makes the event of it.
 *
 * @throws StanzaError `jid-malformed` (RFC 6120 §8.3.3.8) or `bad-request` for a type, id or child count that the
 * specification does not allow. The stanza then has its `from`, so that the answer finds its way.
 */
export function classify(stanza: Element, session: Session): StanzaEvent {
  const kind = stanza.name as StanzaKind
  // RFC 6120 §8.1.2.1: the full JID of the session; a foreign `from` has ended the stream before this.
  stanza.attrs['from'] = session.address
  const { to: text } = stanza.attrs
  const type = checkShape(stanza, kind)
  if (text === undefined)
    return new StanzaEvent(
      stanza,
      kind,
      type,
      session.jid,
      session.jid.bare,
      false,
      session,
      session.host,
      session.user,
    )
  const to = parseTo(text)
  if (to.toString() !== text) stanza.attrs['to'] = to.toString()
  return new StanzaEvent(stanza, kind, type, session.jid, to, true, session, session.host, session.user)
}

/** The address a stanza names; one that is none is refused with `jid-malformed`. */
export function parseTo(text: string): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}

/** The effective type of a stanza whose shape is right. */
export function checkShape(stanza: Element, kind: StanzaKind): string {
  const type = stanza.attrs['type']
  if (kind === 'message') {
    // RFC 6121 §5.2.2: an unknown or absent type is "normal".
    return type !== undefined && messageTypes.has(type) ? type : 'normal'
  }
  if (kind === 'presence') {
    // RFC 6121 §4.7.1: a value that is not defined is an error.
    if (type !== undefined && !presenceTypes.has(type))
      throw new StanzaError('bad-request', 'There is no such type of presence.')
    return type ?? ''
  }
  // RFC 6120 §8.2.3: `type` and `id` are required; a request has exactly one child, a result at most one.
  if (type === undefined || !iqTypes.has(type))
    throw new StanzaError('bad-request', 'The type of an IQ is get, set, result or error.')
  if (stanza.attrs['id'] === undefined) throw new StanzaError('bad-request', 'An IQ needs an id.')
  let elements = 0
  for (const child of stanza.children) if (typeof child !== 'string') elements++
  if ((type === 'get' || type === 'set') && elements !== 1)
    throw new StanzaError('bad-request', 'A request has exactly one child.')
  if (type === 'result' && elements > 1) throw new StanzaError('bad-request', 'A result has at most one child.')
  return type
}
