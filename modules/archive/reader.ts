import { type Element, pageElement, StanzaError, serialize, toDatetime, xml } from '#api'
import type { Asker, View } from './asker.ts'
import { timeOf, unknownId } from './ids.ts'
import type { Filter, KeptMessage, Page, PageRequest } from './message.ts'
import { type ArchivePage, type ArchiveQuery, NS_MAM } from './query.ts'
import type { ArchiveStore } from './store.ts'

/** Messages read from the store at a time. */
const LOT = 100
/** Characters of stanzas past which a page ends early: it is in memory as a whole, until the client has acknowledged it. */
const PAGE_CHARACTERS = 1 << 22
/** Up to so many messages a page says how many there are in all; counting more would cost more than the page (XEP-0059 §2.2). */
const COUNTED = 250
/** Characters handed to a stream before it is waited for. */
const SENT_AT_ONCE = 1 << 17
const BEING_READIED = 'Your messages are being made ready for searches. Search again in a minute.'

/** Answers what is asked of archives. */
export class ArchiveReader {
  readonly #store: ArchiveStore
  readonly #prepare: (owner: string) => Promise<boolean>

  /** `prepare` readies an archive for a search, and resolves with false when that takes too long. */
  constructor(store: ArchiveStore, prepare: (owner: string) => Promise<boolean>) {
    this.#store = store
    this.#prepare = prepare
  }

