import type { Database } from '../../src/api.ts'
import { HttpRoutes } from '../../src/http/route.ts'
import { Commands } from '../../src/module/command.ts'
import type { ModuleSurroundings } from '../../src/module/lifecycle.ts'
import { Metrics } from '../../src/observe/metrics.ts'
import type { Clock } from '../../src/util/clock.ts'

const noBounds = { maxBytes: 0, idleMs: 0 }

/** What modules are set up with where no server is: no database, no folders, no bounds, nowhere on the web. */
export function surroundingsOf(parts: {
  readonly clock: Clock
  readonly log: object
  readonly commands?: Commands
}): ModuleSurroundings {
  const metrics = new Metrics((_, error) => {
    throw error
  })
  return {
    db: {} as Database,
    data: '/nonexistent',
    clock: parts.clock,
    log: parts.log as never,
    metrics,
    server: {
      metrics,
      isStopping: () => false,
      name: 'Stonechat',
      version: '0',
      startedMs: 0,
      admins: [],
      components: [],
      streams: { beforeLogin: noBounds, afterLogin: noBounds },
      output: { pauseBytes: 0, dropBytes: 0, pauseMs: 0 },
      webUrl: undefined,
    },
    commands: parts.commands ?? new Commands(),
    routes: new HttpRoutes(),
    acceptClient: () => {
      throw new Error('Nobody is to connect.')
    },
  }
}
