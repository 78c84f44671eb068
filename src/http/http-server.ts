import http, { type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type Logger from 'bunyan'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { randomId } from '../util/id.ts'
import { nextSerial, serialName } from '../util/serial.ts'
import { HttpProblem, PROBLEM_TYPE, problemBody, refuseUpgrade } from './problem.ts'
import type { HttpAccess, HttpClient, HttpMethod, HttpRoute, HttpRoutes } from './route.ts'

/** Bounds on requests and connections, in ms and bytes; 0 is none. */
export interface HttpLimits {
  /** From the connection, or the last answer, to the end of a request's headers. */
  readonly headersMs: number
  /** Silence, in a request or between two of them. */
  readonly idleMs: number
  readonly headerBytes: number
}

/** What an {@link HttpServer} is made of. */
export interface HttpServerParts {
  readonly routes: HttpRoutes
  readonly limits: HttpLimits
  /** The domain a `Host` header means. */
  readonly domainOf: (host: string | undefined) => string
  /** Who is at the other end, as the headers of a request tell of who stands behind `peer`. */
  readonly clientOf: (peer: HttpClient, headers: http.IncomingHttpHeaders) => HttpClient
  readonly log: Logger
}

/** Who is at the other end of a connection, and whether it may become something else for a client whom a request tells of. */
interface Peer {
  readonly client: HttpClient
  readonly admits: Admission
  /** Answers that have not gone out: whoever asks on meanwhile gets them one after the other. */
  readonly answers: Set<http.ServerResponse>
  /** Nothing more that comes is looked at. */
  done: boolean
}

/** So many requests of a connection may wait for their answers at once: each takes up what one alone does. */
const MOST_WAITING = 8
/** How often it is seen whether requests are too slow, at least, in ms. */
const WATCH_MS = 5_000
/** More than any header has; Node has a limit of its own where it is given none. */
const ANY_BYTES = 2 ** 31 - 1

/** Whether a connection may become a client's own: that one may have too many. */
export type Admission = (client: HttpClient, socket: Duplex) => boolean

/** What an answer says unless its route says otherwise: it is no page, is in no frame, and loads nothing. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/**
 * Speaks HTTP on connections it is given, whatever they came by. What is on no route is refused, and so is a route that does
 * not say who may use it.
 */
export class HttpServer {
  readonly #parts: HttpServerParts
  readonly #app: FastifyInstance
  readonly #server: http.Server
  readonly #peers = new WeakMap<Duplex, Peer>()

  private constructor(parts: HttpServerParts, app: FastifyInstance, server: http.Server) {
    this.#parts = parts
    this.#app = app
    this.#server = server
  }

  /** Takes up the routes there are; later ones are not served. */
  static async open(parts: HttpServerParts): Promise<HttpServer> {
    const { limits, domainOf } = parts
    let server: http.Server | undefined
    const isServed = (protocol: string) => parts.routes.upgrades.some(({ route }) => route.protocol === protocol)
    const app = Fastify({
      serverFactory: (handler) => {
        server = http.createServer(
          {
            headersTimeout: limits.headersMs,
            keepAliveTimeout: limits.idleMs,
            // A long body may take long, as long as it moves.
            requestTimeout: 0,
            connectionsCheckingInterval: Math.min(limits.headersMs || WATCH_MS, WATCH_MS),
            maxHeaderSize: limits.headerBytes || ANY_BYTES,
            // RFC 9110 §7.8: who would like another protocol, such as HTTP/2, gets this one.
            shouldUpgradeCallback: ({ headers }) => isServed(headers.upgrade!.toLowerCase()),
          },
          (request, response) => {
            if (created.#accepts(request, response)) (handler as http.RequestListener)(request, response)
          },
        )
        return server
      },
      forceCloseConnections: true,
      clientErrorHandler: (error, socket) => created.#refuse(error, socket),
      // Nobody outside has a say in it: what a client sends as one is not looked at.
      requestIdHeader: false,
      genReqId: () => serialName(nextSerial()),
      routerOptions: {
        // As long as anything the address line may hold.
        maxParamLength: ANY_BYTES,
        onBadUrl: (_path: string, _request: unknown, reply: FastifyReply) =>
          refuse(reply as never, 400, 'The address cannot be understood.'),
        constraints: { domain: domainConstraint(domainOf) },
      } as never,
    })
    const created = new HttpServer(parts, app, server!)
    created.#prepare()
    for (const { domain, route } of parts.routes.routes) created.#serve(domain, route)
    created.#servePreflights()
    await app.ready()
    server!.on('upgrade', (request, socket, head) => created.#upgrade(request, socket, head))
    server!.setTimeout(limits.idleMs)
    server!.on('checkContinue', (request, response) => {
      continueWhenRead(request, response)
      server!.emit('request', request, response)
    })
    // It never listens itself, but watches over its connections from this event on.
    server!.emit('listening')
    return created
  }

  /** Speaks with whoever is at the other end of a connection; `admits` is asked before that becomes something else. */
  take(socket: Duplex, client: HttpClient, admits: Admission = () => true): void {
    this.#peers.set(socket, { client, admits, answers: new Set(), done: false })
    this.#server.emit('connection', socket)
  }

  /** Ends all connections but those that have become something else. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    // It stops its watch; that it never listened is no failure.
    this.#server.close(() => {})
    await this.#app.close()
  }

  #clientOf(request: IncomingMessage): HttpClient {
    return this.#parts.clientOf(this.#peerOf(request).client, request.headers)
  }

  #peerOf(request: IncomingMessage): Peer {
    const peer = this.#peers.get(request.socket)
    if (peer === undefined) throw new Error('A request came on a connection nobody gave.')
    return peer
  }

  /** Whether a request is to be answered by a route; else it has been dealt with. */
  #accepts(request: IncomingMessage, response: http.ServerResponse): boolean {
    const { socket } = request
    const peer = this.#peerOf(request)
    if (peer.done) return false
    if (peer.answers.size >= MOST_WAITING) {
      peer.done = true
      socket.destroy()
      return false
    }
    peer.answers.add(response)
    response.once('close', () => peer.answers.delete(response))
    const fault = faultOf(request)
    if (fault === undefined) return true
    // What follows may be a part of it.
    peer.done = true
    refuse(response, fault.status, fault.message, { connection: 'close' })
    return false
  }

  /** Answers what is no request, unless an answer is on its way. */
  #refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
    const peer = this.#peers.get(socket)
    if (peer !== undefined) peer.done = true
    if (code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
    if (peer !== undefined && [...peer.answers].some(({ headersSent }) => headersSent)) return void socket.destroy()
    refuseUpgrade(socket, STATUS_OF[code ?? ''] ?? 400, 'This is no request that can be understood.')
  }

  #prepare(): void {
    const { log } = this.#parts
    const app = this.#app
    // No body is read before a route's handler asks for it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.decorateRequest('client', null as unknown as HttpClient)
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(SAFE_HEADERS)
      request.client = this.#clientOf(request.raw)
      // Browsers send it for files whose type they do not know; fastify would refuse them.
      if (request.headers['content-type'] === '') delete request.headers['content-type']
      const { access } = request.routeOptions.config as { access?: HttpAccess }
      if (access === 'anyone' || request.is404) return
      if (access === undefined || !(await access(request))) throw new HttpProblem(403, 'You may not use this address.')
    })
    app.addHook('onResponse', async (request, reply) => {
      // The path as it is declared: what is in its place may be a secret.
      const { id: requestId, method, routeOptions, client } = request
      const { url: path } = routeOptions
      const ms = Math.round(reply.elapsedTime)
      log.debug({ requestId, method, path, status: reply.statusCode, ms, address: client?.address }, 'request')
    })
    app.setNotFoundHandler((_request, reply) => answerProblem(reply, 404, 'There is nothing at this address.'))
    app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
      if (error instanceof HttpProblem) {
        reply.headers(error.headers)
        return answerProblem(reply, error.status, error.message)
      }
      // Whoever sent it has gone in the middle.
      if (request.raw.errored === error) return answerProblem(reply, 400, 'The request did not come whole.')
      const { statusCode = 500 } = error
      if (statusCode < 500) return answerProblem(reply, statusCode, 'The request cannot be understood.')
      const id = randomId()
      log.error({ err: error, id, requestId: request.id, path: request.routeOptions.url }, 'a request failed')
      return answerProblem(reply, 500, `The server's log has the reason under ${id}.`)
    })
  }

  #serve(domain: string, route: HttpRoute): void {
    const { method, path: url, access, origins } = route
    this.#app.route({
      method,
      url,
      constraints: { domain },
      config: { access },
      handler: (request, reply) => {
        if (origins !== undefined) allowOrigin(request, reply, origins)
        return route.handle(request, reply)
      },
    })
  }

  /** Fetch §3.2: scripts of other origins ask first. */
  #servePreflights(): void {
    const shared = new Map<
      string,
      { domain: string; path: string; origins: readonly string[]; methods: HttpMethod[] }
    >()
    for (const { domain, route } of this.#parts.routes.routes) {
      if (route.origins === undefined) continue
      const key = `${domain} ${route.path}`
      const known = shared.get(key) ?? { domain, path: route.path, origins: route.origins, methods: [] }
      known.methods.push(route.method)
      shared.set(key, known)
    }
    for (const { domain, path, origins, methods } of shared.values())
      this.#app.route({
        method: 'OPTIONS',
        url: path,
        constraints: { domain },
        config: { access: 'anyone' },
        handler: (request, reply) => {
          if (allowOrigin(request, reply, origins))
            reply.headers({
              'access-control-allow-methods': methods.join(', '),
              'access-control-allow-headers': 'authorization, content-type, range',
              'access-control-max-age': '7200',
            })
          return reply.code(204).send()
        },
      })
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const fault = faultOf(request)
    if (fault !== undefined) return refuseUpgrade(socket, fault.status, fault.message)
    const path = pathOf(request.url)
    const domain = this.#parts.domainOf(request.headers.host)
    const wanted = request.headers.upgrade?.toLowerCase()
    const found = this.#parts.routes.upgrades.find(
      (one) => one.domain === domain && one.route.path === path && one.route.protocol === wanted,
    )
    if (found === undefined || request.method !== 'GET') return refuseUpgrade(socket, 404)
    try {
      const client = this.#clientOf(request)
      if (!this.#peerOf(request).admits(client, socket))
        return refuseUpgrade(socket, 429, 'There are too many connections of your address.')
      found.route.upgrade(request, socket, head, client)
    } catch (error) {
      this.#parts.log.error({ err: error, requestId: serialName(nextSerial()), path }, 'an upgrade failed')
      refuseUpgrade(socket, 500)
    }
  }
}

