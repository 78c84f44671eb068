import { resolve } from 'node:path'
import type { Knex } from 'knex'
import { type Clock, systemClock } from '../util/clock.ts'
import { DatabaseError, isDeadlock, isUnavailable } from './failure.ts'
import { type Health, HealthWatch } from './health.ts'
import type { StorageLog } from './knex-log.ts'
import { describeMysql, openMysql, probeMysql } from './mysql.ts'
import { openSqlite } from './sqlite.ts'

export { DatabaseError, isUnavailable, isUniqueViolation } from './failure.ts'
export type { Health } from './health.ts'

/** The server's database, of either kind. Only a `store.ts` builds queries with it. */
export interface Database {
  readonly knex: Knex
  readonly dialect: 'mysql' | 'sqlite'
  /** Whether the database answers. SQLite, a file of this process, is always up; its errors are of single statements. */
  readonly health: Health
  /** Statements run so far, BEGIN and COMMIT among them: for tests that count queries. */
  readonly queries: number
  /** Calls the listener at every change of `health`, until what is returned is called. */
  onHealth(listener: (health: Health) => void): () => void
  /**
   * Runs `work` in one transaction and commits, or takes all back when it rejects. `work` uses `trx` only, and has no other
   * effects: it is run again, up to three times in all, when MySQL chose it as the victim of a deadlock. When this rejects
   * with an error that {@link isUnavailable}, the commit may still have taken place.
   */
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>
  /**
   * Runs statements one after the other in one transaction, like {@link transaction} but for about half the CPU: for what
   * every batch of messages needs.
   */
  commit(statements: readonly Statement[]): Promise<void>
  /** Waits for what is running, then closes all connections. Closing twice does nothing. */
  close(): Promise<void>
}

/** SQL with a question mark for each of its bindings. */
export interface Statement {
  readonly sql: string
  readonly bindings: readonly (string | number | null)[]
}

/** How to open a database. */
export interface DatabaseSettings {
  /** `sqlite`, `sqlite:FILE` (relative to `dataDir`), `sqlite::memory:` or `mysql://user:password@host:port/name`. */
  readonly url: string
  /** Folder of `stonechat.sqlite`; made when missing. */
  readonly dataDir: string
  /** Greatest number of connections to MySQL. SQLite has one. */
  readonly pool: number
  readonly log: StorageLog
  readonly clock?: Clock
  /** How long a MySQL statement may stay without an answer, in ms; 20 s unless told. Migrations are not bound by it. */
  readonly answerMs?: number
}

const ATTEMPTS = 3

/**
 * Opens the database and sees that it answers.
 *
 * @throws DatabaseError with a message for the admin when it does not.
 */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const { url, dataDir, log, clock = systemClock } = settings
  if (url === 'sqlite' || url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length) || 'stonechat.sqlite'
    const knex = await openSqlite(file === ':memory:' ? file : resolve(dataDir, file), log)
    return new KnexDatabase(knex, 'sqlite', new HealthWatch(async () => {}, clock, log))
  }
  await seeThatMysqlAnswers(url, log)
  const watch = new HealthWatch(() => probeMysql(url), clock, log)
  return new KnexDatabase(openMysql(url, settings.pool, log, settings.answerMs), 'mysql', watch)
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
  acquireConnection(): Promise<{ __knex__disposed?: unknown }>
  releaseConnection(connection: object): Promise<void>
}

class KnexDatabase implements Database {
  readonly knex: Knex
  readonly dialect: 'mysql' | 'sqlite'
  readonly #watch: HealthWatch
  #queries = 0
  #closed: Promise<void> | undefined

  constructor(knex: Knex, dialect: 'mysql' | 'sqlite', watch: HealthWatch) {
    this.knex = knex
    this.dialect = dialect
    this.#watch = watch
    knex.on('query', () => {
      this.#queries++
    })
    if (dialect === 'mysql') this.#noticeFailures()
  }

  get health(): Health {
    return this.#watch.health
  }

  get queries(): number {
    return this.#queries
  }

  onHealth(listener: (health: Health) => void): () => void {
    return this.#watch.onChange(listener)
  }

  async transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.knex.transaction(work)
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error
      }
    }
  }

  async commit(statements: readonly Statement[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#commit(statements)
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error
      }
    }
  }

  async #commit(statements: readonly Statement[]): Promise<void> {
    const client = this.knex.client as Pool
    const connection = await client.acquireConnection()
    const run = async (sql: string, bindings: Statement['bindings'] = []) => {
      await this.knex.raw(sql, bindings as Knex.RawBinding[]).connection(connection)
    }
    try {
      await run(this.dialect === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN')
      try {
        for (const { sql, bindings } of statements) await run(sql, bindings)
        await run('COMMIT')
      } catch (error) {
        // A connection that does not even take this back is of no use to anybody.
        await run('ROLLBACK').catch((failure) => {
          // SQLite takes a transaction back by itself when, say, the disk is full.
          if (!/no transaction is active/.test(String(failure))) connection.__knex__disposed = failure
        })
        throw error
      }
    } finally {
      await client.releaseConnection(connection)
    }
  }

  close(): Promise<void> {
    this.#watch.stop()
    this.#closed ??= this.knex.destroy()
    return this.#closed
  }

  /** Knex tells of statements that failed, but not of connections that could not be had. */
  #noticeFailures(): void {
    const notice = (error: unknown) => {
      if (isUnavailable(error) && !isContention(error)) this.#watch.failed(error)
    }
    this.knex.on('query-error', notice)
    const client = this.knex.client as { acquireConnection(): Promise<unknown> }
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

/** A lock that was waited for too long says nothing about the server. */
function isContention(error: unknown): boolean {
  return (error as { code?: string }).code === 'ER_LOCK_WAIT_TIMEOUT'
}
