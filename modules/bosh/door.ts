import {
  type Connection,
  type Context,
  type HttpClient,
  HttpProblem,
  type HttpReply,
  type HttpRequest,
  type ParserLimits,
  preAuthLimits,
  type ServerFacts,
} from '#api'
import { BindingError, refusal } from './answer.ts'
import { Poll } from './poll.ts'
import { readBody } from './request-body.ts'
import type { BoshSession, SessionParts } from './session.ts'
import type { SessionLimits, Sessions } from './sessions.ts'
import { agree, type Bounds } from './terms.ts'
import { readWrapper, type Wrapper, wrapped } from './wrapper.ts'

/** What a door is made of. */
export interface DoorParts extends Pick<SessionParts, 'clock' | 'output'> {
  readonly sessions: Sessions
  readonly limits: SessionLimits
  readonly bounds: Bounds
  /** Origins whose scripts may come in; `*` is any. */
  readonly origins: readonly string[]
  readonly server: Pick<ServerFacts, 'isStopping' | 'streams'>
  readonly after: Context['after']
  readonly acceptClient: (connection: Connection) => void
  readonly log: Context['log']
}

/** Takes requests, and has sessions answer them. */
export class Door {
  readonly #parts: DoorParts
  /** The bounds of a request of which nothing is known yet. */
  readonly #unknown: ParserLimits
  readonly #timeMs: number

  constructor(parts: DoorParts) {
    const { maxBytes, idleMs } = parts.server.streams.beforeLogin
    this.#parts = parts
    this.#unknown = wrapped({ ...preAuthLimits, bytes: maxBytes })
    this.#timeMs = idleMs > 0 ? idleMs : 60_000
  }

  async answer(request: HttpRequest, reply: HttpReply): Promise<unknown> {
    const { origin } = request.headers
    const { origins } = this.#parts
    if (origin !== undefined && !origins.includes('*') && !origins.includes(origin))
      throw new HttpProblem(403, 'Pages of your origin may not connect.')
    const poll = new Poll(reply.raw)
    await this.#take(request, reply.raw, poll)
    const answer = await poll.answered
    if (answer === undefined) return reply.hijack()
    return await reply.type(answer.contentType).send(answer.text)
  }

  async #take({ client, raw }: HttpRequest, answer: HttpReply['raw'], poll: Poll): Promise<void> {
    let session: BoshSession | undefined
    // Only who has logged in may send more, and shows at the beginning who that is.
    const limitsAfter = (beginning: Buffer) => {
      session ??= this.#find(sidOf(beginning), client)
      return session === undefined ? this.#unknown : wrapped(session.connection.limits)
    }
    try {
      const body = await readBody(raw, answer, {
        most: this.#unknown.bytes,
        mostAfter: (beginning) => limitsAfter(beginning).bytes,
        timeMs: this.#timeMs,
        after: this.#parts.after,
      })
      const read = readWrapper(body, limitsAfter(body))
      if (read.sid === undefined) return this.#begin(read, client, poll)
      session ??= this.#find(read.sid, client)
      // XEP-0124 §17.2.
      if (session?.sid !== read.sid) throw new BindingError('item-not-found', 'There is no such session.')
      session.take(read, poll)
    } catch (error) {
      if (!(error instanceof BindingError)) throw error
      this.#parts.log.debug({ address: client.address, reason: error.condition }, 'a request was refused')
      if (session === undefined) poll.answer(refusal(error.condition))
      else session.violate(error.condition, poll)
    }
  }

  /** @throws HttpProblem for whoever is in the session by a connection that others may listen to: that leaves it as it is (XEP-0124 §19.1). */
  #find(sid: string | undefined, { secure }: HttpClient): BoshSession | undefined {
    const session = sid === undefined ? undefined : this.#parts.sessions.find(sid)
    if (session?.isSecure && !secure) throw new HttpProblem(403, 'The session was begun with TLS.')
    return session
  }

  #begin(request: Wrapper, client: HttpClient, poll: Poll): void {
    const { acceptClient, bounds, clock, limits, log, output, server, sessions } = this.#parts
    if (server.isStopping()) throw new BindingError('system-shutdown', 'The server is being stopped.')
    if (!request.attrs['to']) throw new BindingError('improper-addressing', 'It does not say with which domain.')
    const terms = agree(request, bounds)
    let session: BoshSession
    try {
      session = sessions.open(request, { terms, client, clock, output }, limits)
    } catch (error) {
      log.debug({ address: client.address }, 'too many sessions')
      throw error
    }
    acceptClient(session.connection)
    session.take(request, poll)
  }
}

/** The session that a request says it belongs to, as far as that shows before it is parsed. */
function sidOf(beginning: Buffer): string | undefined {
  const [, tag = ''] = startTag.exec(beginning.toString('latin1', 0, SID_WITHIN)) ?? []
  for (const [, name, value, other] of tag.matchAll(attribute)) if (name === 'sid') return value ?? other
  return undefined
}

const SID_WITHIN = 4096
/** After an XML declaration, if there is one; as much of it as there is. */
const startTag = /^[^<]*(?:<\?[^>]*>[^<]*)?(<(?:[^>"']|"[^"]*"|'[^']*')*)/
const attribute = /\s([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