/** Says in the answer that the origin of a request may read it, if it may. */
function allowOrigin(request: FastifyRequest, reply: FastifyReply, origins: readonly string[]): boolean {
  const { origin } = request.headers
  const any = origins.includes('*')
  if (!any) reply.header('vary', 'origin')
  if (origin === undefined || !(any || origins.includes(origin))) return false
  reply.header('access-control-allow-origin', any ? '*' : origin)
  return true
}

function answerProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply.code(status).type(PROBLEM_TYPE).send(problemBody(status, detail))
}

/** For what does not even reach a route. */
function refuse(
  response: http.ServerResponse,
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...SAFE_HEADERS, 'content-type': PROBLEM_TYPE, ...headers })
  response.end(problemBody(status, detail))
}

/** What is told to those whose words are no request, by what Node says of them; 400 else. */
const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
}

/** Why nobody could say for whom a request is or where it ends; a target with a host in it is made one without. */
function faultOf(request: IncomingMessage): HttpProblem | undefined {
  const { headers, rawHeaders, httpVersion, httpVersionMajor, url = '' } = request
  if (httpVersionMajor !== 1) return new HttpProblem(505, 'HTTP/1.1 is spoken here.')
  // RFC 9112 §6.1
  if (httpVersion === '1.0' && headers['transfer-encoding'] !== undefined)
    return new HttpProblem(400, 'HTTP/1.0 has no Transfer-Encoding.')
  // RFC 9112 §3.2
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.length === 4 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return new HttpProblem(400, 'The request has more than one Host.')
  const [, host, path] = /^https?:\/\/([^/?#]+)(.*)$/is.exec(url) ?? []
  if (host === undefined || path === undefined) return undefined
  // RFC 9112 §3.2.2
  headers.host = host
  request.url = path.startsWith('/') ? path : `/${path}`
  return undefined
}

/** RFC 9110 §10.1.1: a client that waits for a word before it sends a body hears it when that is read, and not when the answer is there before. */
function continueWhenRead(request: IncomingMessage, response: http.ServerResponse): void {
  const read = request._read
  // What is not asked for never comes: what follows would be taken for it.
  response.setHeader('connection', 'close')
  request._read = (size) => {
    request._read = read
    if (!response.headersSent) {
      response.removeHeader('connection')
      response.writeContinue()
    }
    request._read(size)
  }
}

/** The path of a request's target; nothing is decoded, so only what is written as its route is finds it. */
function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0]!
}

/** Has the router choose among the hosts' routes by what the `Host` header means. */
function domainConstraint(domainOf: HttpServerParts['domainOf']) {
  return {
    name: 'domain',
    storage: () => {
      const stores = new Map<string, unknown>()
      return {
        get: (domain: string) => stores.get(domain) ?? null,
        set: (domain: string, store: unknown) => void stores.set(domain, store),
      }
    },
    deriveConstraint: (request: IncomingMessage) => domainOf(request.headers.host),
    mustMatchWhenDerived: false,
    validate: () => true,
  }
}
