/** What storage asks of a logger; a bunyan logger has it. */
export interface StorageLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

interface KnexLog {
  warn(message: unknown): void
  error(message: unknown): void
  deprecate(method: string, alternative: string): void
  debug(message: unknown): void
}

/** Knex's own messages, which would go to the console, in the log. What it warns of reaches the caller as an error too. */
export function knexLog(log: StorageLog): KnexLog {
  const write = (message: unknown) => log.debug({ knex: String(message) }, 'knex')
  return {
    warn: write,
    error: write,
    debug: write,
    deprecate: (method, alternative) => write(`${method}: use ${alternative}`),
  }
}
