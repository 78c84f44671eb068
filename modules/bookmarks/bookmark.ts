import { type Element, Jid, readBoolean, StanzaError, serialize, xml } from '#api'
import { MAX_NAME_BYTES } from '../pubsub/index.ts'

/** The node of bookmarks, one item a room, and the namespace of its payloads (XEP-0402 §3). */
export const NODE = 'urn:xmpp:bookmarks:1'
/** The older form, all in one element: its namespace, and the name of its node (XEP-0048 §2, §3). */
export const NS_STORAGE = 'storage:bookmarks'

/** Children of a bookmark in the older form that mean the same in the newer one, and what holds all others there. */
const KNOWN = ['nick', 'password', 'extensions']

/** Bookmarks by the address of the room: `<conference/>` elements as they are at the node. */
export type Rooms = ReadonlyMap<string, Element>

/** The bare JID of a room that a text stands for; `undefined` when it stands for none. */
export function roomOf(text: string | undefined): string | undefined {
  const jid = Jid.tryParse(text ?? '')
  if (jid === undefined || jid.local === '' || !jid.isBare) return undefined
  return Buffer.byteLength(jid.toString()) <= MAX_NAME_BYTES ? jid.toString() : undefined
}

/**
 * Lets only bookmarks be published (XEP-0402 §3).
 *
 * @throws StanzaError `not-acceptable` that says what is wrong.
 */
export function checkBookmark(id: string, payload: Element | undefined, maxSize: number): void {
  if (payload === undefined || !payload.is('conference', NODE))
    throw new StanzaError('not-acceptable', `A bookmark is <conference/> of the namespace ${NODE}.`)
  if (roomOf(id) === undefined)
    throw new StanzaError('not-acceptable', 'The id of a bookmark is the address of its room.')
  if (isTooLarge(payload, maxSize)) throw new StanzaError('not-acceptable', `A bookmark has at most ${maxSize} bytes.`)
}

function isTooLarge(element: Element, maxSize: number): boolean {
  return maxSize > 0 && Buffer.byteLength(serialize(element)) > maxSize
}

/** What an older client has written, or is to read: bookmarks, and what only its form can hold. */
export class OldForm {
  readonly #storage: Element | undefined
  readonly #maxSize: number

  /** Entries of more than `maxSize` bytes count as something that only this form can hold; 0 is no limit. */
  constructor(storage: Element | undefined, maxSize: number) {
    this.#storage = storage
    this.#maxSize = maxSize
  }

  /** The bookmarks by address, the last one of each room; `known` are the addresses that are spelled like nobody else does. */
  entries(known: Rooms): Map<string, Element> {
    const entries = new Map<string, Element>()
    for (const child of this.#children()) {
      const room = this.#room(child, known)
      if (room !== undefined) entries.set(room, child)
    }
    return entries
  }

  /** What is there that is no bookmark: links, and entries that name no room. */
  others(known: Rooms): Element[] {
    return this.#children().filter((child) => this.#room(child, known) === undefined)
  }

