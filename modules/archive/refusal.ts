import { BatchFullError, isUnavailable, StanzaError } from '#api'

/**
 * What the sender of a message hears when it could not be stored: a database that is away is no mystery, and the log has it
 * from the database's own watch. Any other error stays as it is.
 */
export function refusalOf(error: unknown): unknown {
  if (error instanceof BatchFullError || isUnavailable(error))
    return new StanzaError('internal-server-error', 'The message could not be stored. Try again later.', {
      type: 'wait',
    })
  return error
}
