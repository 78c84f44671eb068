import { type Context, HttpProblem, type HttpReply, type HttpRequest, type ParserLimits } from '#api'
import { type Answer, BindingError, refusal } from './answer.ts'
import { Poll } from './poll.ts'
import { readBody } from './request-body.ts'
import { BoshSession } from './session.ts'
import type { SessionLimits, Sessions } from './sessions.ts'
import { agree, type Bounds } from './terms.ts'
import { readWrapper, type Wrapper, wrapped } from './wrapper.ts'

/** The options of the module that a door goes by. */
export interface DoorConfig extends Bounds {
  readonly beforeLogin: SessionLimits
}

type DoorContext = Pick<Context, 'acceptClient' | 'clock' | 'host' | 'log' | 'server'>

/** Finds the session that a request belongs to, without having read the request: a look at what of it may be long. */
const sidHint = /\ssid\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/

/** Where requests come in on a host: finds the session of each, or makes one. */
export class Door {
  readonly #ctx: DoorContext
  readonly #config: DoorConfig
  readonly #sessions: Sessions
  /** What a stranger's request may be. */
  readonly #strangers: ParserLimits

  constructor(ctx: DoorContext, config: DoorConfig, sessions: Sessions) {
    this.#ctx = ctx
    this.#config = config
    this.#sessions = sessions
    const { maxBytes: bytes } = ctx.server.streams.beforeLogin
    this.#strangers = wrapped({ bytes, depth: 32, elements: 32, attributes: 64 })
  }

  /** Answers a request, which may take as long as the session's `wait`. */
  async handle(request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
    const poll = new Poll(reply.raw)
    let answer: Answer
    try {
      this.#take(await this.#read(request), request, poll)
      answer = await poll.answered
    } catch (error) {
      if (!(error instanceof BindingError)) throw error
      this.#ctx.log.debug({ address: request.client.address, reason: error.message }, 'a request was refused')
      // There may be more of it, which nobody reads.
      reply.header('connection', 'close')
      answer = refusal(error.condition)
    }
    return reply
      .code(answer.status)
      .header('cache-control', 'no-store')
      .header('content-type', answer.contentType)
      .send(answer.text)
  }

  async #read({ raw }: HttpRequest): Promise<Wrapper> {
    let limits = this.#strangers
    // Only who knows the id of a session may send as much as that takes.
    const boundOf = (begun: Buffer) => {
      const [, one, other] = sidHint.exec(begun.toString('latin1')) ?? []
      const session = this.#sessions.find(one ?? other ?? '')
      if (session !== undefined) limits = wrapped(session.connection.limits)
      return limits.bytes
    }
    const body = await readBody(raw, limits.bytes, boundOf, this.#ctx.clock)
    // A short one may have more elements than a stranger's, too.
    boundOf(body)
    return readWrapper(body, limits)
  }

  #take(wrapper: Wrapper, { client }: HttpRequest, poll: Poll): void {
    const { sid } = wrapper
    if (sid === undefined) return this.#create(wrapper, client, poll)
    const session = this.#sessions.find(sid)
    if (session === undefined) throw new BindingError('item-not-found', 'There is no such session.')
    // XEP-0124 §19.1: it goes on without, since others could end it else.
    if (session.isSecure && !client.secure)
      throw new HttpProblem(403, 'This session needs an encrypted connection.', { connection: 'close' })
    if (wrapper.bytes > wrapped(session.connection.limits).bytes && session.connection.limits.bytes > 0)
      throw new BindingError('policy-violation', 'The request is too long.')
    session.take(wrapper, poll)
  }

  /** XEP-0124 §7. */
  #create(wrapper: Wrapper, client: HttpRequest['client'], poll: Poll): void {
    const { acceptClient, clock, host, server } = this.#ctx
    if (server.isStopping()) throw new BindingError('system-shutdown', 'The server is being stopped.')
    if (wrapper.terminates) throw new BindingError('bad-request', 'There is no session to end.')
    if ((wrapper.attrs['to'] ?? '') === '') throw new BindingError('improper-addressing', 'There is no `to`.')
    const terms = agree(wrapper, this.#config)
    if (!this.#sessions.hasRoom(client.address, this.#config.beforeLogin))
      throw new BindingError('policy-violation', 'There are too many sessions nobody has logged in to.')
    const session = new BoshSession(wrapper, {
      terms,
      client,
      clock,
      output: server.output,
      onLive: (live) => this.#sessions.settle(live),
      onGone: (gone) => this.#sessions.leave(gone),
    })
    this.#sessions.enter(session, host.domain, client.address)
    acceptClient(session.connection)
    session.take(wrapper, poll)
  }
}
