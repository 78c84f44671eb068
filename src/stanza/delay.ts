import { type Element, xml } from '../xml/element.ts'
import { toDatetime } from './datetime.ts'

const NS_DELAY = 'urn:xmpp:delay'

/** The `<delay/>` that says when `from` first had a stanza (XEP-0203); `sinceMs` is in ms since the epoch. */
export function delayElement(from: string, sinceMs: number): Element {
  return xml('delay', { xmlns: NS_DELAY, from, stamp: toDatetime(sinceMs) })
}
