import knexModule, { type Knex } from 'knex'
import mysql from 'mysql2'
import { DatabaseError } from './failure.ts'
import { knexLog, type StorageLog } from './knex-log.ts'
import type { Statement } from './statement.ts'

/** How long connecting may take. */
const CONNECT_MS = 3000
/** How long a query may wait for a free connection of the pool. */
const ACQUIRE_MS = 5000
/** How long a statement may stay without an answer before its connection is given up as dead. */
export const ANSWER_MS = 20_000

/** A mysql2 connection as Knex's pool keeps it. */
export interface MysqlConnection {
  query(statement: unknown, ...rest: unknown[]): unknown
  destroy(): void
  /** Set for statements that may take long, such as those of migrations. */
  patient?: boolean
  /** Knex drops a connection marked so instead of lending it again. */
  __knex__disposed?: unknown
}

/** How a pool of connections differs from the usual. */
export interface MysqlPool {
  readonly size: number
  readonly answerMs?: number | undefined
  /** Whether several statements may stand in one query: only for what {@link commitMysql} and {@link readMysql} put together. */
  readonly multipleStatements?: boolean
}

/** Opens a pool of connections to the MySQL or MariaDB server that `url` names. */
export function openMysql(url: string, pool: MysqlPool, log: StorageLog): Knex {
  const { size, answerMs = ANSWER_MS, multipleStatements = false } = pool
  return knexModule.knex({
    client: 'mysql2',
    connection: { ...connectionSettings(url), multipleStatements } as Knex.StaticConnectionConfig,
    pool: {
      min: 0,
      max: Math.max(1, size),
      afterCreate: prepareWithin(answerMs),
      createTimeoutMillis: CONNECT_MS + 1000,
    },
    acquireConnectionTimeout: ACQUIRE_MS,
    // Without this, errors would carry the values of a statement into the log.
    compileSqlOnError: false,
    log: knexLog(log),
  })
}

/** UTF-16 units of values in one question, about: as they are escaped they stay below what the server takes unless told otherwise. */
const MAX_LENGTH = 1_000_000

/**
 * Runs statements in one transaction, with one question to the server unless they are long, which costs it and us a fraction
 * of asking one by one. The connection must take several statements. When this rejects, the transaction is taken back, or
 * the connection is not lent again.
 */
export async function commitMysql(connection: MysqlConnection, statements: readonly Statement[]): Promise<void> {
  try {
    let sql = 'BEGIN'
    let values: Statement['bindings'][number][] = []
    let length = 0
    for (const { sql: text, bindings } of statements) {
      const added = lengthOf(bindings)
      if (length > 0 && length + added > MAX_LENGTH) {
        await ask(connection, sql, values)
        sql = text
        values = [...bindings]
        length = added
        continue
      }
      sql += `;${text}`
      for (const binding of bindings) values.push(binding)
      length += added
    }
    await ask(connection, `${sql};COMMIT`, values)
  } catch (error) {
    try {
      await ask(connection, 'ROLLBACK', [])
    } catch (failure) {
      connection.__knex__disposed = failure
    }
    throw error
  }
}

/** The rows of statements that read, of each its own, with one question to the server. The connection must take several. */
export function readMysql(connection: MysqlConnection, statements: readonly Statement[]): Promise<unknown[][]> {
  const sql = statements.map((statement) => statement.sql).join(';')
  const values = statements.flatMap(({ bindings }) => bindings)
  return new Promise((resolve, reject) => {
    connection.query({ sql, values }, (error: Error | null, rows: unknown[]) => {
      if (error !== null) reject(error)
      else resolve(statements.length === 1 ? [rows] : (rows as unknown[][]))
    })
  })
}

function lengthOf(bindings: Statement['bindings']): number {
  let length = 0
  for (const binding of bindings) if (typeof binding === 'string') length += binding.length
  return length
}

function ask(connection: MysqlConnection, sql: string, values: readonly unknown[]): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, values }, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}