  /**
   * Sends the messages of an archive that somebody asks for, in order, and resolves with the `<fin/>` that ends them
   * (XEP-0313 §4). Whether the asker may see them is decided before; `view` shows each of them.
   *
   * @throws StanzaError `item-not-found` when the archive lacks a message that the query names, `resource-constraint` when it
   * is still being made ready for searches, `recipient-unavailable` when nobody is there any more to hear the answer.
   */
  async answer(owner: string, asker: Asker, query: ArchiveQuery, view: View = asKept): Promise<Element> {
    // A client that reads nothing may have asked for much before it was dropped.
    if (!asker.live) throw new StanzaError('recipient-unavailable')
    const { filter, page: wish } = query
    for (const id of query.named) if (!(await this.#store.has(owner, id))) throw unknownId()
    if (query.ids !== undefined) return await this.#answerIds(owner, asker, query, query.ids, view)
    if (filter.words !== undefined && !(await this.#prepare(owner)))
      throw new StanzaError('resource-constraint', BEING_READIED, { type: 'wait' })
    // XEP-0059 §2.7
    if (wish.max === 0)
      return fin({ messages: [], complete: false }, undefined, await this.#store.count(owner, filter, 0))
    const page = await this.#collect(owner, filter, wish)
    const count = await this.#count(owner, filter, wish, page)
    await send(owner, asker, query, page.messages, view)
    return fin(page, indexOf(wish, page, count), count)
  }

  /** The ends of an archive, or of what is in it from an id on (XEP-0313 §5). */
  async metadata(owner: string, fromId = 0): Promise<Element> {
    const ends = await this.#store.ends(owner, fromId)
    const metadata = xml('metadata', { xmlns: NS_MAM })
    if (ends !== undefined) metadata.append(endElement('start', ends.first), endElement('end', ends.last))
    return metadata
  }

  async #answerIds(owner: string, asker: Asker, query: ArchiveQuery, ids: readonly number[], view: View) {
    const kept = await this.#store.get(owner, ids)
    if (kept.length < ids.length) throw unknownId()
    const { fromId = 0, toId = Number.MAX_SAFE_INTEGER } = query.filter
    const all = kept.filter(({ id }) => id >= fromId && id <= toId)
    const { max, index } = query.page
    const page = cut(all, query.page)
    if (max === 0) return fin({ messages: [], complete: false }, undefined, all.length)
    await send(owner, asker, query, page.messages, view)
    const first = page.messages[0]
    return fin(page, first === undefined ? index : all.indexOf(first), all.length)
  }

  /** Reads a page in lots, so that a long one leaves others their turn, and ends early when it becomes too large. */
  async #collect(owner: string, filter: Filter, wish: ArchivePage): Promise<Page> {
    let messages: readonly KeptMessage[] = []
    for (let characters = 0; ; ) {
      const limit = Math.min(LOT, wish.max - messages.length)
      const lot = await this.#store.page(owner, filter, requestOf(wish, messages, limit))
      const taken = fitting(lot.messages, wish, PAGE_CHARACTERS - characters)
      messages = wish.backwards ? [...taken, ...messages] : [...messages, ...taken]
      for (const { stanza } of taken) characters += stanza.length
      if (taken.length < lot.messages.length) return { messages, complete: false }
      if (lot.complete) return { messages, complete: true }
      if (messages.length >= wish.max || characters >= PAGE_CHARACTERS) return { messages, complete: false }
    }
  }

  /** How many messages there are in the whole set, when they are few enough to be counted for each page. */
  async #count(owner: string, filter: Filter, wish: ArchivePage, page: Page): Promise<number | undefined> {
    const isWhole = wish.after === undefined && wish.before === undefined && !wish.index
    if (isWhole && page.complete) return page.messages.length
    const count = await this.#store.count(owner, filter, COUNTED + 1)
    return count > COUNTED ? undefined : count
  }
}

/** What to ask the store for when these messages of the page are there. */
function requestOf(wish: ArchivePage, sofar: readonly KeptMessage[], limit: number): PageRequest {
  if (wish.backwards) {
    const before = sofar[0]?.id ?? wish.before
    return before === undefined ? { limit, last: true } : { limit, last: true, before }
  }
  const after = sofar.at(-1)?.id ?? wish.after
  if (after !== undefined) return { limit, after }
  return wish.index === undefined ? { limit } : { limit, skip: wish.index }
}

/** A page of messages that are at hand, ascending. */
function cut(all: readonly KeptMessage[], { max, after, before, backwards, index = 0 }: ArchivePage): Page {
  const matching = all.filter(({ id }) => id > (after ?? -1) && id < (before ?? Number.POSITIVE_INFINITY)).slice(index)
  const page = backwards ? matching.slice(Math.max(0, matching.length - max)) : matching.slice(0, max)
  const messages = fitting(page, { backwards }, PAGE_CHARACTERS)
  return { messages, complete: messages.length === matching.length }
}

/** The messages up to the one that exceeds so many characters, from where the page begins. */
function fitting(messages: readonly KeptMessage[], { backwards }: Pick<ArchivePage, 'backwards'>, characters: number) {
  let taken = 0
  for (let left = characters; taken < messages.length && left > 0; taken++)
    left -= messages.at(backwards ? -1 - taken : taken)!.stanza.length
  return backwards ? messages.slice(messages.length - taken) : messages.slice(0, taken)
}

/** Where a page begins in the whole set, when that costs nothing to know (XEP-0059 §2.2). */
function indexOf(wish: ArchivePage, { messages, complete }: Page, count: number | undefined): number | undefined {
  if (wish.index !== undefined) return wish.index
  // COMPAT(slixmpp, poezio): they end where index and length make up the count, also when they read backwards.
  if (wish.backwards) return complete ? 0 : undefined
  if (wish.after === undefined) return 0
  return complete && count !== undefined ? count - messages.length : undefined
}

function fin({ messages, complete }: Page, index: number | undefined, count: number | undefined): Element {
  const ends = messages.length === 0 ? [] : [String(messages[0]!.id), String(messages.at(-1)!.id)]
  // XEP-0313 §4.3.1: there is an attribute for the last page only. What is kept does not change: nothing is unstable.
  const isComplete = complete || count === 0
  return xml('fin', { xmlns: NS_MAM, complete: isComplete ? 'true' : undefined }, pageElement(ends, count, index))
}

/** Sends the results as text: a stanza that is kept as XML is not parsed to be written again. */
async function send(
  owner: string,
  asker: Asker,
  { queryId, flip }: ArchiveQuery,
  messages: readonly KeptMessage[],
  view: View,
): Promise<void> {
  const result = xml('result', { xmlns: NS_MAM, queryid: queryId })
  const message = xml('message', { from: owner, to: asker.address }, result)
  const opening = serialize(message).slice(0, -'/></message>'.length)
  let characters = 0
  for (const { id, stanza } of flip ? messages.toReversed() : messages) {
    const text = `${opening} id="${id}">${forwarded({ id, stanza: view(stanza) })}</result></message>`
    asker.pass(text)
    characters += text.length
    if (characters < SENT_AT_ONCE) continue
    characters = 0
    // In between, what the client acknowledges is heard.
    await (asker.drained() ?? new Promise((resolve) => setImmediate(resolve)))
    if (!asker.live) return
  }
}

function asKept(stanza: string): string {
  return stanza
}

/** An archived message with its time, as XML (XEP-0297 §3.1). */
export function forwarded({ id, stanza }: KeptMessage): string {
  // What is kept has the namespace of the stream that it came in.
  const message = `<message xmlns="jabber:client"${stanza.slice('<message'.length)}`
  return `<forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay" stamp="${toDatetime(timeOf(id))}"/>${message}</forwarded>`
}

function endElement(name: string, id: number): Element {
  return xml(name, { id: String(id), timestamp: toDatetime(timeOf(id)) })
}
