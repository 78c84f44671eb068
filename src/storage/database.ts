import { resolve } from 'node:path'
import type { Knex } from 'knex'
import { type Clock, systemClock } from '../util/clock.ts'
import { DatabaseError, isDeadlock, isUnavailable, isUniqueViolation } from './failure.ts'
import { GatheredReads } from './gathered-reads.ts'
import { type Health, HealthWatch } from './health.ts'
import type { StorageLog } from './knex-log.ts'
import { commitMysql, describeMysql, type MysqlConnection, openMysql, probeMysql, readMysql } from './mysql.ts'
import { commitSqlite, openSqlite, readSqlite, type SqliteConnection, type SqliteDatabase } from './sqlite.ts'
import type { Statement } from './statement.ts'

export { DatabaseError, isUnavailable, isUniqueViolation } from './failure.ts'
export type { Health } from './health.ts'
export type { Statement } from './statement.ts'

/** What is done in one transaction of the database; only a `store.ts` uses it. */
export type Transaction = Knex.Transaction

/** The server's database, of either kind. Only a `store.ts` builds queries with it. */
export interface Database {
  /** A statement outside of a transaction is run again, too, when it was the victim of a deadlock. */
  readonly knex: Knex
  readonly dialect: 'mysql' | 'sqlite'
  /** Whether the database answers. SQLite, a file of this process, is always up; its errors are of single statements. */
  readonly health: Health
  /** Statements run so far, BEGIN and COMMIT among them: for tests that count queries. */
  readonly queries: number
  /** What there is to see of it in numbers. */
  figures(): DatabaseFigures
  /** Calls the listener at every change of `health`, until what is returned is called. */
  onHealth(listener: (health: Health) => void): () => void
  /**
   * Runs `work` in one transaction and commits, or takes all back when it rejects. `work` uses `trx` only, and has no other
   * effects: it is run again, up to three times in all, when MySQL chose it as the victim of a deadlock. When this rejects
   * with an error that {@link isUnavailable}, the commit may still have taken place.
   */
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>
  /**
   * Runs statements one after the other in one transaction, like {@link transaction} but past Knex, and with one question to
   * MySQL: for what every batch of messages needs.
   */
  commit(statements: readonly Statement[]): Promise<void>
  /**
   * The rows of one statement that reads, past Knex, whose builder and pool cost more than the reading: for what every login or
   * stanza of a stranger needs. What is asked at the same time goes to MySQL as one question. Names are as in the statement.
   */
  rows<Row>(statement: Statement): Promise<Row[]>
  /** Waits for what is running, then closes all connections. Closing twice does nothing. */
  close(): Promise<void>
}

/** Why a statement failed: another took the lock or the key, the database was out of reach, or it is a fault. */
export type FailureKind = 'contention' | 'fault' | 'taken' | 'unavailable'

/** What a database has done, and what its pools of connections are at. */
export interface DatabaseFigures {
  readonly queries: number
  readonly failures: Readonly<Record<FailureKind, number>>
  /** How often it was lost. */
  readonly outages: number
  /** Connections that are used and that are not, and how many wait for one. */
  readonly used: number
  readonly free: number
  readonly waiting: number
}

/** How to open a database. */
export interface DatabaseSettings {
  /** `sqlite`, `sqlite:FILE` (relative to `dataDir`), `sqlite::memory:` or `mysql://user:password@host:port/name`. */
  readonly url: string
  /** Folder of `stonechat.sqlite`; made when missing. */
  readonly dataDir: string
  /** Greatest number of connections to MySQL, of which one is for batches, one for gathered reads; at least three. SQLite has one. */
  readonly pool: number
  readonly log: StorageLog
  readonly clock?: Clock
  /** How long a MySQL statement may stay without an answer, in ms; 20 s unless told. Migrations are not bound by it. */
  readonly answerMs?: number
}

