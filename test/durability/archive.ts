import { type Element, serialize } from '../../src/api.ts'
import type { Kept } from './check.ts'
import type { Client } from './client.ts'
import { type Lanes, markOf } from './lane.ts'

const RSM = 'http://jabber.org/protocol/rsm'
const MAM = 'urn:xmpp:mam:2'
const PAGE = 100

/** Reads all of the own archive after an id, oldest first, page by page (XEP-0313 §4, XEP-0059 §2.1). */
export function readForward(client: Client, lanes: Lanes, after?: string): Promise<Kept[]> {
  return readOn(client, (result) => read(result, lanes), after)
}

/** Reads the whole archive of a room: its `<result/>` elements, oldest first. */
export function readRoom(client: Client, room: string): Promise<Element[]> {
  return readOn(client, (result) => result, undefined, room)
}

async function readOn<T>(
  client: Client,
  take: (result: Element) => T,
  after: string | undefined,
  of?: string,
): Promise<T[]> {
  const all: T[] = []
  for (let last = after; ; ) {
    const page = await readPage(client, take, last === undefined ? '' : `<after>${last}</after>`, of)
    all.push(...page.kept)
    if (page.complete) return all
    last = page.last
  }
}

/** Reads the whole of the own archive from its end (XEP-0059 §2.5); the result is oldest first all the same. */
export async function readBackward(client: Client, lanes: Lanes): Promise<Kept[]> {
  const pages: Kept[][] = []
  for (let first = ''; ; ) {
    const page = await readPage(
      client,
      (result) => read(result, lanes),
      first === '' ? '<before/>' : `<before>${first}</before>`,
    )
    pages.unshift(page.kept)
    if (page.complete) return pages.flat()
    first = page.first ?? ''
  }
}

/** Reads the newest page of the own archive, or of a room's, whatever is in it. */
export async function readNewest(client: Client, of?: string): Promise<void> {
  await readPage(client, () => {}, '<before/>', of)
}

interface Page<T> {
  readonly kept: T[]
  readonly first: string | undefined
  readonly last: string | undefined
  readonly complete: boolean
}

async function readPage<T>(client: Client, take: (result: Element) => T, where: string, of?: string): Promise<Page<T>> {
  const results: Element[] = []
  const answer = await client.asks(
    'set',
    (id) => `<query xmlns='${MAM}' queryid='${id}'><set xmlns='${RSM}'><max>${PAGE}</max>${where}</set></query>`,
    { collects: (result) => results.push(result), ...(of !== undefined && { to: of }) },
  )
  const fin = answer.getChild('fin', MAM)
  if (answer.attrs['type'] !== 'result' || fin === undefined)
    throw new Error(`${client.jid}: the archive was not read: ${serialize(answer)}`)
  const set = fin.getChild('set', RSM)
  const first = set?.getChildText('first') ?? undefined
  const last = set?.getChildText('last') ?? undefined
  const complete = ['true', '1'].includes(fin.attrs['complete'] ?? '')
  // XEP-0059 §2.6: the page says with what it begins and ends.
  const isAsSaid = results[0]?.attrs['id'] === first && results.at(-1)?.attrs['id'] === last
  if (!isAsSaid || (!complete && results.length === 0))
    throw new Error(`${client.jid}: not the page that came: ${serialize(fin)}`)
  return { kept: results.map(take), first, last, complete }
}

function read(result: Element, lanes: Lanes): Kept {
  const message = result.getChild('forwarded', 'urn:xmpp:forward:0')?.getChildren('message')[0]
  const mark = message === undefined ? undefined : markOf(lanes, message)
  return {
    archiveId: result.attrs['id'] ?? '',
    lane: mark?.lane,
    n: mark?.n ?? -1,
    body: message?.getChildText('body') ?? '',
  }
}
