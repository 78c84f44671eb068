/** The database cannot be opened; the message tells an admin what is wrong and what to do. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
}

/** True for the error of a write that would have made two rows of the same unique key. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY' || code === 'ER_DUP_ENTRY'
}

/** True for the error of a MySQL transaction that lost against another and may be run again. */
export function isDeadlock(error: unknown): boolean {
  return codeOf(error) === 'ER_LOCK_DEADLOCK'
}

/**
 * True for an error that is the database's state and not the statement's fault: the connection was lost or refused, no
 * answer came in time, the file is locked or the disk full. Trying again later may succeed. A commit that failed so may
 * have taken place.
 */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error)
  // mysql2 marks as fatal every error after which the connection is of no use; some of these have no code.
  return UNAVAILABLE.has(code) || code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_IOERR') || isFatal(error)
}

/** True for an error that stays until somebody makes room: there is no point in trying again soon. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'SQLITE_FULL' || code === 'ER_DISK_FULL'
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && ((error as { fatal?: boolean }).fatal === true || error.name === 'KnexTimeoutError')
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : ''
}

const UNAVAILABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_SERVER_SHUTDOWN',
  'ER_NORMAL_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_OPTION_PREVENTS_STATEMENT', // a server that is read-only for now
  'ER_DISK_FULL',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
])
