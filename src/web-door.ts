import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { domainToASCII } from 'node:url'
import type Logger from 'bunyan'
import type { ServerConfig } from './config/server-config.ts'
import type { Admission, HttpServer } from './http/http-server.ts'
import type { HttpClient, HttpRoutes } from './http/route.ts'
import { type ConnectionCount, Listener } from './net/listener.ts'
import { secureSocket } from './net/secure-socket.ts'
import type { TlsContexts } from './net/tls-context.ts'
import { forwardedClient, type Networks } from './net/trusted-proxies.ts'
import type { Clock } from './util/clock.ts'

/** Where the world finds the HTTP server of a host, without a slash at the end; `undefined` when there is none. */
export function webUrl({ http, listen }: Pick<ServerConfig, 'http' | 'listen'>, domain: string): string | undefined {
  const host = domainToASCII(domain)
  if (http.url !== undefined) return http.url.replaceAll('{host}', host).replace(/\/$/, '')
  const { https, http: plain } = listen
  if (https.port > 0) return `https://${host}${https.port === 443 ? '' : `:${https.port}`}`
  return plain.port > 0 ? `http://${host}${plain.port === 80 ? '' : `:${plain.port}`}` : undefined
}

interface WebParts {
  readonly config: ServerConfig
  readonly clock: Clock
  readonly log: Logger
  /** Who may say which address a client has. */
  readonly proxies: Networks
}

/** The server's HTTP listeners, plain and with TLS, and what is served on them: the routes there are when it is opened. */
export class WebDoor {
  readonly #http: HttpServer
  readonly #parts: WebParts
  readonly #listeners: Listener[] = []

  private constructor(http: HttpServer, parts: WebParts) {
    this.#http = http
    this.#parts = parts
  }

  static async open(routes: HttpRoutes, parts: WebParts): Promise<WebDoor> {
    const { config, log } = parts
    const { header, headerTime, idle } = config.limits.http
    // Not before: commands need none, and fastify takes long to load.
    const { HttpServer } = await import('./http/http-server.ts')
    const http = await HttpServer.open({
      routes,
      limits: { headerBytes: header, headersMs: headerTime, idleMs: idle },
      domainOf: domainFinder(config),
      clientOf: (peer, headers) => clientBehind(peer, headers, parts.proxies),
      log,
    })
    return new WebDoor(http, parts)
  }

  /** Opens a port, and resolves with its number; `tls` makes it HTTPS. */
  async listenOn(address: string, port: number, count: ConnectionCount, tls?: TlsContexts): Promise<number> {
    const { clock, config, log, proxies } = this.#parts
    const listener = new Listener({ count, proxies, clock, log }, (socket, address) => {
      const admits: Admission = (client, carrier) => this.#counts(count, address, client, carrier)
      // RFC 8446 and RFC 9113 are for what leaves the machine: nobody reads along within it.
      if (tls === undefined)
        return this.#http.take(socket, { address, secure: isLoopback(address), channelBinding: undefined }, admits)
      const parts = { tls, alpn: 'http/1.1', clock, handshakeMs: config.limits.preAuth.time }
      secureSocket(socket, parts, (secure, channelBinding) =>
        this.#http.take(secure, { address, secure: true, channelBinding } satisfies HttpClient, admits),
      )
    })
    this.#listeners.push(listener)
    return await listener.listen(address, port)
  }

  /** Counts a connection of a proxy's that becomes one client's own for that client, too. False when it has too many. */
  #counts(count: ConnectionCount, peer: string, { address }: HttpClient, socket: Duplex): boolean {
    if (address === peer) return true
    if (!count.identify(address)) {
      this.#parts.log.debug({ address }, 'too many connections')
      return false
    }
    socket.on('close', () => count.forget(address))
    return true
  }

  /** Takes no more connections; those that are there go on. */
  stopListening(): void {
    for (const listener of this.#listeners) listener.close()
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.stopListening()
    await this.#http.close()
  }
}

/** Who stands behind a peer that is a trusted proxy, as it says; anybody else stands for itself. */
function clientBehind(peer: HttpClient, headers: IncomingHttpHeaders, proxies: Networks): HttpClient {
  if (!proxies.has(peer.address)) return peer
  const { forwarded, 'x-forwarded-for': old, 'x-forwarded-proto': scheme } = headers
  // It asks for itself.
  if (forwarded === undefined && old === undefined && scheme === undefined) return peer
  const said = { forwarded, xForwardedFor: textOf(old), xForwardedProto: textOf(scheme) }
  // The proxy's own TLS is not the client's: a login cannot be bound to it, and what is not said of how the client came is not known.
  return { ...forwardedClient(peer.address, said, proxies), channelBinding: undefined }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : String(header)
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** Finds the host a `Host` header means: by its domain or by the name in its URL, else the first. */
function domainFinder(config: ServerConfig): (host: string | undefined) => string {
  const [first = 'localhost'] = config.hosts
  const byName = new Map<string, string>()
  for (const domain of config.hosts) {
    const url = webUrl(config, domain)
    // Where one name stands for all hosts, it is the first one's.
    for (const name of [domainToASCII(domain), ...(url === undefined ? [] : [new URL(url).hostname])])
      if (!byName.has(name)) byName.set(name, domain)
  }
  return (host) => byName.get((host ?? '').toLowerCase().replace(/\.?(?::\d+)?$/, '')) ?? first
}
