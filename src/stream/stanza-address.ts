import { Jid } from '../jid/jid.ts'
import type { Session } from '../session/session.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Element } from '../xml/element.ts'

/** Whether an address is an account's, and, of its full addresses, that of the resource bound, if one is. */
export function isOwnAddress(text: string, account: Jid, resource: string | undefined): boolean {
  try {
    const jid = Jid.parse(text)
    return jid.bare.equals(account) && (jid.resource === '' || resource === undefined || jid.resource === resource)
  } catch {
    return false
  }
}

/** Why something that a session's client says is no stanza of its own, which ends its stream. */
export function stanzaFault({ name, attrs }: Element, session: Session, account: Jid): StreamError | undefined {
  // RFC 6120 §4.9.3.24: neither a stanza nor anything else this stream speaks.
  if (attrs['xmlns'] !== undefined || (name !== 'message' && name !== 'presence' && name !== 'iq'))
    return new StreamError('unsupported-stanza-type', `There is no <${name}/> here.`)
  const { from } = attrs
  // RFC 6120 §8.1.2.1: a `from` that is not the client's own ends the stream.
  if (from !== undefined && from !== session.address && !isOwnAddress(from, account, session.jid.resource))
    return new StreamError('invalid-from', 'A stanza came from an address that is not yours.')
  return undefined
}

/** RFC 6120 §10.1: what is for an account stays in order, whichever of its resources it names. */
export function accountOf(to: string | undefined): string | undefined {
  const slash = to === undefined ? -1 : to.indexOf('/')
  return slash < 0 ? to : to!.slice(0, slash)
}
