import { type Element, type Jid, noSuchPage, type PageWish, pageElement, readPage, xml } from '#api'
import type { DiscoItem } from '../disco/hooks.ts'
import { checkReader, mayRead } from './access.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { settingsOf } from './node-config.ts'
import type { NodeRecord } from './records.ts'

/** Most nodes or items of an answer. */
const MAX_LIST = 500
/** Greatest index that a page may begin at. */
const MAX_INDEX = 10_000

/** A list, and where in the whole it is when it is a part (XEP-0059). */
export interface Listed {
  readonly items: readonly DiscoItem[]
  readonly set: Element | undefined
}

/** The nodes that somebody may find (XEP-0060 §5.2), in pages where that is asked for (XEP-0059). */
export async function nodeItems(engine: Engine, face: Face, asker: Jid, query?: Element): Promise<Listed> {
  const wish = query && readPage(query, MAX_LIST)
  const { max, ...place } = wish ?? { max: MAX_LIST }
  const isFound = await finder(engine, face, asker)
  const found: NodeRecord[] = []
  const { count, index, isWhole, isAll } = await collect(engine, face, { max, ...place }, isFound, found)
  const items = found.map(({ node, config }): DiscoItem => {
    const { title } = settingsOf(config, face.defaults, face.limits)
    return { jid: face.service.toString(), node, ...(title !== '' && { name: title }) }
  })
  if (wish === undefined && isAll) return { items, set: undefined }
  const names = found.map(({ node }) => node)
  // How many others there are is not for those who do not find them.
  return { items, set: isWhole ? pageElement(names, count, index) : pageElement(names) }
}

/** Reads on until the page is full, so that it ends at a node which may be named. */
async function collect(
  engine: Engine,
  face: Face,
  { max, ...place }: PageWish,
  isFound: (record: NodeRecord) => boolean | Promise<boolean>,
  found: NodeRecord[],
) {
  const isBackwards = place.before !== undefined && place.after === undefined
  const service = face.service.toString()
  let limit = max
  let page = await engine.store.nodes(service, { ...place, limit })
  const { count, index } = page
  let isWhole = true
  for (;;) {
    for (const record of isBackwards ? page.nodes.toReversed() : page.nodes)
      if (!(await isFound(record))) isWhole = false
      else if (found.length < max) found.push(record)
    if (found.length >= max || page.nodes.length < limit) break
    const end = (isBackwards ? page.nodes[0] : page.nodes.at(-1))!.node
    limit = MAX_LIST
    page = await engine.store.nodes(service, { ...(isBackwards ? { before: end } : { after: end }), limit })
  }
  if (isBackwards) found.reverse()
  return { count, index, isWhole, isAll: found.length < max || found.length === count }
}

/** Who may find which nodes: at a service all but those of a closed circle, at an account those that one may read. */
async function finder(engine: Engine, face: Face, asker: Jid) {
  if (face.service.local !== '')
    return async ({ node: name, config }: NodeRecord): Promise<boolean> => {
      // XEP-0060 §4.5: for which one may ask.
      if (settingsOf(config, face.defaults, face.limits).accessModel === 'authorize') return true
      const node = await engine.find(face, name)
      return node !== undefined && (await mayRead(face, node, asker))
    }
  const own = new Map<string, string>()
  if (!face.rules(asker))
    for (const { node, affiliation } of await engine.store.affiliationsOf(
      face.service.toString(),
      asker.bare.toString(),
    ))
      own.set(node, affiliation)
  return ({ node, config }: NodeRecord): boolean =>
    face.rules(asker) ||
    settingsOf(config, face.defaults, face.limits).accessModel !== 'whitelist' ||
    ['owner', 'publisher', 'member'].includes(own.get(node) ?? '')
}

/** The items of a node, by id (XEP-0060 §5.5). */
export async function itemItems(
  engine: Engine,
  face: Face,
  name: string,
  asker: Jid,
  query?: Element,
): Promise<Listed> {
  const node = await engine.get(face, name)
  await checkReader(face, node, asker)
  await engine.expire(node)
  const wish = query && readPage(query, MAX_LIST, { maxIndex: MAX_INDEX })
  const { max, ...range } = wish ?? { max: MAX_LIST }
  const page = await engine.store.page(node.id, { ...range, limit: max })
  if (page === undefined) throw noSuchPage()
  const ids = page.items.map(({ id }) => id)
  const isPart = page.count > ids.length || wish !== undefined
  return {
    items: ids.map((id) => ({ jid: face.service.toString(), name: id })),
    set: isPart ? pageElement(ids, page.count, page.index) : undefined,
  }
}

/** An answer to disco#items that keeps the order of what it lists. */
export function listElement(
  xmlns: string,
  node: string | undefined,
  items: readonly DiscoItem[],
  set: Element | undefined,
): Element {
  return xml(
    'query',
    { xmlns, node },
    ...items.map((item) => xml('item', { jid: item.jid, node: item.node, name: item.name })),
    set,
  )
}
