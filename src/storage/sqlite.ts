import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import knexModule, { type Knex } from 'knex'
import { systemClock } from '../util/clock.ts'
import { Lru } from '../util/lru.ts'
import { DatabaseError } from './failure.ts'
import { knexLog, type StorageLog } from './knex-log.ts'
import type { Statement } from './statement.ts'

/** How long a statement waits for another process that writes, such as a command beside the server. It blocks meanwhile. */
const BUSY_MS = 5000
/** How long a query may wait for the connection, behind all that was asked before it. */
const ACQUIRE_MS = 30_000

/**
 * Opens a SQLite file, making it when it is missing, readable for its owner only.
 *
 * There is one connection, and its calls are synchronous: transactions never run at the same time.
 *
 * @throws DatabaseError when the file cannot be opened.
 */
export async function openSqlite(file: string, log: StorageLog): Promise<SqliteDatabase> {
  const memory = file === ':memory:'
  if (!memory) createFile(file)
  let connection: SqliteConnection | undefined
  const knex = knexModule.knex({
    client: 'better-sqlite3',
    connection: { filename: file },
    useNullAsDefault: true,
    // One connection that is never given up: an in-memory database lives as long as its connection.
    pool: {
      min: 1,
      max: 1,
      afterCreate: (opened: SqliteConnection, done: Prepared) => {
        connection = opened
        prepare(opened, done)
      },
    },
    acquireConnectionTimeout: ACQUIRE_MS,
    // Without this, errors would carry the values of a statement into the log.
    compileSqlOnError: false,
    log: knexLog(log),
  })
  beginImmediately(knex)
  const turns = new Turns()
  takeTurns(knex, turns)
  try {
    await knex.raw('select count(*) from sqlite_master')
  } catch (error) {
    await knex.destroy()
    throw cannotOpen(file, error)
  }
  return {
    knex,
    turn: () => turns.next(),
    get free() {
      return connection?.open === true && !connection.inTransaction ? connection : undefined
    },
  }
}

function createFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    // SQLite gives the files beside it (-wal, -shm) the mode of this one.
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw cannotOpen(file, error)
  }
}

function cannotOpen(file: string, error: unknown): DatabaseError {
  const { message } = error as Error
  const cure = 'See that it is a SQLite database in a folder this user may write to, and that the disk is not full'
  return new DatabaseError(`The database ${file} cannot be opened: ${message}. ${cure}.`, { cause: error })
}

/** A database in a file, or in memory. */
export interface SqliteDatabase {
  readonly knex: Knex
  /** Resolves when it is a query's turn, so that many in a row keep nobody waiting; those through Knex wait by themselves. */
  turn(): Promise<void>
  /**
   * The connection, past the pool, which costs more than most reads, for what is over when its call returns; `undefined` in the
   * middle of somebody's transaction.
   */
  readonly free: SqliteConnection | undefined
}

/** A SQLite connection as Knex's pool keeps it. */
export interface SqliteConnection {
  readonly open: boolean
  readonly inTransaction: boolean
  pragma(statement: string): unknown
  prepare(sql: string): { run(...bindings: unknown[]): unknown; all(...bindings: unknown[]): unknown[] }
}

/** Statements that a connection keeps prepared, the ones used last. */
const PREPARED = 200
/** Of up to so many characters, since those of many rows are large and seldom the same. */
const MAX_PREPARED_LENGTH = 500

/**
 * Runs statements in one transaction. When this throws, the transaction is taken back.
 */
export function commitSqlite(connection: SqliteConnection, statements: readonly Statement[]): void {
  run(connection, 'BEGIN IMMEDIATE')
  try {
    for (const { sql, bindings } of statements) run(connection, sql, bindings)
    run(connection, 'COMMIT')
  } catch (error) {
    try {
      run(connection, 'ROLLBACK')
    } catch (failure) {
      // SQLite takes a transaction back by itself when, say, the disk is full.
      if (!/no transaction is active/.test(String(failure))) throw failure
    }
    throw error
  }
}

