import type { Database } from '../../src/api.ts'
import { HttpRoutes } from '../../src/http/route.ts'
import { Commands } from '../../src/module/command.ts'
import type { ModuleSurroundings } from '../../src/module/lifecycle.ts'
import type { Clock } from '../../src/util/clock.ts'

const noBounds = { maxBytes: 0, idleMs: 0 }

/** What modules are set up with where no server is: no database, no bounds, nowhere on the web. */
export function surroundingsOf(parts: {
  readonly clock: Clock
  readonly log: object
  readonly commands?: Commands
}): ModuleSurroundings {
  return {
    db: {} as Database,
    clock: parts.clock,
    log: parts.log as never,
    server: {
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
