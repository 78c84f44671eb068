import { type Element, xml } from '../xml/element.ts'
import { toDatetime } from './datetime.ts'

const NS_DELAY = 'urn:xmpp:delay'

/** The `<delay/>` that says when `from` first had a stanza (XEP-0203); `sinceMs` is in ms since the epoch. */
export function delayElement(from: string, sinceMs: number): Element {
  return xml('delay', { xmlns: NS_DELAY, from, stamp: toDatetime(sinceMs) })
}

/**
 * Says in a stanza that `from`, a domain of this server, first had it at `sinceMs`, ms since the epoch (XEP-0203 §4): what it
 * said before, or somebody else in its name, is taken out.
 */
export function setDelay(stanza: Element, from: string, sinceMs: number): void {
  for (const delay of stanza.getChildren('delay', NS_DELAY)) if (delay.attrs['from'] === from) stanza.remove(delay)
  stanza.append(delayElement(from, sinceMs))
}
