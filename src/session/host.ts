import { createHmac, randomBytes } from 'node:crypto'
import type { Accounts } from '../auth/accounts.ts'
import { Jid } from '../jid/jid.ts'
import type { CompiledFlows } from '../pipeline/compile.ts'
import type { Handover } from '../pipeline/handover.ts'
import { Hooks } from '../pipeline/hook.ts'
import { IqTable } from '../pipeline/iq-table.ts'
import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import { errorOf } from '../stanza/reply.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { type Clock, systemClock } from '../util/clock.ts'
import { randomId } from '../util/id.ts'
import { Element } from '../xml/element.ts'
import type { Wire } from '../xml/wire.ts'
import { Deletions } from './deletions.ts'
import {
  accountCreated,
  accountDeleting,
  accountDisabled,
  flowNeeded,
  passwordChanged,
  sessionClosed,
  sessionOpened,
  userLeft,
  userLoading,
} from './hooks.ts'
import type { Turn } from './inbox.ts'
import { RestingStream } from './resting-stream.ts'
import { Session, type SessionStream } from './session.ts'
import { Traffic } from './traffic.ts'
import { User } from './user.ts'

/** What a module's features and identities become in service discovery. */
export interface HostFeatures {
  readonly host: Set<string>
  readonly account: Set<string>
}

/**
 * Takes what is sent to a domain that a module serves itself, such as that of its rooms: answers to its own requests, too.
 * What it throws goes to the sender as an error; a promise settles when the stanza has been dealt with.
 */
export type Service = (event: StanzaEvent) => void | Promise<void>

/** The way from a host to everybody else. */
export interface Routing {
  route(stanza: Element): void
  fromClient(session: Session, stanza: Element, turn: Turn): void | Promise<void>
  /** Deals with a stanza that was handed to clients none of which has it for certain, now that their sessions are over. */
  undelivered(handover: Handover): void
  serves(domain: string): boolean
  isGuest(account: Jid): boolean
  attach(domain: string, service: Service): () => void
  toComponent(domain: string, stanza: Element): boolean
}

/** What a host is told of the configuration. */
export interface HostSettings {
  readonly inboundPending?: number
  readonly clock?: Clock
  /** How long an account that is to be deleted can be restored; 0: not at all. */
  readonly deletionGraceMs?: number
  /** What the server's secrets are derived from; of its own until it ends, unless given. */
  readonly secret?: Uint8Array
}

