import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** What is wrong with a request, for whoever made it (RFC 9457): thrown by a route's handler. */
export class HttpProblem extends Error {
  readonly status: number
  /** Headers that belong to the answer, such as `retry-after`. */
  readonly headers: Readonly<Record<string, string>>

  /** `detail` is a sentence for the person who reads the answer. */
  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.name = 'HttpProblem'
    this.status = status
    this.headers = headers
  }
}

/** The media type of {@link problemBody}. */
export const PROBLEM_TYPE = 'application/problem+json'

/** The body that tells of a problem (RFC 9457 §3). */
export function problemBody(status: number, detail: string): string {
  return JSON.stringify({ title: STATUS_CODES[status] ?? 'Error', status, detail })
}

/** Answers a client that asked for an upgrade in vain, and ends the connection. */
export function refuseUpgrade(
  socket: Duplex,
  status: number,
  detail = 'Nothing can be upgraded at this address.',
): void {
  const body = problemBody(status, detail)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\n`
  // What else it says is not kept, and the connection does not wait for it to leave.
  socket.resume()
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy())
}
