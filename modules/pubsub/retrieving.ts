import { type Element, noSuchPage, pageElement, readPage, StanzaError, xml } from '#api'
import { checkReader } from './access.ts'
import { NS_PUBSUB } from './namespaces.ts'
import { itemsElement } from './notifying.ts'
import type { ItemRecord } from './records.ts'
import { refusal, unsupported } from './refusal.ts'
import { nodeOf, type Operations, type Request } from './request.ts'

/** Most items of an answer: the newest ones, unless the client asks page by page. */
const MAX_ANSWER = 1000
/** Greatest index that a page may begin at. */
const MAX_INDEX = 10_000

/** XEP-0060 §6.5. */
async function items(request: Request): Promise<Element> {
  const { engine, face, from, action, pubsub } = request
  const node = await engine.get(face, nodeOf(request))
  await checkReader(face, node, from)
  const subid = action.attrs['subid']
  if (subid !== undefined && !node.subscriptionsOf(from).some((own) => own.subid === subid))
    throw refusal('not-acceptable', 'invalid-subid', 'You have no such subscription.')
  if (!node.settings.persistItems) throw unsupported('persistent-items', 'Nothing is kept at this node.')
  await engine.expire(node)
  const answer = (records: readonly ItemRecord[], set?: Element) =>
    xml('pubsub', { xmlns: NS_PUBSUB }, itemsElement(node, records, true), set)
  const ids = action.getChildren('item').map((item) => item.attrs['id'] ?? '')
  // XEP-0060 §6.5.8.
  if (ids.length > 0) return answer(await engine.store.items(node.id, [...new Set(ids)].slice(0, MAX_ANSWER)))
  // XEP-0060 §6.5.4, with XEP-0059.
  const page = readPage(pubsub, MAX_ANSWER, { maxIndex: MAX_INDEX })
  if (page === undefined) return answer(await engine.store.newest(node.id, countOf(action.attrs['max_items'])))
  const { max, ...range } = page
  const found = await engine.store.page(node.id, { ...range, limit: max })
  if (found === undefined) throw noSuchPage()
  return answer(
    found.items,
    pageElement(
      found.items.map(({ id }) => id),
      found.count,
      found.index,
    ),
  )
}

/** XEP-0060 §6.5.7. */
function countOf(text: string | undefined): number {
  if (text === undefined) return MAX_ANSWER
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new StanzaError('bad-request', 'max_items is a whole number above 0.')
  return Math.min(Number(text), MAX_ANSWER)
}

export const retrievingOperations: Operations = { 'get items': items }
