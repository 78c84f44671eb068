import { type Element, StanzaError, xml } from '#api'

/** The namespace of lists in pages (XEP-0059). */
export const NS_RSM = 'http://jabber.org/protocol/rsm'

/** Which page of a list is asked for (XEP-0059): by the ids that the list has given its items, such as addresses. */
export interface PageWish {
  /** How many items at most; 0 asks for their number only (§2.7). */
  readonly max: number
  readonly after: string | undefined
  /** The page that ends before this one; `''` for the last page (§2.5). */
  readonly before: string | undefined
}

/**
 * Reads `<set/>` of a request; `undefined` when it has none. A page has `most` items at most.
 *
 * @throws StanzaError `bad-request` for what is no number or contradicts itself, `feature-not-implemented` for an index (§2.6).
 */
export function readPage(query: Element, most: number): PageWish | undefined {
  const set = query.getChild('set', NS_RSM)
  if (set === undefined) return undefined
  const text = (name: string): string | undefined => set.getChildText(name) ?? undefined
  if (text('index') !== undefined)
    throw new StanzaError('feature-not-implemented', 'Pages begin after an item, not at an index.')
  const after = text('after')
  const before = text('before')
  if (after !== undefined && before !== undefined)
    throw new StanzaError('bad-request', 'A page begins after an item or ends before one.')
  return { max: Math.min(readMax(text('max')) ?? most, most), after, before }
}

function readMax(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) throw new StanzaError('bad-request', 'max must be a whole number.')
  return Number(text)
}

/** `<set/>` as it ends an answer; `ids` are those of the page. */
export function pageElement(ids: readonly string[], count?: number): Element {
  const set = xml('set', { xmlns: NS_RSM })
  const [first, last] = [ids[0], ids.at(-1)]
  if (first !== undefined && last !== undefined) set.append(xml('first', null, first), xml('last', null, last))
  if (count !== undefined) set.append(xml('count', null, String(count)))
  return set
}
