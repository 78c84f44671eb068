import { createHash, timingSafeEqual } from 'node:crypto'
import { type HttpRequest, Networks } from '#api'

/** By which a proxy says for whom it asks, or that it is one. */
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
] as const
const loopback = new Networks(['127.0.0.0/8', '::1'])

/** What is asked of those who want the metrics. */
export interface MetricsAccess {
  readonly allow: readonly string[]
  readonly token?: string | undefined
}

/** Decides who gets the metrics: requests from the networks allowed, with the token if there is one. */
export function metricsAccess({ allow, token }: MetricsAccess): (request: MetricsRequest) => boolean {
  const networks = new Networks(allow)
  const hash = token === undefined ? undefined : hashOf(`Bearer ${token}`)
  return ({ client, headers }) => {
    // This machine asks for somebody else, whose address is known to a proxy that is not trusted: that is not this machine.
    if (loopback.has(client.address) && PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false
    if (!networks.has(client.address)) return false
    return hash === undefined || timingSafeEqual(hash, hashOf(headers.authorization ?? ''))
  }
}

/** What the decision goes by. */
export interface MetricsRequest {
  readonly client: Pick<HttpRequest['client'], 'address'>
  readonly headers: HttpRequest['headers']
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
