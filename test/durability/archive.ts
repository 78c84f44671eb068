import { type Element, serialize } from '../../src/api.ts'
import type { Kept } from './check.ts'
import type { Client } from './client.ts'
import { type Lanes, markOf } from './lane.ts'

const RSM = 'http://jabber.org/protocol/rsm'
const MAM = 'urn:xmpp:mam:2'
const PAGE = 100

/** Reads all of the own archive after an id, oldest first, page by page (XEP-0313 §4, XEP-0059 §2.1). */
export async function readForward(client: Client, lanes: Lanes, after?: string): Promise<Kept[]> {
  const all: Kept[] = []
  for (let last = after; ; ) {
    const page = await readPage(client, lanes, last === undefined ? '' : `<after>${last}</after>`)
    all.push(...page.kept)
    if (page.complete) return all
    last = page.last
  }
}

/** Reads the whole of the own archive from its end (XEP-0059 §2.5); the result is oldest first all the same. */
export async function readBackward(client: Client, lanes: Lanes): Promise<Kept[]> {
  const pages: Kept[][] = []
  for (let first = ''; ; ) {
    const page = await readPage(client, lanes, first === '' ? '<before/>' : `<before>${first}</before>`)
    pages.unshift(page.kept)
    if (page.complete) return pages.flat()
    first = page.first ?? ''
  }
}

/** Reads the newest page of the own archive, whatever is in it. */
export async function readNewest(client: Client): Promise<void> {
  await readPage(client, new Map(), '<before/>')
}

interface Page {
  readonly kept: Kept[]
  readonly first: string | undefined
  readonly last: string | undefined
  readonly complete: boolean
}

async function readPage(client: Client, lanes: Lanes, where: string): Promise<Page> {
  const kept: Kept[] = []
  const answer = await client.asks(
    'set',
    (id) => `<query xmlns='${MAM}' queryid='${id}'><set xmlns='${RSM}'><max>${PAGE}</max>${where}</set></query>`,
    { collects: (result) => kept.push(read(result, lanes)) },
  )
  const fin = answer.getChild('fin', MAM)
  if (answer.attrs['type'] !== 'result' || fin === undefined)
    throw new Error(`${client.jid}: the archive was not read: ${serialize(answer)}`)
  const set = fin.getChild('set', RSM)
  const first = set?.getChildText('first') ?? undefined
  const last = set?.getChildText('last') ?? undefined
  const complete = ['true', '1'].includes(fin.attrs['complete'] ?? '')
  // XEP-0059 §2.6: the page says with what it begins and ends.
  if (kept[0]?.archiveId !== first || kept.at(-1)?.archiveId !== last || (!complete && kept.length === 0))
    throw new Error(`${client.jid}: not the page that came: ${serialize(fin)}`)
  return { kept, first, last, complete }
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
