import { type Dialect, dialects } from '../support/databases.ts'
import type { Mariadb, MysqlServer } from '../support/mariadb.ts'
import type { Fault } from './check.ts'
import { Crowd } from './crowd.ts'
import { type Kind, ServerProcess } from './server.ts'

/** What a scenario is played with. */
export interface Setting {
  readonly kind: Kind
  readonly pairs: number
  readonly dialect: Dialect
  /** A database server, where the dialect is MySQL. */
  readonly mysql: MysqlServer | undefined
  /** A line for whoever watches. */
  say(line: string): void
  /** Called with each crowd before it logs in. */
  readonly prepares?: (crowd: Crowd) => void
}

/** How a scenario went. */
export interface Outcome {
  readonly title: string
  readonly faults: readonly Fault[]
  readonly figures: Readonly<Record<string, string | number>>
}

export type { Dialect }
export { dialects }

/** A server and the crowd on it. */
export interface Stage {
  readonly server: ServerProcess
  readonly crowd: Crowd
}

/**
 * Starts a server with a crowd that has logged in, plays, and puts everything away. The outcome has what was counted and
 * found wrong; a play that throws is a fault too, told with the last lines of the server.
 */
export async function stage(
  setting: Setting,
  title: string,
  play: (stage: Stage) => Promise<Readonly<Record<string, string | number>>>,
  options: { data?: string } = {},
): Promise<Outcome> {
  const database = setting.dialect === 'sqlite' ? 'sqlite' : await setting.mysql!.createDatabase()
  const server = await ServerProcess.start(setting.kind, { accounts: setting.pairs * 2, database, ...options })
  const crowd = new Crowd(server.target, setting.pairs)
  setting.prepares?.(crowd)
  let figures: Readonly<Record<string, string | number>> = {}
  try {
    await crowd.login()
    figures = await play({ server, crowd })
  } catch (error) {
    crowd.findings.blames('broken', `${(error as Error).stack}\nThe server said:\n${server.said}`)
  } finally {
    crowd.findings.mayBeDropped = true
    await crowd.leaves()
    await server.remove()
  }
  return {
    title: `${title} on ${setting.dialect}`,
    faults: crowd.findings.faults,
    figures: { ...crowd.figures, ...figures },
  }
}

/** The database server of a setting, where it can be killed. */
export function mortal(mysql: MysqlServer | undefined): Mariadb {
  if (mysql === undefined || !('kill' in mysql)) throw new Error('this needs a MariaDB server of its own')
  return mysql as Mariadb
}

/** A number of milliseconds from a range, at random: the moment of a mishap. */
export function someMs(from: number, to: number): number {
  return from + Math.random() * (to - from)
}