  /**
   * This form with the bookmarks as they are now: each where it was, new ones at the end, and all the rest as it was. `more`
   * is something else that only this form can hold.
   */
  with(rooms: Rooms, more: readonly Element[] = []): Element {
    const left = new Map(rooms)
    const children: Element[] = []
    for (const child of this.#children()) {
      const room = this.#room(child, rooms)
      const conference = room === undefined ? undefined : left.get(room)
      if (room === undefined) children.push(copy(child))
      else if (conference !== undefined) children.push(toOld(room, conference))
      if (room !== undefined) left.delete(room)
    }
    for (const [room, conference] of left) children.push(toOld(room, conference))
    const texts = new Set(children.map(serialize))
    for (const child of more) if (!texts.has(serialize(child))) children.push(copy(child))
    return xml('storage', { ...this.#storage?.attrs, xmlns: NS_STORAGE }, ...children)
  }

  #children(): Element[] {
    return this.#storage?.getChildElements() ?? []
  }

  #room(child: Element, known: Rooms): string | undefined {
    if (child.name !== 'conference' || (child.attrs['xmlns'] ?? NS_STORAGE) !== NS_STORAGE) return undefined
    const text = child.attrs['jid']
    if (text !== undefined && known.has(text)) return text
    const room = roomOf(text)
    return room === undefined || isTooLarge(child, this.#maxSize) ? undefined : room
  }
}

/** A bookmark as older clients see it (XEP-0402 §5.3.1). */
function toOld(room: string, conference: Element): Element {
  const { xmlns, ...attrs } = conference.attrs
  const extensions = conference.getChild('extensions', NODE)
  const [own, foreign] = split(extensions?.getChildElements() ?? [])
  const children = ['nick', 'password'].flatMap((name) => conference.getChildren(name, NODE).slice(0, 1).map(copy))
  if (foreign.length > 0) children.push(xml('extensions', null, ...foreign.map((child) => copy(child))))
  for (const child of own) {
    const { xmlns, ...others } = child.attrs
    children.push(xml(child.name, others, ...copy(child).children))
  }
  return xml('conference', { ...attrs, jid: room }, ...children)
}

/** Extensions that were the older form's own children before, and those that are extensions there as well. */
function split(extensions: readonly Element[]): [Element[], Element[]] {
  const isOwn = (child: Element) => child.attrs['xmlns'] === NS_STORAGE && !KNOWN.includes(child.name)
  return [extensions.filter(isOwn), extensions.filter((child) => !isOwn(child))]
}

/**
 * A bookmark as it is at the node after an older client has written `entry`; `undefined` when that changes nothing. What
 * older clients do not know stays: extensions can be replaced by them, not removed.
 */
export function merged(current: Element | undefined, entry: Element): Element | undefined {
  const { jid, xmlns, name, autojoin, ...rest } = entry.attrs
  const { xmlns: _, name: __, autojoin: spelled, ...kept } = current?.attrs ?? {}
  const isSame = current !== undefined && isTrue(spelled) === isTrue(autojoin)
  const attrs = { xmlns: NODE, name, autojoin: isSame ? spelled : autojoin, ...kept, ...rest }
  const next = xml('conference', attrs, ...['nick', 'password'].map((child) => textChild(entry, child)))
  for (const child of current?.getChildElements() ?? [])
    if (!KNOWN.includes(child.name) || !child.is(child.name, NODE)) next.append(copy(child))
  const extensions = mergedExtensions(current, entry)
  if (extensions.length > 0 || current?.getChild('extensions', NODE) !== undefined)
    next.append(xml('extensions', null, ...extensions))
  return current !== undefined && meaningOf(current) === meaningOf(next) ? undefined : next
}

function textChild(entry: Element, name: string): Element | undefined {
  const text = entry.getChildText(name, NS_STORAGE) ?? ''
  return text === '' ? undefined : xml(name, null, text)
}

function mergedExtensions(current: Element | undefined, entry: Element): Element[] {
  const written: Element[] = []
  for (const child of entry.getChildElements()) {
    const isOwn = (child.attrs['xmlns'] ?? NS_STORAGE) === NS_STORAGE
    if (isOwn && child.name === 'extensions') written.push(...child.getChildElements().map(named))
    else if (!isOwn || !KNOWN.includes(child.name)) written.push(named(child))
  }
  const isWritten = new Set(written.map(kindOf))
  const before = current?.getChild('extensions', NODE)?.getChildElements() ?? []
  return [...before.filter((child) => !isWritten.has(kindOf(child))).map((child) => copy(child)), ...written]
}

/** A copy of an element of the older form that says its namespace wherever it stands. */
function named(child: Element): Element {
  const own = copy(child)
  own.attrs['xmlns'] ??= NS_STORAGE
  return own
}

/** An element of its own, with all that is in it: what is appended elsewhere is no child of its former parent. */
function copy({ name, attrs, children }: Element): Element {
  return xml(name, { ...attrs }, ...children.map((child) => (typeof child === 'string' ? child : copy(child))))
}

function kindOf(child: Element): string {
  return `${child.attrs['xmlns'] ?? ''} ${child.name}`
}

function isTrue(text: string | undefined): boolean {
  return readBoolean(text) === true
}

/** A text that is equal for bookmarks that say the same. */
function meaningOf(conference: Element): string {
  const { xmlns, autojoin, ...attrs } = conference.attrs
  const said = Object.entries(attrs).filter(([, value]) => value !== undefined)
  const rest = conference.getChildElements().flatMap((child) => {
    if (!child.is(child.name, NODE)) return serialize(child)
    if (child.name === 'extensions') return child.getChildElements().map(serialize)
    return child.getText() === '' && child.children.length === 0 ? [] : serialize(child)
  })
  return JSON.stringify([isTrue(autojoin), said.sort(), rest.sort()])
}
