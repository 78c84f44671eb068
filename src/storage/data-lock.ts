import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import knexModule from 'knex'
import { DatabaseError } from './failure.ts'

interface Connection {
  pragma(statement: string): unknown
  exec(sql: string): unknown
}

/**
 * Takes a data folder for this process alone, making it when it is missing, until what this resolves with is called. The lock
 * is the system's, on a file of the folder, so it goes with the process however that ends.
 *
 * @returns undefined when another process has it.
 * @throws DatabaseError when the folder cannot be used.
 */
export async function lockData(folder: string): Promise<(() => Promise<void>) | undefined> {
  const filename = join(folder, 'server.lock')
  const take = (connection: Connection, done: (error: Error | null, connection: Connection) => void): void => {
    try {
      connection.pragma('busy_timeout = 0')
      connection.exec('BEGIN EXCLUSIVE')
      done(null, connection)
    } catch (error) {
      done(error as Error, connection)
    }
  }
  const knex = knexModule.knex({
    client: 'better-sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: take },
    log: { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} },
  })
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    await knex.raw('select 1')
    return () => knex.destroy()
  } catch (error) {
    await knex.destroy()
    if ((error as { code?: string }).code === 'SQLITE_BUSY') return undefined
    const { message } = error as Error
    const cure = 'Make it a folder that the user of the server may write to, or correct the option "data"'
    throw new DatabaseError(`The data folder ${folder} cannot be used: ${message}. ${cure}.`, { cause: error })
  }
}
