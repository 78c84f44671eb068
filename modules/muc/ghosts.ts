import type { ReadonlyElement } from '#api'
import type { Seat } from './occupant.ts'

/** Errors by which a client, or its server, says that it is not there (XEP-0045 §18.1.2). */
const always = [
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
]
/** Those that mean the same when a server elsewhere says it; a client here may only not want something. */
const elsewhere = ['jid-malformed', 'service-unavailable']

/** Whether an error from a client in a room says that it is there no more. */
export function isGone(stanza: ReadonlyElement, { session }: Pick<Seat, 'session'>): boolean {
  const error = stanza.getChild('error')
  const has = (condition: string) => error?.getChild(condition, 'urn:ietf:params:xml:ns:xmpp-stanzas') !== undefined
  return always.some(has) || (session === undefined && elsewhere.some(has))
}
