import type Logger from 'bunyan'
import { CommandError, type CommandSpec } from './module/command.ts'
import { type LogLevel, levelOf, logLevels } from './observe/log.ts'
import type { Stopping } from './stopping.ts'

/** The command that tells and changes what a server logs; `stopping` knows whether one runs. */
export function logCommands(stopping: Stopping | undefined, log: Logger | undefined): CommandSpec[] {
  return [
    {
      name: 'log level',
      summary: 'Tells from which level on lines are logged, or changes that until the server is started again.',
      args: [
        {
          name: 'level?',
          summary: `The least important lines to log: ${logLevels.join(', ')}.`,
          label: 'Least important lines to log',
          choices: logLevels.map((value) => ({ value })),
        },
      ],
      run: async ([level = '']) => {
        if (log === undefined || stopping?.runner === undefined)
          throw new CommandError('No server is running: its level is that of log.level in server.yaml.')
        const before = levelOf(log)
        if (level === '') return [`Lines are logged from level ${before} on.`]
        if (!isLevel(level)) throw new CommandError(`${level} is no level; those are ${logLevels.join(', ')}.`)
        log.level(level)
        return [`Lines are logged from level ${level} on; it was ${before} before.`]
      },
    },
  ]
}

function isLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}
