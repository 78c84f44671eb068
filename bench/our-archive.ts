import type { ArchivedMessage } from '../modules/archive/message.ts'
import { type Database, openDatabase } from '../src/storage/database.ts'
import { systemClock } from '../src/util/clock.ts'
import { longMessage } from './long-archive.ts'
import { type ArchiveRange, domain } from './server-kind.ts'

const perCommit = 500
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Where Stonechat keeps things. */
export interface OurArchive {
  readonly url: string
  readonly dataDir: string
}

/** One for each message and owner. */
export function countOurRows(where: OurArchive): Promise<number> {
  return inDatabase(where, (db) => numberOf(db, 'select count(*) as n from archive_copies'))
}

/** As the server would write them. */
export function fillOurArchive(where: OurArchive, range: ArchiveRange): Promise<void> {
  return inDatabase(where, async (db) => {
    const { ArchiveStore } = await import('../modules/archive/store.ts')
    const { textOf } = await import('../modules/archive/search-text.ts')
    const store = new ArchiveStore(db, domain, systemClock, textOf)
    for (let from = range.from; from < range.to; from += perCommit) {
      const count = Math.min(perCommit, range.to - from)
      await store.append(Array.from({ length: count }, (_, i) => archived(from + i, range)))
    }
  })
}

function archived(i: number, range: ArchiveRange): ArchivedMessage {
  const peer = `peer${i % range.peers}@${domain}`
  return {
    id: (range.firstMs + i * range.stepMs) * 1000,
    stanza: longMessage(i, range),
    groupchat: false,
    reference: `m${i}`,
    copies: [{ owner: `user0@${domain}`, peer, resource: 'x' }],
  }
}

async function numberOf({ knex }: Database, sql: string): Promise<number> {
  const result = await knex.raw(sql)
  const rows = (Array.isArray(result[0]) ? result[0] : result) as { n: number }[]
  return Number(rows[0]?.n ?? 0)
}

/** Opens the server's database beside it. */
export async function inDatabase<T>({ url, dataDir }: OurArchive, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase({ url, dataDir, pool: 1, log: silent })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}
