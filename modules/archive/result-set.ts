import { type Element, StanzaError, xml } from '#api'
import { readId } from './ids.ts'

const NS_RSM = 'http://jabber.org/protocol/rsm'
/** How long a page is when nobody says. */
const USUAL_PAGE = 50
/** Greatest index a page may begin at: what is skipped is counted off one by one. */
const MAX_INDEX = 10_000

/** Which part of a result set is asked for (XEP-0059). */
export interface PageWish {
  /** How many messages at most; 0 asks for their number only (§2.7). */
  readonly max: number
  readonly after: number | undefined
  readonly before: number | undefined
  /** The last page (§2.5), or the one before `before`. */
  readonly backwards: boolean
  readonly index: number | undefined
}

/** A page of a result set, oldest first. */
export interface PageFacts {
  readonly first: number | undefined
  readonly last: number | undefined
  /** Where in the whole set the page begins, when that is known. */
  readonly index: number | undefined
  /** How many there are in the whole set, when that is known. */
  readonly count: number | undefined
}

/**
 * Reads `<set/>` of a query; without it, the first page is meant. `maxPage` bounds the length of a page unless
 * it is 0.
 *
 * @throws StanzaError `bad-request` for what is no number or contradicts itself, `item-not-found` for an id that no message
 * has ever had, `feature-not-implemented` for an index that is too great (XEP-0059 §2.6).
 */
export function readResultSet(query: Element, maxPage: number): PageWish {
  const set = query.getChild('set', NS_RSM)
  const text = (name: string): string | undefined => set?.getChildText(name) ?? undefined
  const max = readNumber(text('max'), 'max')
  const index = readNumber(text('index'), 'index')
  const after = text('after')
  const before = text('before')
  if (after !== undefined && before !== undefined)
    throw new StanzaError('bad-request', 'For what lies between two messages there are after-id and before-id.')
  if (index !== undefined && (after !== undefined || before !== undefined))
    throw new StanzaError('bad-request', 'A page begins at an index or at a message.')
  if (index !== undefined && index > MAX_INDEX)
    throw new StanzaError('feature-not-implemented', `Pages begin at an index of ${MAX_INDEX} at most.`)
  return {
    max: Math.min(max ?? USUAL_PAGE, maxPage === 0 ? Number.MAX_SAFE_INTEGER : maxPage),
    after: after === undefined ? undefined : knownId(after),
    // XEP-0059 §2.5: an empty one means the last page.
    before: before === undefined || before === '' ? undefined : knownId(before),
    backwards: before !== undefined,
    index,
  }
}

/** An id that a client has from us. @throws StanzaError `item-not-found` for one that it cannot have. */
export function knownId(text: string): number {
  const id = readId(text)
  if (id === undefined) throw unknownId()
  return id
}

/** XEP-0313 §4.1.3, §4.3.1: the archive has no message with an id that the request names. */
export function unknownId(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such message in the archive.')
}

function readNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,20}$/.test(text)) throw new StanzaError('bad-request', `${name} must be a whole number.`)
  return Number(text)
}

/** `<set/>` as it ends an answer. */
export function resultSetElement({ first, last, index, count }: PageFacts): Element {
  const set = xml('set', { xmlns: NS_RSM })
  if (first !== undefined && last !== undefined)
    set.append(
      xml('first', index === undefined ? null : { index: String(index) }, String(first)),
      xml('last', null, String(last)),
    )
  if (count !== undefined) set.append(xml('count', null, String(count)))
  return set
}