const ATTEMPTS = 3
const BEGIN: Statement = { sql: 'BEGIN', bindings: [] }
const COMMIT: Statement = { sql: 'COMMIT', bindings: [] }

/**
 * Opens the database and sees that it answers.
 *
 * @throws DatabaseError with a message for the admin when it does not.
 */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const { url, dataDir, log, clock = systemClock } = settings
  if (url === 'sqlite' || url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length) || 'stonechat.sqlite'
    const sqlite = await openSqlite(file === ':memory:' ? file : resolve(dataDir, file), log)
    return new KnexDatabase(sqlite, sqlite.knex, sqlite.knex, new HealthWatch(async () => {}, clock, log))
  }
  await seeThatMysqlAnswers(url, log)
  const watch = new HealthWatch(() => probeMysql(url), clock, log)
  const { answerMs } = settings
  const knex = openMysql(url, { size: settings.pool - 2, answerMs }, log)
  // Of their own, so that nowhere else several statements are taken where one is meant.
  const [commits, reads] = [1, 2].map(() => openMysql(url, { size: 1, answerMs, multipleStatements: true }, log))
  return new KnexDatabase({ knex }, commits!, reads!, watch)
}

async function seeThatMysqlAnswers(url: string, log: StorageLog): Promise<void> {
  const place = describeMysql(url)
  try {
    const { flushEachCommit } = await probeMysql(url)
    const advice = 'the database may lose its last second in a power cut: set innodb_flush_log_at_trx_commit = 1'
    if (!flushEachCommit) log.warn({ database: place }, advice)
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    throw new DatabaseError(`The database ${place} cannot be used: ${message || code}. ${cureFor(code)}`, {
      cause: error,
    })
  }
}

function cureFor(code: string): string {
  if (code === 'ER_ACCESS_DENIED_ERROR') return 'Correct user and password in the option "database".'
  if (code === 'ER_BAD_DB_ERROR') return 'Create it (CREATE DATABASE … CHARACTER SET utf8mb4) or correct its name.'
  if (code === 'ER_DBACCESS_DENIED_ERROR') return 'Grant the user all privileges on it.'
  return 'Start the database server, or correct the option "database".'
}

interface Pool {
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<void>
  readonly pool?: { numUsed(): number; numFree(): number; numPendingAcquires(): number }
}

class KnexDatabase implements Database {
  readonly knex: Knex
  readonly dialect: 'mysql' | 'sqlite'
  readonly #watch: HealthWatch
  /** Where batches are committed. */
  readonly #commits: Knex
  /** Where {@link rows} are read. */
  readonly #reads: Knex
  readonly #gathered = new GatheredReads((statements) => this.#read(statements))
  readonly #sqlite: SqliteDatabase | undefined
  #queries = 0
  readonly #failures: Record<FailureKind, number> = { contention: 0, fault: 0, taken: 0, unavailable: 0 }
  #closed: Promise<void> | undefined

