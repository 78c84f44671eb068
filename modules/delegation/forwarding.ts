import { Element, type Host, type IqHandler, Jid, type ReadonlyElement, StanzaError, xml } from '#api'
import { NS_DELEGATION } from './grants.ts'

const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_CLIENT = 'jabber:client'

/**
 * Has a component answer a request (XEP-0355 §4.3): what comes back is the payload of a result, or `service-unavailable`
 * when the component is away, refuses, or says what does not answer this request.
 */
export function answeredBy(domain: string, host: Host, timeoutMs: number): IqHandler {
  return async (_query, { stanza }) => {
    const forwarded = xml('forwarded', { xmlns: NS_FORWARD }, within(stanza))
    const delegation = xml('delegation', { xmlns: NS_DELEGATION }, forwarded)
    const answer = await host.request(xml('iq', { type: 'set', from: host.domain, to: domain }, delegation), timeoutMs)
    const result = resultIn(answer, stanza)
    if (result === undefined) throw new StanzaError('service-unavailable')
    return result.payload
  }
}

/** A stanza of a stream as it stands inside another one. */
function within(stanza: Element): Element {
  const inner = new Element(stanza.name, { ...stanza.attrs, xmlns: NS_CLIENT })
  inner.children = [...stanza.children]
  return inner
}

/** The payload a component answers with; `undefined` when it is no result, or not that of this very request. */
export function resultIn(
  answer: Element,
  asked: Pick<ReadonlyElement, 'attrs'>,
): { readonly payload: Element | undefined } | undefined {
  if (answer.attrs['type'] !== 'result') return undefined
  const inner = answer
    .getChild('delegation', NS_DELEGATION)
    ?.getChild('forwarded', NS_FORWARD)
    ?.getChild('iq', NS_CLIENT)
  if (inner === undefined) return undefined
  const { id, type, to, from } = inner.attrs
  if (type !== 'result' || id !== asked.attrs['id'] || !isSame(to, asked.attrs['from'])) return undefined
  // The examples of §4.3 and §7.2 leave `from` out: it is ours to say anyway.
  if (from !== undefined && !isSame(from, asked.attrs['to'] ?? bareOf(asked.attrs['from']))) return undefined
  const payload = inner.getChildElements()
  return payload.length > 1 ? undefined : { payload: payload[0] }
}

function isSame(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false
  if (one === other) return true
  const [left, right] = [Jid.tryParse(one), Jid.tryParse(other)]
  return left !== undefined && right !== undefined && left.equals(right)
}

function bareOf(address: string | undefined): string | undefined {
  return address?.replace(/\/.*$/s, '')
}
