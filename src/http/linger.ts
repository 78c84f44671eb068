import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cancel } from '../util/clock.ts'

/** So long a request that was refused may go on, in ms. */
const LINGER_MS = 2_000

/**
 * Reads on for a while what comes along with a request that is refused: were the connection cut at once, its sender would not hear the
 * answer. Whoever has not ended by then is cut off.
 */
export function linger(
  request: IncomingMessage,
  answer: ServerResponse,
  after: (ms: number, fn: () => void) => Cancel,
): void {
  if (request.complete || request.destroyed) return
  request.resume()
  // Of what is to be the last request, Node would cut off the rest.
  const isLast = !answer.shouldKeepAlive
  answer.shouldKeepAlive = true
  after(LINGER_MS, () => {
    if (isLast || !request.complete) request.socket.destroy()
  })
}
