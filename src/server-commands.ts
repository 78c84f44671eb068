import type Logger from 'bunyan'
import type { HostsByDomain } from './account-finder.ts'
import { logCommands } from './log-commands.ts'
import type { CommandSpec } from './module/command.ts'
import { sessionCommands } from './session-commands.ts'
import { type Stopping, stopCommands } from './stopping.ts'
import { userCommands } from './user-commands.ts'
import { userLists } from './user-lists.ts'

/** What the groups of commands are about, by the first word of their names. */
export const groupSummaries: Readonly<Record<string, string>> = {
  user: 'Looks after accounts, whether the server is running or not.',
  log: 'Tells and changes what a server that is running logs.',
  session: 'Looks after the sessions of a server that is running.',
  server: 'Ends a server that is running, or starts it anew.',
}

/** The commands that need no module. Without hosts, `stopping` and a log they are only declared. */
export function serverCommands(hosts: HostsByDomain = new Map(), stopping?: Stopping, log?: Logger): CommandSpec[] {
  return [
    ...userCommands(hosts),
    ...userLists(hosts),
    ...sessionCommands(hosts),
    ...stopCommands(hosts, stopping),
    ...logCommands(stopping, log),
  ]
}
