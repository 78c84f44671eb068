import { type Element, noSuchPage, type PageWish, pageElement, readPage, StanzaError, xml } from '#api'
import { checkReader } from './access.ts'
import type { Engine } from './engine.ts'
import { nodeReading } from './hooks.ts'
import { NS_PUBSUB } from './namespaces.ts'
import type { Node } from './node.ts'
import { itemsElement } from './notifying.ts'
import type { ItemPage, ItemRecord } from './records.ts'
import { refusal, unsupported } from './refusal.ts'
import { nodeOf, type Operations, type Request } from './request.ts'

/** Most items of an answer. */
const MAX_ANSWER = 1000
/** Characters of payloads past which an answer ends: it is in memory as a whole. */
const MAX_CHARACTERS = 1 << 22
/** Items read from the store at a time. */
const LOT = 100
/** Greatest index that a page may begin at: what is skipped is counted off one by one. */
const MAX_INDEX = 10_000

/** XEP-0060 §6.5. */
async function items(request: Request): Promise<Element> {
  const { engine, face, from, action, pubsub } = request
  const name = nodeOf(request)
  await engine.host.hooks.pass(nodeReading, { service: face.service, node: name, by: from })
  const node = await engine.get(face, name)
  await checkReader(face, node, from)
  const subid = action.attrs['subid']
  if (subid !== undefined && !node.subscriptionsOf(from).some((own) => own.subid === subid))
    throw refusal('not-acceptable', 'invalid-subid', 'You have no such subscription.')
  if (!node.settings.persistItems) throw unsupported('persistent-items', 'Nothing is kept at this node.')
  await engine.expire(node)
  const answer = (records: readonly ItemRecord[], set?: Element) =>
    xml('pubsub', { xmlns: NS_PUBSUB }, itemsElement(node, records, true), set)
  const ids = action.getChildren('item').map((item) => item.attrs['id'] ?? '')
  // XEP-0060 §6.5.8
  if (ids.length > 0) return answer(await named(engine, node, ids))
  // XEP-0060 §6.5.4, with XEP-0059.
  const wish = readPage(pubsub, MAX_ANSWER, { maxIndex: MAX_INDEX })
  const count = countOf(action.attrs['max_items'])
  // XEP-0060 §6.5.7: the newest.
  const page = await collect(engine, node, wish ?? { max: Math.min(count, MAX_ANSWER), before: '' })
  // XEP-0060 §6.5.4: whoever does not get all that was asked for is told.
  const isPart = wish !== undefined || page.items.length < Math.min(count, page.count)
  const found = page.items.map(({ id }) => id)
  return answer(page.items, isPart ? pageElement(found, page.count, page.index) : undefined)
}

/** Reads a page in lots, so that it can end early when it becomes too large. @throws StanzaError `item-not-found` */
async function collect(engine: Engine, node: Node, { max, ...place }: PageWish): Promise<ItemPage> {
  const isBackwards = place.before !== undefined
  let page = await engine.store.page(node.id, { ...place, limit: Math.min(max, LOT) })
  if (page === undefined) throw noSuchPage()
  const { count } = page
  let { items, index } = fitting(page, isBackwards, MAX_CHARACTERS)
  while (items.length < max && page.items.length === LOT) {
    const left = MAX_CHARACTERS - lengthOf(items)
    if (left <= 0) break
    const limit = Math.min(LOT, max - items.length)
    const next = isBackwards ? { before: items[0]!.id, limit } : { after: items.at(-1)!.id, limit }
    page = await engine.store.page(node.id, next)
    // What the page goes on from was removed meanwhile.
    if (page === undefined) break
    const more = fitting(page, isBackwards, left)
    items = isBackwards ? [...more.items, ...items] : [...items, ...more.items]
    if (isBackwards) index = more.index
    if (more.items.length < page.items.length) break
  }
  return { items, index, count }
}

/** The items up to the one that exceeds so many characters, from where the page begins; one at least. */
function fitting({ items, index }: ItemPage, isBackwards: boolean, characters: number) {
  let taken = 0
  for (let left = characters; taken < items.length && left > 0; taken++)
    left -= items.at(isBackwards ? -1 - taken : taken)!.payload.length
  return isBackwards
    ? { items: items.slice(items.length - taken), index: index + items.length - taken }
    : { items: items.slice(0, taken), index }
}

function lengthOf(items: readonly ItemRecord[]): number {
  return items.reduce((length, { payload }) => length + payload.length, 0)
}

/** The items of these ids, as many of them as fit into an answer. */
async function named(engine: Engine, node: Node, ids: readonly string[]): Promise<ItemRecord[]> {
  const wanted = [...new Set(ids)].slice(0, MAX_ANSWER)
  const found: ItemRecord[] = []
  for (let start = 0, left = MAX_CHARACTERS; start < wanted.length && left > 0; start += LOT) {
    const items = await engine.store.items(node.id, wanted.slice(start, start + LOT))
    const some = fitting({ items, index: 0, count: 0 }, false, left).items
    found.push(...some)
    left = some.length < items.length ? 0 : left - lengthOf(some)
  }
  return found
}

/** XEP-0060 §6.5.7. */
function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new StanzaError('bad-request', 'max_items is a whole number above 0.')
  return Number(text)
}

export const retrievingOperations: Operations = { 'get items': items }