/** One served domain: its accounts, its online users, its flows and tables. */
export class Host {
  readonly domain: string
  /** The domain as an address. */
  readonly jid: Jid
  readonly accounts: Accounts
  /**
   * An account that never exists and whose name nobody can guess, the same after a restart: what is asked of accounts that do not
   * exist is asked of it, and so takes as long.
   */
  readonly nobody: Jid
  readonly hooks: Hooks
  readonly iq: IqTable = new IqTable()
  readonly features: HostFeatures = { host: new Set(), account: new Set() }
  /** The compiled flows, indexed by flow id; set once all modules are set up. */
  flows: CompiledFlows = []
  /** What passes, counted. */
  readonly traffic: Traffic = new Traffic()
  readonly #users = new Map<string, User>()
  /** Deletions under way; whoever asks for one of them again waits for it too. */
  readonly #deletions = new Map<string, Promise<boolean>>()
  /** Stanzas of one session under way at once, past which its socket is not read; 0 is no limit. */
  readonly inboundPending: number
  readonly clock: Clock
  /** The accounts that are to be deleted. */
  readonly deletions: Deletions
  readonly #secret: Uint8Array
  /** Requests of the server's own that wait for their answers, by id. */
  readonly #requests = new Map<string, { readonly to: string; readonly answer: (answer: Element) => void }>()
  #routing: Routing = {
    route() {},
    fromClient() {},
    undelivered() {},
    serves: () => false,
    isGuest: () => false,
    attach: () => () => {},
    toComponent: () => false,
  }

  /** `onCrash` hears what a listener of a notice threw, and what kept an account from being deleted when its time had come. */
  constructor(
    domain: string,
    accounts: Accounts,
    onCrash: (hook: string, error: unknown) => void,
    { inboundPending = 0, clock = systemClock, deletionGraceMs = 0, secret = randomBytes(32) }: HostSettings = {},
  ) {
    this.domain = domain
    this.jid = Jid.of('', domain)
    this.accounts = accounts
    this.hooks = new Hooks(onCrash)
    this.inboundPending = inboundPending
    this.clock = clock
    this.#secret = secret
    this.nobody = Jid.of(this.keyFor('nobody').toString('hex', 0, 16), domain)
    this.deletions = new Deletions(this, deletionGraceMs, (what, cause) =>
      onCrash(accountDeleting.name, new Error(`${what} could not be deleted; it is tried again`, { cause })),
    )
    accounts.watch({
      created: (local) => this.hooks.notify(accountCreated, { host: this, jid: Jid.of(local, domain) }),
      disabled: (local) => {
        const jid = Jid.of(local, domain)
        this.disconnect(jid, 'The account may not log in any more.')
        this.hooks.notify(accountDisabled, { host: this, jid })
      },
      passwordChanged: (local) => this.hooks.notify(passwordChanged, { host: this, jid: Jid.of(local, domain) }),
    })
  }

  /** A key of 256 bits for a purpose; the same after a restart, and not in the database. */
  keyFor(purpose: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${purpose}\0${this.domain}`).digest()
  }

  /** Connects the host to the router; the composition root does it once. */
  connect(routing: Routing): void {
    this.#routing = routing
  }

  /** Sends a stanza of the server's own on its way; `from` and `to` must be set. It never throws. */
  route(stanza: Element): void {
    this.#routing.route(stanza)
  }

  /**
   * Serves a domain beside this one, whose addresses are no accounts; what is returned gives it back.
   *
   * @throws Error when the domain is somebody else's.
   */
  attach(domain: string, service: Service): () => void {
    return this.#routing.attach(domain, service)
  }

  /**
   * Hands a session, of whatever host of this server, a stanza that goes out to many, readdressed. It goes past the flow by which a stanza
   * comes to an account, unless a module has something to do there (`flowNeeded`). False when the session is over.
   */
  reach(session: Session, wire: Wire, from: Jid): boolean {
    if (!session.live) return false
    if (!session.host.hooks.ask(flowNeeded, { session, wire, from })) return session.sendHere(wire)
    const stanza = new Element(wire.element.name, { ...wire.element.attrs, to: session.address })
    stanza.children = [...wire.element.children]
    this.route(stanza)
    return true
  }

  /** Whether a domain is one of this server's whose addresses are accounts: their side runs here, too. */
  serves(domain: string): boolean {
    return this.#routing.serves(domain)
  }

  /** Whether an account, of whatever host of this server, is a guest's: what outlives its sessions is not for it to make. */
  isGuest(account: Jid): boolean {
    return this.#routing.isGuest(account)
  }

  /**
   * Hands an external component a stanza of the server's own; `from` and `to` must be set. False when it is not connected:
   * then nobody hears of it.
   */
  toComponent(domain: string, stanza: Element): boolean {
    return this.#routing.toComponent(domain, stanza)
  }

  /** Takes up what a client of a session sent; never throws. A promise settles when the stanza's flows have ended. */
  fromClient(session: Session, stanza: Element, turn: Turn): void | Promise<void> {
    return this.#routing.fromClient(session, stanza, turn)
  }

  /**
   * Sends a request of the server's own, or of an account's (`from` is the host or a bare JID of it), and resolves with the
   * answer, a result or an error; with the error `remote-server-timeout` when none has come after `ms`.
   */
  request(iq: Element, ms: number): Promise<Element> {
    const id = randomId()
    iq.attrs['id'] = id
    return new Promise((resolve) => {
      const late = new StanzaError('remote-server-timeout', 'No answer has come.')
      const cancel = this.clock.after(ms, () => answer(errorOf(iq, late)))
      const answer = (element: Element): void => {
        cancel()
        this.#requests.delete(id)
        resolve(element)
      }
      this.#requests.set(id, { to: iq.attrs['to'] ?? '', answer })
      this.route(iq)
    })
  }

  /** Takes the answer to a request of the server's own; one that nothing asked for ends here (RFC 6120 §8.2.3). */
  answered(iq: Element): void {
    const request = this.#requests.get(iq.attrs['id'] ?? '')
    if (request !== undefined && request.to === iq.attrs['from']) request.answer(iq)
  }

  /**
   * The online user an address of this host belongs to. While the first session is still being bound the user has no
   * sessions yet, and slots that a module fills in `userLoading` may be empty: whoever finds one so asks the store.
   */
  user(jid: Jid): User | undefined {
    return this.#users.get(jid.local)
  }

  /** All online users. */
  users(): IterableIterator<User> {
    return this.#users.values()
  }

  /**
   * Binds a session: loads the user when it is the account's first, lets `choose` pick the resource and tells `begin`
   * before anybody can send to the session. Rejects with what a module's `userLoading` or `choose` throws, and with
   * `StreamError` `not-authorized` when the account is no more: it may be deleted between login and binding.
   */
  async bind(
    local: string,
    stream: SessionStream,
    choose: (user: User) => string,
    begin: (session: Session) => void,
  ): Promise<void> {
    const user = this.#users.get(local) ?? new User(Jid.of(local, this.domain))
    this.#users.set(local, user)
    user.binding++
    try {
      user.loaded ??= this.#load(user)
      await user.loaded
      if (user.deleted || this.accounts.isShut(local)) throw accountGone()
      // Whoever throws others out by a new password has thrown out those that are on their way in.
      if (this.accounts.isOutdated(local, stream.passwordVersion ?? Infinity))
        throw new StreamError('not-authorized', 'The password was changed.')
      const resource = choose(user)
      const session = new Session(user.jid.withResource(resource), user, this, stream)
      begin(session)
      user.sessions.set(resource, session)
      this.hooks.notify(sessionOpened, session)
    } finally {
      user.binding--
      this.#forgetIfLeft(user)
    }
  }

  /**
   * Makes a session again that was here before the server was restarted: it rests, since `sinceMs`, and is announced to
   * nobody. Rejects like `bind`, and with `StanzaError` `conflict` when its resource is taken.
   */
  async restore(jid: Jid, sinceMs: number = this.clock.now()): Promise<Session> {
    let session!: Session
    const stream = new RestingStream('', true, sinceMs)
    await this.bind(
      jid.local,
      stream,
      (user) => {
        if (user.sessions.has(jid.resource)) throw new StanzaError('conflict')
        return jid.resource
      },
      (made) => {
        stream.session = made
        session = made
      },
    )
    return session
  }

  async #load(user: User): Promise<void> {
    if (!(await this.accounts.exists(user.jid.local))) throw accountGone()
    await this.hooks.pass(userLoading, user)
  }

  /** Takes a session down: tells the modules, then forgets it. */
  close(session: Session): void {
    if (!session.live) return
    session.live = false
    const { user } = session
    this.hooks.notify(sessionClosed, session)
    if (user.sessions.get(session.jid.resource) === session) user.sessions.delete(session.jid.resource)
    const unreached = session.queue?.abandon() ?? []
    this.#forgetIfLeft(user)
    for (const handover of unreached) this.#routing.undelivered(handover)
  }

  /**
   * Deletes an account at once, without a grace period: ends its sessions, has every module remove what it keeps of it, then
   * the account itself. False when there is none. Rejects, and keeps the account, when a module cannot.
   */
  deleteAccount(local: string): Promise<boolean> {
    const deletion = this.#deletions.get(local) ?? this.#delete(local).finally(() => this.#deletions.delete(local))
    this.#deletions.set(local, deletion)
    return deletion
  }

  /** Whether an account is being deleted at this moment. */
  isBeingDeleted(local: string): boolean {
    return this.#deletions.has(local)
  }

  async #delete(local: string): Promise<boolean> {
    if ((await this.accounts.state(local)) === undefined) return false
    const jid = Jid.of(local, this.domain)
    // Nothing is kept for the account any more, nobody comes in: what the modules remove stays removed.
    const reveal = this.accounts.hide(local)
    try {
      const user = this.user(jid)
      if (user !== undefined) user.deleted = true
      this.disconnect(jid, 'The account is being deleted.')
      await this.hooks.pass(accountDeleting, { host: this, jid })
      return await this.accounts.delete(local)
    } finally {
      reveal()
    }
  }

  /** Ends all sessions of an account with the stream error `not-authorized`. */
  disconnect(jid: Jid, reason: string): void {
    for (const session of [...(this.user(jid)?.sessions.values() ?? [])])
      session.close(new StreamError('not-authorized', reason))
  }

  #forgetIfLeft(user: User): void {
    if (user.sessions.size > 0 || user.binding > 0) return
    this.hooks.notify(userLeft, user)
    this.#users.delete(user.jid.local)
  }
}

function accountGone(): StreamError {
  return new StreamError('not-authorized', 'The account does not exist any more, or may not log in.')
}