  constructor(database: SqliteDatabase | { readonly knex: Knex }, commits: Knex, reads: Knex, watch: HealthWatch) {
    const { knex } = database
    this.knex = knex
    this.#commits = commits
    this.#reads = reads
    this.#sqlite = 'free' in database ? database : undefined
    this.dialect = this.#sqlite === undefined ? 'mysql' : 'sqlite'
    this.#watch = watch
    knex.on('query', () => {
      this.#queries++
    })
    for (const pool of this.#pools) this.#noticeFailures(pool)
    repeatDeadlocked(knex)
  }

  get #pools(): Set<Knex> {
    return new Set([this.knex, this.#commits, this.#reads])
  }

  get health(): Health {
    return this.#watch.health
  }

  get queries(): number {
    return this.#queries
  }

  figures(): DatabaseFigures {
    const pools = [...this.#pools].map((knex) => (knex.client as Pool).pool)
    const sum = (of: 'numFree' | 'numPendingAcquires' | 'numUsed') =>
      pools.reduce((total, pool) => total + (pool?.[of]() ?? 0), 0)
    return {
      queries: this.#queries,
      failures: { ...this.#failures },
      outages: this.#watch.outages,
      used: sum('numUsed'),
      free: sum('numFree'),
      waiting: sum('numPendingAcquires'),
    }
  }

  onHealth(listener: (health: Health) => void): () => void {
    return this.#watch.onChange(listener)
  }

  async transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
    return await unlessDeadlocked(() => this.knex.transaction(work))
  }

  async commit(statements: readonly Statement[]): Promise<void> {
    await unlessDeadlocked(() => this.#commit(statements))
  }

  async #commit(statements: readonly Statement[]): Promise<void> {
    await this.#sqlite?.turn()
    const pool = this.#commits.client as Pool
    const free = this.#sqlite?.free
    const connection = free ?? (await pool.acquireConnection())
    for (const statement of [BEGIN, ...statements, COMMIT]) this.knex.emit('query', statement)
    try {
      if (this.dialect === 'sqlite') commitSqlite(connection as SqliteConnection, statements)
      else await commitMysql(connection as MysqlConnection, statements)
    } catch (error) {
      this.#notice(error)
      throw error
    } finally {
      if (free === undefined) await pool.releaseConnection(connection)
    }
  }

  async rows<Row>(statement: Statement): Promise<Row[]> {
    if (this.#sqlite === undefined) return (await this.#gathered.rows(statement)) as Row[]
    await this.#sqlite.turn()
    return (await this.#read([statement]))[0] as Row[]
  }

  async #read(statements: readonly Statement[]): Promise<unknown[][]> {
    const pool = this.#reads.client as Pool
    const free = this.#sqlite?.free
    const connection = free ?? (await pool.acquireConnection())
    for (const statement of statements) this.knex.emit('query', statement)
    try {
      if (this.dialect === 'mysql') return await readMysql(connection as MysqlConnection, statements)
      return statements.map((statement) => readSqlite(connection as SqliteConnection, statement))
    } catch (error) {
      this.#notice(error)
      throw error
    } finally {
      if (free === undefined) void pool.releaseConnection(connection)
    }
  }

  close(): Promise<void> {
    this.#watch.stop()
    this.#closed ??= Promise.all([...this.#pools].map((pool) => pool.destroy())).then(() => {})
    return this.#closed
  }

  #notice(error: unknown): void {
    this.#failures[failureKind(error)]++
    if (this.dialect === 'mysql' && isUnavailable(error) && !isContention(error)) this.#watch.failed(error)
  }

  /** Knex tells of statements that failed, but not of connections that could not be had. */
  #noticeFailures(knex: Knex): void {
    const notice = (error: unknown) => this.#notice(error)
    knex.on('query-error', notice)
    const client = knex.client as { acquireConnection(): Promise<unknown> }
    const acquire = client.acquireConnection.bind(client)
    client.acquireConnection = async () => {
      try {
        return await acquire()
      } catch (error) {
        notice(error)
        throw error
      }
    }
  }
}

/** Has each statement that is a transaction of its own run again when it lost: those of transactions have clients of their own. */
function repeatDeadlocked(knex: Knex): void {
  const client = knex.client as { query(connection: object, statement: object): Promise<unknown> }
  const query = client.query.bind(client)
  client.query = (connection, statement) => unlessDeadlocked(() => query(connection, statement))
}

/** Does what is taken back as a whole when it is the victim of a deadlock, again when it was. */
async function unlessDeadlocked<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !isDeadlock(error)) throw error
    }
  }
}

function failureKind(error: unknown): FailureKind {
  if (isUniqueViolation(error)) return 'taken'
  if (isDeadlock(error) || isContention(error)) return 'contention'
  return isUnavailable(error) ? 'unavailable' : 'fault'
}

/** A lock that was waited for too long says nothing about the server. */
function isContention(error: unknown): boolean {
  return (error as { code?: string }).code === 'ER_LOCK_WAIT_TIMEOUT'
}
