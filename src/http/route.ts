import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChannelBindingSource } from '../auth/mechanism.ts'

/** Who is at the other end of an HTTP connection. */
export interface HttpClient {
  /** The network address: the client's own where a trusted proxy tells it. */
  readonly address: string
  /** Whether nobody in between reads along: TLS, of this server's or of a trusted proxy's, or a connection within this machine. */
  readonly secure: boolean
  /** What a login can be bound to; only with this server's own TLS. */
  readonly channelBinding: ChannelBindingSource | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    client: HttpClient
  }
}

/** A request; its body is a stream, `request.raw`, which nobody has read. */
export type HttpRequest = FastifyRequest
export type HttpReply = FastifyReply

/** Who may use a route: everybody, or whom a question lets in. */
export type HttpAccess = 'anyone' | ((request: HttpRequest) => boolean | Promise<boolean>)

export type HttpMethod = 'DELETE' | 'GET' | 'POST' | 'PUT'

/** A path of the HTTP server on a host. */
export interface HttpRoute {
  /** GET answers HEAD as well. */
  readonly method: HttpMethod
  /** As fastify has it: `/upload/:slot/:name`; parts come decoded in `request.params`. */
  readonly path: string
  readonly access: HttpAccess
  /** Origins whose scripts may use it (CORS); `*` is any, and never with credentials of the browser. None unless given. */
  readonly origins?: readonly string[]
  /** Returns the body, or sends it by the reply; throws {@link HttpProblem} to refuse. */
  handle(request: HttpRequest, reply: HttpReply): unknown
}

/** A path on which a connection becomes something else (RFC 9110 §7.8). */
export interface UpgradeRoute {
  readonly path: string
  /** What the client has to ask for, in lower case: `websocket`. */
  readonly protocol: string
  /** Takes the connection over, or writes a refusal to it and ends it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: HttpClient): void
}

/** What the modules of all hosts serve over HTTP; complete before the server listens. */
export class HttpRoutes {
  readonly routes: { readonly domain: string; readonly route: HttpRoute }[] = []
  readonly upgrades: { readonly domain: string; readonly route: UpgradeRoute }[] = []

  /** @throws Error when the host has a route of that method and path already. */
  add(domain: string, route: HttpRoute): () => void {
    if (
      this.routes.some(
        (one) => one.domain === domain && one.route.method === route.method && one.route.path === route.path,
      )
    )
      throw new Error(`${route.method} ${route.path} is served already`)
    return put(this.routes, { domain, route })
  }

  /** @throws Error when the host has an upgrade on that path already. */
  addUpgrade(domain: string, route: UpgradeRoute): () => void {
    if (this.upgrades.some((one) => one.domain === domain && one.route.path === route.path))
      throw new Error(`the upgrade of ${route.path} is served already`)
    return put(this.upgrades, { domain, route })
  }
}

function put<T>(list: T[], item: T): () => void {
  list.push(item)
  return () => void list.splice(list.indexOf(item), 1)
}
