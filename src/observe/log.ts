import type Logger from 'bunyan'

/** The least important line that is written: one of bunyan’s levels. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

const NUMBERS: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }

/** The level of a log. */
export function levelOf(log: Logger): string {
  return logLevels.find((name) => NUMBERS[name] === log.level()) ?? String(log.level())
}

/**
 * Has the children that a log gets from now on, and theirs, go by its level and not by one of their own that was its once. Calling
 * it again does nothing.
 */
export function shareLevel(log: Logger): void {
  const parent = log as SharingLogger
  if (parent[shares] === true) return
  parent[shares] = true
  const { child } = parent
  parent.child = (...args: Parameters<Logger['child']>) => {
    const made = child.apply(parent, args) as SharingLogger
    made.streams = parent.streams
    Object.defineProperty(made, '_level', {
      get: () => parent._level,
      set: (level: number) => {
        parent._level = level
      },
    })
    shareLevel(made)
    return made
  }
}

const shares = Symbol('shares its level')

/** What bunyan keeps of a logger: the least of the levels of its streams, and these. */
interface SharingLogger extends Omit<Logger, 'child'> {
  _level: number
  streams: unknown
  child(...args: Parameters<Logger['child']>): Logger
  [shares]?: boolean
}
