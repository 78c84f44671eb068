import { lacksMariadb, type Mariadb, startMariadb } from './database.ts'
import type { Target } from './load-client.ts'
import { cpuMicros, threadMicros } from './process-figures.ts'
import type { Features, ServerKind } from './server-kind.ts'
import { type RunningServer, startServer } from './servers.ts'

/** What to start: a server, and whether it keeps its things in a MariaDB of its own. */
export interface Entry {
  readonly kind: ServerKind
  readonly onMariadb: boolean
  /** Whether clients come by WebSocket; over TCP unless told. */
  readonly byWebSocket?: boolean
}

/** CPU time in microseconds, user and system, with that of the database apart. */
export interface Cpu {
  readonly server: number
  readonly database: number
}

/** A server that takes part, with its database. */
export interface Contender {
  readonly name: string
  readonly storage: string
  readonly server: RunningServer
  readonly byWebSocket: boolean
  /** Where its clients connect. */
  target(tls: boolean): Target
  /** CPU time used since the start. */
  cpu(): Cpu
  stop(): Promise<void>
}

/** Names what this machine lacks and returns the entries that can be started. */
export function possible(entries: readonly Entry[], features: Features): Entry[] {
  const found = entries.filter(({ kind, onMariadb }) => {
    const missing = (onMariadb ? lacksMariadb() : undefined) ?? kind.lacks(features, onMariadb)
    if (missing !== undefined) process.stdout.write(`${kind.name} is not measured, as there is no ${missing}.\n`)
    return missing === undefined
  })
  if (found.length === 0) throw new Error('there is no server to measure')
  return found
}

/** Starts a server with its database and the accounts user0 to user<accounts − 1>. */
export async function start(entry: Entry, accounts: number, features: Features): Promise<Contender> {
  const { kind, onMariadb, byWebSocket = false } = entry
  const mariadb = onMariadb ? await startMariadb(kind.name) : undefined
  try {
    const server = await startServer(kind, accounts, features, mariadb?.access)
    return contender(server, mariadb, kind.ownStorage, byWebSocket)
  } catch (error) {
    await mariadb?.stop()
    throw error
  }
}

/** Starts them one after the other; when one does not start, those that run are stopped. */
export async function startAll(entries: readonly Entry[], accounts: number, features: Features): Promise<Contender[]> {
  const contenders: Contender[] = []
  try {
    for (const entry of entries) contenders.push(await start(entry, accounts, features))
    return contenders
  } catch (error) {
    await stopAll(contenders)
    throw error
  }
}

/** Stops all. */
export async function stopAll(contenders: readonly Contender[]): Promise<void> {
  await Promise.all(contenders.map((contender) => contender.stop()))
}

/** Names and versions, as the kept figures give them. */
export function versions(contenders: readonly Contender[]): string[] {
  return contenders.map(({ server, storage }) => `${server.name} ${server.version} on ${storage}`)
}

function contender(
  server: RunningServer,
  mariadb: Mariadb | undefined,
  ownStorage: string,
  byWebSocket: boolean,
): Contender {
  return {
    name: server.name,
    storage: mariadb === undefined ? ownStorage : 'MariaDB',
    server,
    byWebSocket,
    target: byWebSocket ? server.webTarget : server.target,
    cpu: () => ({ server: cpuMicros(server.pid), database: mariadb === undefined ? 0 : cpuMicros(mariadb.pid) }),
    stop: async () => {
      await server.stop()
      await mariadb?.stop()
    },
  }
}

/** CPU time used since the start, the server's to less than a clock tick, as long as none of its threads ends. */
export function exactly(contender: Contender): Cpu {
  return { ...contender.cpu(), server: threadMicros(contender.server.pid) }
}

/** What was used between two readings. */
export function used(before: Cpu, after: Cpu): Cpu {
  return { server: after.server - before.server, database: after.database - before.database }
}