/**
 * Connects once, apart from any pool.
 *
 * @throws the driver's error when the server does not let us in or does not answer a query.
 */
export async function probeMysql(url: string): Promise<{ flushEachCommit: boolean }> {
  const connection = mysql.createConnection(connectionSettings(url))
  // An error that comes after the answer is nobody's.
  connection.on('error', () => {})
  try {
    const sql = 'select @@innodb_flush_log_at_trx_commit as flush'
    const row = await new Promise<{ flush: number }>((resolve, reject) => {
      connection.query({ sql, timeout: CONNECT_MS }, (error, rows) => {
        if (error) reject(error)
        else resolve((rows as { flush: number }[])[0]!)
      })
    })
    return { flushEachCommit: row.flush === 1 }
  } finally {
    connection.destroy()
  }
}

/**
 * Reads a URL `mysql://user:password@host:port/name`; user, password and name are percent-decoded.
 *
 * @throws DatabaseError when it is none, without repeating the password.
 */
export function connectionSettings(text: string): mysql.ConnectionOptions {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const database = decodeURIComponent(url?.pathname.slice(1) ?? '')
  if (url?.protocol !== 'mysql:' || url.hostname === '' || database === '' || url.search !== '') {
    throw new DatabaseError('The database must be given as mysql://user:password@host:port/name.')
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: CONNECT_MS,
    supportBigNumbers: true,
    // An object among the bindings would become SQL (`a` = 1).
    stringifyObjects: true,
    // The server must not ask for files of ours.
    flags: ['-LOCAL_FILES'],
    // Keys are varbinary (see columns.ts), and text to us; blobs stay Buffers.
    typeCast: (field, next) => (field.type === 'VAR_STRING' || field.type === 'STRING' ? field.string('utf8') : next()),
  }
}

/** Names the server and database of a URL, without the password. */
export function describeMysql(text: string): string {
  const { user, host, port, database } = connectionSettings(text)
  return `mysql://${user}@${host}:${port}/${database}`
}

const SESSION = [
  'set names utf8mb4 collate utf8mb4_bin',
  `set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY', time_zone = '+00:00', innodb_lock_wait_timeout = 10`,
  // The default, repeatable read, locks gaps between rows, over which inserts of strangers deadlock.
  'set session transaction isolation level read committed',
]

type Prepare = (connection: MysqlConnection, done: (error: Error | null, connection: MysqlConnection) => void) => void

function prepareWithin(answerMs: number): Prepare {
  return (connection, done) => {
    limitWaiting(connection, answerMs)
    const next = (index: number): void => {
      const sql = SESSION[index]
      const step = (error: Error | null) => (error ? done(error, connection) : next(index + 1))
      if (sql === undefined) done(null, connection)
      else connection.query({ sql }, step)
    }
    next(0)
  }
}

/**
 * Gives every statement a time limit. A server that hangs or vanished behind a router neither answers nor resets, and the
 * connection would be held for ever. After the limit it is destroyed: an answer coming late would be taken for the next.
 */
function limitWaiting(connection: MysqlConnection, answerMs: number): void {
  const query = connection.query.bind(connection)
  connection.query = (statement, ...rest) => {
    const callback = rest.at(-1)
    if (connection.patient === true || typeof statement !== 'object' || typeof callback !== 'function')
      return query(statement, ...rest)
    let command: { queryTimeout?: NodeJS.Timeout | null } | undefined
    const answered = (error: { code?: string } | null, ...results: unknown[]): void => {
      // mysql2 forgets it when the connection is lost, and the program could not end before the limit.
      clearTimeout(command?.queryTimeout ?? undefined)
      if (error?.code === 'PROTOCOL_SEQUENCE_TIMEOUT') {
        connection.__knex__disposed = error
        connection.destroy()
      }
      callback(error, ...results)
    }
    command = query({ ...statement, timeout: answerMs }, ...rest.slice(0, -1), answered) as typeof command
    return command
  }
}
