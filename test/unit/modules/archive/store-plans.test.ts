import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsStore } from '../../../../modules/archive/settings-store.ts'
import type { ArchiveStore } from '../../../../modules/archive/store.ts'
import { type Database, openDatabase } from '../../../../src/storage/database.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { type Dialect, eachNewDatabase, openEmpty, silentLog, sqlFolder } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { JULIET, message, NOW_ID, ROMEO, storeOf } from './messages.ts'

const at = (n: number) => NOW_ID + n
const NURSE = 'nurse@capulet.example'

/** Every third message goes to the nurse, the others to romeo. */
const many = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    return message(at(n), n % 7 === 0 ? 'seven' : 'word', { to: n % 3 === 0 ? NURSE : ROMEO, reference: `${n}` })
  })

interface Statement {
  readonly sql: string
  readonly bindings: readonly string[]
}

/** The statements that `run` makes. */
async function statementsOf(db: Database, run: () => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = []
  const listen = (statement: Statement) => statements.push(statement)
  db.knex.on('query', listen)
  await run()
  db.knex.off('query', listen)
  return statements.filter(({ sql }) => /^\s*(select|update|delete)/i.test(sql))
}

/** How a statement goes about it, in short: `table:index` for each table, `scan:table` for reading all, `sort`. */
async function planOf(db: Database, { sql, bindings }: Statement): Promise<string> {
  const reading = sql.replace(/(for update|lock in share mode)\s*$/, '')
  if (db.dialect === 'sqlite') {
    const rows: { detail: string }[] = await db.knex.raw(`explain query plan ${reading}`, [...bindings])
    return rows.flatMap(({ detail }) => sqliteStep(detail)).join(' ')
  }
  const [rows] = await db.knex.raw(`explain ${reading}`, [...bindings])
  return (rows as MysqlStep[]).flatMap(mysqlStep).join(' ')
}

function sqliteStep(detail: string): string[] {
  if (detail.includes('TEMP B-TREE')) return ['sort']
  const words = /^SCAN (\w+) VIRTUAL TABLE INDEX \d+:M1><$/.exec(detail)
  if (words) return [`${words[1]}:words`]
  const row = /^SCAN (\w+) VIRTUAL TABLE INDEX 0:=$/.exec(detail)
  if (row) return [`${row[1]}:primary`]
  const search = /^SEARCH (\w+)(?: USING (?:INTEGER )?(?:COVERING )?(?:INDEX )?(\w+))?/.exec(detail)
  if (search)
    return [`${search[1]}:${(search[2] ?? 'end').replace(/^(sqlite_autoindex_.*)$/, 'primary').toLowerCase()}`]
  const derived = ['counted', 'newest', 'found']
  const scan = /^SCAN (\w+)/.exec(detail)
  return scan && !derived.includes(scan[1]!) && scan[1] !== 'CONSTANT' ? [`scan:${scan[1]}`] : []
}

interface MysqlStep {
  readonly table: string | null
  readonly type: string
  readonly key: string | null
  readonly Extra: string
}

function mysqlStep({ table, type, key, Extra }: MysqlStep): string[] {
  if (Extra === 'Select tables optimized away') return ['end']
  if (table === null || table.startsWith('<derived')) return []
  const way = type === 'ALL' || type === 'index' || key === null ? `scan:${table}` : `${table}:${key.toLowerCase()}`
  return [way, ...(/filesort|temporary/.test(Extra) ? ['sort'] : [])]
}

const PAGE = 'c:primary s:primary'
const PEER = 'c:archive_copies_by_peer'
const FOUND = {
  sqlite: 'archive_search:words c:primary',
  mysql: 'archive_search:archive_search_by_words sort c:primary',
}
const COUNTED = { sqlite: FOUND.sqlite, mysql: 'archive_search:archive_search_by_words c:primary' }
const OWNERS = {
  sqlite: 'archive_addresses:archive_addresses_by_jid c:archive_copies_by_peer',
  mysql: 'archive_addresses:archive_addresses_by_jid c:primary',
}
const ROWS = 'archive_search:primary'
const MARK = 'archive_searchers:primary'