/** The rows of a statement. */
export function readSqlite(connection: SqliteConnection, { sql, bindings }: Statement): unknown[] {
  return connection.prepare(sql).all(...bindings)
}

function run(connection: SqliteConnection, sql: string, bindings: Statement['bindings'] = []): void {
  connection.prepare(sql).run(...bindings)
}

/** Has a connection keep the statements it has prepared, which costs more than to run most of them: Knex asks anew each time. */
function keepPrepared(connection: SqliteConnection): void {
  const prepare = connection.prepare.bind(connection)
  const known = new Lru<string, ReturnType<SqliteConnection['prepare']>>(PREPARED)
  connection.prepare = (sql) => {
    // What changes the schema is not asked twice.
    if (sql.length > MAX_PREPARED_LENGTH || !/^(?:select|insert|update|delete|begin|commit|rollback)\b/i.test(sql))
      return prepare(sql)
    let statement = known.get(sql)
    if (statement === undefined) {
      statement = prepare(planOnce(sql))
      known.set(sql, statement)
    }
    return statement
  }
}

/**
 * A statement that is planned once. Built with STAT4, as it is here, SQLite plans a statement anew whenever another value is bound
 * that its plan might depend on, at many times the cost of finding a row; it does not look into a subquery.
 */
function planOnce(sql: string): string {
  const where = sql.search(/\bwhere\b/i)
  if (where === -1 || /^insert/i.test(sql)) return sql
  return sql.slice(0, where) + sql.slice(where).replace(/(?<![<>!=] ?)= \?/g, '= (select ?)')
}

type Prepared = (error: Error | null, connection: SqliteConnection) => void

function prepare(connection: SqliteConnection, done: Prepared): void {
  try {
    connection.pragma(`busy_timeout = ${BUSY_MS}`)
    connection.pragma('journal_mode = WAL')
    // In WAL mode NORMAL would lose the last commits with the power; what was acknowledged must stay.
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    keepPrepared(connection)
    done(null, connection)
  } catch (error) {
    done(error as Error, connection)
  }
}

/** For how long queries follow one another before everything else has its turn. */
const SLICE_MS = 5

/**
 * Lets the event loop turn while queries wait. A query has its answer before its call returns, so a queue of them, which
 * one busy client fills, would run to its end while nobody else is heard.
 */
class Turns {
  #startMs: number | undefined

  /** Resolves when it is a query's turn: at once, unless queries have had theirs for a while. */
  async next(): Promise<void> {
    if (this.#startMs === undefined) {
      this.#startMs = systemClock.now()
      setImmediate(() => {
        this.#startMs = undefined
      })
    } else if (systemClock.now() - this.#startMs >= SLICE_MS) await new Promise((resolve) => setImmediate(resolve))
  }
}

function takeTurns(knex: Knex, turns: Turns): void {
  const client = knex.client as { acquireConnection(): Promise<unknown> }
  const acquire = client.acquireConnection.bind(client)
  client.acquireConnection = async () => {
    const connection = await acquire()
    await turns.next()
    return connection
  }
}

interface KnexTransaction {
  begin(connection: unknown): unknown
  query(connection: unknown, sql: string): unknown
}

/**
 * Makes transactions take the write lock as they begin. Knex says plain BEGIN, under which the lock is taken at the first
 * write; when another process wrote in between, that write fails at once, whatever the busy timeout.
 */
function beginImmediately(knex: Knex): void {
  const client = knex.client as { transaction(...args: unknown[]): KnexTransaction }
  const { transaction } = client
  client.transaction = function (this: unknown, ...args) {
    const begun = transaction.apply(this as typeof client, args)
    begun.begin = (connection) => begun.query(connection, 'BEGIN IMMEDIATE;')
    return begun
  }
}
