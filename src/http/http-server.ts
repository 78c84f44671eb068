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
}

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
    const app = Fastify({
      serverFactory: (handler) => {
        server = http.createServer(
          {
            headersTimeout: limits.headersMs,
            keepAliveTimeout: limits.idleMs,
            // A long body may take long, as long as it moves.
            requestTimeout: 0,
            ...(limits.headerBytes > 0 && { maxHeaderSize: limits.headerBytes }),
          },
          handler as http.RequestListener,
        )
        return server
      },
      forceCloseConnections: true,
      // Nobody outside has a say in it: what a client sends as one is not looked at.
      requestIdHeader: false,
      genReqId: () => serialName(nextSerial()),
      routerOptions: {
        // As long as anything the address line may hold.
        maxParamLength: 4096,
        onBadUrl: (_path: string, _request: unknown, reply: FastifyReply) => refuse(reply as never),
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
    // It never listens itself, but watches over its connections from this event on.
    server!.emit('listening')
    return created
  }

  /** Speaks with whoever is at the other end of a connection; `admits` is asked before that becomes something else. */
  take(socket: Duplex, client: HttpClient, admits: Admission = () => true): void {
    this.#peers.set(socket, { client, admits })
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
function refuse(response: http.ServerResponse): void {
  response.writeHead(400, { ...SAFE_HEADERS, 'content-type': PROBLEM_TYPE })
  response.end(problemBody(400, 'The address cannot be understood.'))
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