type Plan = string | Record<Dialect, string>
/** What each method reads by; one plan for each of its statements. */
const methods: readonly (readonly [
  title: string,
  run: (store: ArchiveStore) => Promise<unknown>,
  plans: readonly Plan[],
])[] = [
  ['the last id', (s) => s.lastId(), [{ sqlite: 'archive_stanzas:end', mysql: 'end' }]],
  ['the oldest page', (s) => s.page(JULIET, {}, { limit: 50 }), [PAGE]],
  ['the newest page', (s) => s.page(JULIET, {}, { limit: 50, last: true }), [PAGE]],
  ['a page after an id', (s) => s.page(JULIET, {}, { limit: 50, after: at(500) }), [PAGE]],
  ['a page before an id', (s) => s.page(JULIET, {}, { limit: 50, before: at(500) }), [PAGE]],
  ['a page by date', (s) => s.page(JULIET, { fromId: at(90), toId: at(800) }, { limit: 50 }), [PAGE]],
  ['a page without rooms', (s) => s.page(JULIET, { groupchat: false }, { limit: 50, last: true }), [PAGE]],
  ['a page of a peer', (s) => s.page(JULIET, { peer: ROMEO }, { limit: 50 }), [`${PEER} s:primary`]],
  ['the newest of a peer', (s) => s.page(JULIET, { peer: ROMEO }, { limit: 50, last: true }), [`${PEER} s:primary`]],
  ['a page of a resource', (s) => s.page(JULIET, { peer: ROMEO, resource: 'x' }, { limit: 50 }), [`${PEER} s:primary`]],
  ['a page further on', (s) => s.page(JULIET, { peer: ROMEO }, { limit: 50, skip: 9 }), [PEER, PAGE]],
  ['some ids', (s) => s.get(JULIET, [at(1), at(2), at(3)]), [PAGE]],
  ['whether an id is there', (s) => s.has(JULIET, at(1)), ['archive_copies:primary']],
  ['the ends', (s) => s.ends(JULIET), [{ sqlite: 'archive_copies:primary archive_copies:primary', mysql: 'end end' }]],
  ['counting', (s) => s.count(JULIET, {}, 100), ['c:primary']],
  ['counting all', (s) => s.count(JULIET, { peer: ROMEO }, 0), [PEER]],
  ['a reference', (s) => s.findReference(JULIET, ROMEO, '5', 100), [PEER]],
  ['a quota', (s) => s.nthNewest(JULIET, 9), ['archive_copies:primary']],
  ['the owners', (s) => s.owners('a@capulet.example', 9), [OWNERS]],
  ['a search', (s) => s.page(JULIET, { words: 'seven', toId: at(99) }, { limit: 5 }), [MARK, FOUND, PAGE]],
  [
    'a search backwards',
    (s) => s.page(JULIET, { words: 'seven', toId: at(99) }, { limit: 5, last: true }),
    [MARK, FOUND, PAGE],
  ],
  ['counting a search', (s) => s.count(JULIET, { words: 'seven', toId: at(99) }, 0), [MARK, COUNTED]],
  ['a tombstone', (s) => s.replace(at(5), 'x'), ['archive_stanzas:primary', ROWS]],
  [
    'purging',
    async (s) => {
      await s.purge(ROMEO, Number.MAX_SAFE_INTEGER, 10)
      await s.purge(JULIET, at(9), 5)
    },
    [
      ...[
        'archive_copies:primary',
        'archive_copies:primary',
        'archive_stanzas:primary',
        'archive_stanzas:primary',
        ROWS,
      ],
      ...['archive_copies:primary', 'archive_copies:primary', 'archive_stanzas:primary', 'archive_stanzas:primary'],
      ...['archive_stanzas:primary', ROWS],
    ],
  ],
  ['indexing nothing', (s) => s.index(JULIET, 10, true), [MARK, PAGE]],
  ['indexing some', (s) => s.index(NURSE, 10, true), [MARK, PAGE, MARK]],
  ['a message that comes late', (s) => s.append(many(0, 1)), [MARK]],
  ['forgetting searches', (s) => s.forgetSearches(JULIET), [MARK]],
]

const ACCOUNT = 'archive_accounts:primary'
const READERS = 'archive_readers:primary'
/** The same for what accounts say of their archives. */
const settings: readonly (readonly [title: string, run: (store: SettingsStore) => Promise<unknown>, plans: Plan[]])[] =
  [
    ['the settings of an account', (s) => s.find(JULIET), [`${ACCOUNT} ${READERS}`]],
    ['the retentions of accounts', (s) => s.retentions([JULIET, ROMEO, NURSE]), [ACCOUNT]],
    ['some clients that read no more', (s) => s.removeReaders(JULIET, ['1', '2']), [READERS]],
    ['old clients', (s) => s.removeReadersBefore(9), ['archive_readers:archive_readers_by_time']],
    ['an account that goes', (s) => s.forget(JULIET), [ACCOUNT, READERS]],
  ]

