import { type Element, xml } from '../xml/element.ts'
import { StanzaError } from './stanza-error.ts'

/** The namespace of lists in pages (XEP-0059). */
export const NS_RSM = 'http://jabber.org/protocol/rsm'

/** Which page of a list is asked for (XEP-0059), by the ids that the list gives its items. At most one place is given. */
export interface PageWish {
  /** How many items at most; 0 asks for their number only (§2.7). */
  readonly max: number
  /** The id of the item that the page follows. */
  readonly after?: string
  /** The id of the item that the page goes before; `''` for the last page (§2.5). */
  readonly before?: string
  /** How many items come before the page (§2.6). */
  readonly index?: number
}

/** What a list allows. */
export interface PageBounds {
  /** How long a page is when nobody says; as long as it may be unless given. */
  readonly usual?: number
  /** Greatest index that a page may begin at; pages begin at none unless given. */
  readonly maxIndex?: number
}

/**
 * Reads `<set/>` of a request; `undefined` when it has none. A page has `most` items at most, however many are wanted.
 *
 * @throws StanzaError `bad-request` for what is no number or contradicts itself, `feature-not-implemented` for an index
 * where there is none or one that is too great (§2.6).
 */
export function readPage(parent: Element, most: number, bounds: PageBounds = {}): PageWish | undefined {
  const set = parent.getChild('set', NS_RSM)
  if (set === undefined) return undefined
  const { usual = most, maxIndex } = bounds
  const text = (name: string): string | undefined => set.getChildText(name) ?? undefined
  const max = Math.min(readNumber(text('max'), 'max') ?? usual, most)
  const [after, before] = [text('after'), text('before')]
  const index = readNumber(text('index'), 'index')
  if ([after, before, index].filter((place) => place !== undefined).length > 1)
    throw new StanzaError('bad-request', 'A page begins after an item, ends before one, or begins at an index.')
  if (index !== undefined && maxIndex === undefined)
    throw new StanzaError('feature-not-implemented', 'Pages begin after an item, not at an index.')
  if (index !== undefined && index > maxIndex!)
    throw new StanzaError('feature-not-implemented', `Pages begin at an index of ${maxIndex} at most.`)
  return {
    max,
    ...(after !== undefined && { after }),
    ...(before !== undefined && { before }),
    ...(index !== undefined && { index }),
  }
}

function readNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,20}$/.test(text)) throw new StanzaError('bad-request', `${name} must be a whole number.`)
  return Number(text)
}

/** §2.2: the item is not there by which a page was asked for. */
export function noSuchPage(text = 'The page begins at no item of the list.'): StanzaError {
  return new StanzaError('item-not-found', text)
}

/**
 * `<set/>` as it ends an answer. `ids` are those of the page; `count` is how many items the whole list has and `index` how
 * many come before the page, when that is known.
 */
export function pageElement(ids: readonly string[], count?: number, index?: number): Element {
  const set = xml('set', { xmlns: NS_RSM })
  const [first, last] = [ids[0], ids.at(-1)]
  if (first !== undefined && last !== undefined)
    set.append(xml('first', index === undefined ? null : { index: String(index) }, first), xml('last', null, last))
  if (count !== undefined) set.append(xml('count', null, String(count)))
  return set
}
