import { type Element, xml } from '../xml/element.ts'
import type { StanzaError } from './stanza-error.ts'

/** The result that answers an IQ request (RFC 6120 §8.2.3), addressed back to its sender. */
export function resultOf(iq: Pick<Element, 'name' | 'attrs'>, payload?: Element): Element {
  const reply = xml('iq', { type: 'result', id: iq.attrs['id'], from: iq.attrs['to'], to: iq.attrs['from'] })
  if (payload) reply.append(payload)
  return reply
}

/** Whether a stanza may be answered with an error: an error, and the result of an IQ, never are (RFC 6120 §8.3.1). */
export function mayBounce(stanza: Pick<Element, 'name' | 'attrs'>): boolean {
  const type = stanza.attrs['type']
  return type !== 'error' && !(stanza.name === 'iq' && type === 'result')
}

/** The error that answers a stanza (RFC 6120 §8.3), addressed back to its sender; call {@link mayBounce} first. */
export function errorOf(stanza: Pick<Element, 'name' | 'attrs'>, error: StanzaError): Element {
  const { id, to, from } = stanza.attrs
  return xml(stanza.name, { type: 'error', id, from: to, to: from }, error.extra?.payload, error.toElement())
}