eachNewDatabase((open, dialect) => {
  test('archive settings: every statement reads by its index', async () => {
    const db = await open()
    const store = new SettingsStore(db)
    const accounts = [JULIET, ROMEO, NURSE, ...Array.from({ length: 300 }, (_, n) => `${n}@x`)]
    const readers = accounts.flatMap((account, n) =>
      ['1', '2', '3'].map((resource) => ({ account, resource, last_ms: n })),
    )
    await db.knex('archive_accounts').insert(accounts.map((account, n) => ({ account, retention: n })))
    for (let n = 0; n < readers.length; n += 100) await db.knex('archive_readers').insert(readers.slice(n, n + 100))
    await db.knex.raw(dialect === 'mysql' ? 'analyze table archive_accounts, archive_readers' : 'analyze')
    for (const [title, run, plans] of settings) {
      const actual = []
      for (const statement of await statementsOf(db, () => run(store))) actual.push(await planOf(db, statement))
      assert.deepEqual(actual, plans, title)
    }
  })

  test('archive store: every statement reads by its index, scans nothing and sorts no more than a search’s ids', async () => {
    const clock = new FakeClock()
    const db = await open()
    const store = storeOf(db, clock)
    await store.append(many(0, 1000))
    clock.advance(300_000)
    while (await store.index(JULIET, 500, true));
    const others = Array.from({ length: 300 }, (_, n) => ({ owner: 1000 + n, id: at(0) }))
    await db.knex('archive_searchers').insert(others)
    // As an admin may do, or a database by itself.
    await db.knex.raw(
      dialect === 'mysql'
        ? 'analyze table archive_copies, archive_stanzas, archive_addresses, archive_searchers'
        : 'analyze',
    )
    for (const [title, run, plans] of methods) {
      const statements = await statementsOf(db, () => run(store))
      const actual = []
      for (const statement of statements) actual.push(await planOf(db, statement))
      const expected = plans.map((plan) => (typeof plan === 'string' ? plan : plan[dialect]))
      assert.deepEqual(actual, expected, title)
    }
    // An address that is not in memory.
    const [lookUp] = await statementsOf(db, () => storeOf(db).has(JULIET, 1))
    assert.equal(await planOf(db, lookUp!), 'archive_addresses:archive_addresses_by_jid')
  })
})

/** Rows that MySQL's storage engine was asked for by this connection. */
async function rowsRead(db: Database): Promise<number> {
  const [rows] = await db.knex.raw(`show session status like 'Handler_read%'`)
  return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0)
}

test('archive store: a page of 50 reads as many rows of a long archive as of a short one', async () => {
  const { db: empty, url, dataDir, close } = await openEmpty('mysql')
  await migrate(empty, sqlFolder)
  const db = await openDatabase({ url, dataDir, pool: 1, log: silentLog })
  try {
    const store = storeOf(db)
    const size = { short: 1000, long: 50_000 }
    const pages = (length: number): (() => Promise<unknown>)[] => [
      () => store.page(JULIET, {}, { limit: 50 }),
      () => store.page(JULIET, {}, { limit: 50, last: true }),
      () => store.page(JULIET, {}, { limit: 50, after: at(length / 2) }),
      () => store.page(JULIET, {}, { limit: 50, before: at(length / 2) }),
      () => store.page(JULIET, { fromId: at(length / 4), toId: at(length) }, { limit: 50 }),
      () => store.page(JULIET, { peer: NURSE }, { limit: 50 }),
      () => store.page(JULIET, { peer: NURSE, toId: at(length / 2) }, { limit: 50, last: true }),
      () => store.page(JULIET, { peer: NURSE, fromId: at(length / 4) }, { limit: 50, after: at(length / 2) }),
      () => store.get(JULIET, [at(1), at(length / 2)]),
      () => store.has(JULIET, at(length / 2)),
      () => store.ends(JULIET),
      () => store.findReference(JULIET, NURSE, '3', 50),
    ]
    const costs = async (length: number) => {
      const reads: number[] = []
      for (const page of pages(length)) {
        const before = await rowsRead(db)
        await page()
        reads.push((await rowsRead(db)) - before)
      }
      return reads
    }
    await store.append(many(0, size.short))
    const short = await costs(size.short)
    for (let n = size.short; n < size.long; n += 7000) await store.append(many(n, n + 7000))
    assert.deepEqual(await costs(size.long), short)
    assert.ok(Math.max(...short) < 200, `${short}`)
  } finally {
    await db.close()
    await close()
  }
})
