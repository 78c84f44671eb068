import type { Jid } from '../jid/jid.ts'
import type { Connection, Transport } from '../net/connection.ts'
import {
  type GrantedLogin,
  type StreamElement,
  sessionLost,
  sessionRests,
  streamElements,
  type UnboundClient,
} from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { type SessionLogin, sessionLogin } from '../session/login.ts'
import type { Session, SessionStream } from '../session/session.ts'
import type { User } from '../session/user.ts'
import { errorOf, resultOf } from '../stanza/reply.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Element } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { bindResource, boundPayload } from './bind.ts'
import { askFeatures, chooseResource } from './bind2.ts'
import { answerBeforeLogin } from './pre-auth.ts'
import { SaslExchange } from './sasl-exchange.ts'
import { SaslNegotiation } from './sasl-negotiation.ts'
import { type CompletingStream, Sasl2Completion } from './sasl2-completion.ts'
import { Sasl2Negotiation, sasl2Failure } from './sasl2-negotiation.ts'
import { accountOf, isOwnAddress, stanzaFault } from './stanza-address.ts'
import type { StreamContext } from './stream-context.ts'
import { featuresAfterLogin, featuresBeforeLogin } from './stream-features.ts'
import { checkHeader, foreignLanguage, headerText, hostOf, servedName } from './stream-header.ts'
import { type LinkOwner, XmlLink } from './xml-link.ts'

/**
 * The server's side of one client's stream (RFC 6120 §4), from the first byte to the closing tag: TLS and a login are
 * negotiated, a resource is bound, stanzas are taken.
 */
export class ClientStream implements CompletingStream, LinkOwner, SessionStream, UnboundClient {
  readonly #context: StreamContext
  readonly #link: XmlLink
  readonly #onClosed: (stream: ClientStream) => void
  #host: Host | undefined
  /** What stanzas that name no language are in, where it is not the server's. */
  #language: string | undefined
  /** The ways to log in, until somebody has. */
  #sasl: SaslNegotiation | undefined
  #sasl2: Sasl2Negotiation | undefined
  /** How the client has logged in, when that is not the old way. */
  #login: SessionLogin | undefined
  /** What is sent to a session before its client has been told of it. */
  #early: string[] | undefined
  /** Who has logged in: until then the stream negotiates, and from then on binds. */
  #account: Jid | undefined
  passwordVersion: number | undefined
  #session: Session | undefined
  #elementsBeforeLogin = 0

  /** Starts to read; `onClosed` is called once, when the connection is gone. */
  constructor(connection: Connection, context: StreamContext, onClosed: (stream: ClientStream) => void) {
    this.#context = context
    this.#onClosed = onClosed
    this.#link = new XmlLink(connection, this, context, 'Log in sooner.')
  }

  get remoteAddress(): string {
    return this.#link.connection.remoteAddress
  }
  get secure(): boolean {
    return this.#link.connection.secure
  }
  get transport(): Transport | undefined {
    return this.#link.connection.transport
  }
  get id(): string {
    return this.#link.id
  }
  /** The bound session, once there is one. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Sends stanzas, whole, as text. */
  write(text: string): void {
    if (this.#early === undefined) this.#link.write(text)
    else this.#early.push(text)
  }

  drained(): Promise<void> | undefined {
    return this.#link.connection.drained()
  }

  /** Sends white space when nothing has been sent since the last call (RFC 6120 §4.6.1). */
  keepAlive(): void {
    this.#link.keepAlive()
  }

  /** Takes up nothing more; settles when everything that was taken up is dealt with. The stream is to be closed then. */
  async settle(): Promise<void> {
    this.hold()
    await this.#session?.inbox.idle()
  }

  /** Begins a handshake at once, for direct TLS (XEP-0368). */
  secureFirst(): void {
    this.#link.startTls()
  }

  /** Stops reading until {@link release}; both nest. */
  hold(): void {
    this.#link.hold()
  }

  release(): void {
    this.#link.release()
  }

  // ---- opening ----

  header(root?: Element): string {
    const name = this.#host?.domain ?? servedName(root?.attrs['to'], this.#context.hosts)
    const { framing } = this.#link.connection
    const to = root?.attrs['from']
    return framing?.header(name, to) ?? headerText(name, to)
  }

  onOpen(root: Element): void {
    const { to, from } = root.attrs
    this.#link.sendHeader(root)
    checkHeader(root)
    const host = hostOf(to, this.#context.hosts)
    // RFC 6120 §4.7.2 and CVE-2018-10847: a restarted stream stays with its host.
    if (this.#host !== undefined && host !== this.#host)
      throw new StreamError('not-authorized', 'A restarted stream keeps its domain.')
    this.#host = host
    this.#language = foreignLanguage(root)
    if (this.#account === undefined) return this.#offerLogin(host, from)
    // RFC 6120 §4.9.3.9: after a login the stream comes from the account that logged in.
    if (from !== undefined && !isOwnAddress(from, this.#account, undefined))
      throw new StreamError('invalid-from', 'That is not the account that logged in.')
    this.#link.send(featuresAfterLogin(host))
  }

  #offerLogin(host: Host, from: string | undefined): void {
    const { connection } = this.#link
    const exchange = new SaslExchange(host, connection, this.#context, this.#link.id)
    this.#sasl = new SaslNegotiation(host, exchange)
    this.#sasl2 = connection.secure ? new Sasl2Negotiation(host, exchange, from) : undefined
    this.#link.send(featuresBeforeLogin(host, connection, this.#context.settings.requireTls, exchange.offer))
  }

  // ---- negotiating ----

  negotiate(element: Element): void {
    if (this.#account !== undefined) return this.#bind(element)
    const xmlns = element.attrs['xmlns']
    const limit = this.#context.settings.preAuthLimits.elements
    if (limit > 0 && ++this.#elementsBeforeLogin > limit)
      throw new StreamError('policy-violation', 'Too much before a login.')
    if (xmlns === NS.sasl2) return this.#logIn2(element)
    // XEP-0388 §2.4: a login under way is gone on with, or ended.
    if (this.#sasl2?.isUnderWay === true) throw new StreamError('not-authorized', 'Finish logging in first.')
    if (xmlns === NS.tls && element.name === 'starttls') return this.#startTls()
    if (xmlns === NS.sasl) return this.#logIn(element)
    if (xmlns === undefined && element.name === 'iq') return this.#hear(element)
    // RFC 6120 §4.9.3.12: nothing else before a login.
    throw new StreamError('not-authorized', 'Log in first.')
  }

  #startTls(): void {
    // RFC 6120 §5.4.2.2: TLS that is there already, or cannot be, fails and ends the stream.
    if (!this.#link.connection.canStartTls) {
      this.#link.send(`<failure xmlns='${NS.tls}'/>`)
      return this.close()
    }
    this.#link.send(`<proceed xmlns='${NS.tls}'/>`)
    this.#sasl = undefined
    this.#link.startTls()
  }

  #logIn(element: Element): void {
    // RFC 6120 §6.5.4: a login where TLS must come first.
    if (this.#context.settings.requireTls && !this.secure)
      return this.#link.send(`<failure xmlns='${NS.sasl}'><encryption-required/></failure>`)
    this.hold()
    this.#sasl!.take(element).then(
      (outcome) => {
        if (this.#link.state === 'open') {
          this.#link.send(outcome.reply)
          if (outcome.account !== undefined) {
            this.#account = outcome.account
            this.passwordVersion = outcome.passwordVersion
            if (outcome.by === 'nothing') this.#login = { by: outcome.by }
            this.#endLogin(outcome.mechanism)
            // RFC 6120 §6.4.6.
            this.#link.restart()
          } else if (outcome.tooMany === true) this.close(new StreamError('policy-violation', 'Too many wrong logins.'))
        }
        this.release()
      },
      (error) => this.#link.fail(error),
    )
  }

  #endLogin(mechanism = '', facts?: object): void {
    this.#sasl = this.#sasl2 = undefined
    const { counts, log } = this.#context
    counts.login(mechanism, 'success')
    const { remoteAddress: address, transport, secure, tlsVersion: tls } = this.#link.connection
    const account = this.#account!.toString()
    const session = this.#session?.id
    log.info({ account, mechanism, address, transport, secure, tls, stream: this.id, session, ...facts }, 'logged in')
  }

  #logIn2(element: Element): void {
    // XEP-0388 §4: only after TLS.
    if (this.#sasl2 === undefined) return this.#link.send(sasl2Failure('encryption-required'))
    this.hold()
    this.#sasl2
      .take(element)
      .then(async (answer) => {
        if (this.#link.state === 'open') {
          if ('login' in answer) {
            this.#account = answer.login.account
            this.passwordVersion = answer.login.passwordVersion
            this.#login = { by: answer.login.by, userAgent: answer.login.userAgent }
            await new Sasl2Completion(this, answer.login, answer.data, this.#context.log).run()
          } else {
            this.#link.send(answer.reply)
            if (answer.tooMany === true) this.close(new StreamError('policy-violation', 'Too many wrong logins.'))
          }
        }
        this.release()
      })
      .catch((error) => this.#link.fail(error))
  }

  async bind2(bind: Element, login: GrantedLogin): Promise<{ session: Session; told: readonly Element[] }> {
    let told: readonly Element[] = []
    const choose = (user: User) => {
      // A client that is gone meanwhile takes nobody's place: not that of the session it may come back to.
      if (this.#link.state === 'closed') throw new StreamError('connection-timeout')
      return chooseResource(user, bind, login, this.#context.settings)
    }
    await this.#host!.bind(login.account.local, this, choose, (session) => {
      this.#session = session
      this.#early = []
      session.slots.set(sessionLogin, this.#login!)
      told = askFeatures(bind, session)
    })
    return { session: this.#session!, told }
  }

  conclude(reply: Element, login: GrantedLogin, how: 'bound' | 'failed' | 'resumed' | 'unbound'): void {
    if (this.#link.state === 'closed') return
    if (how === 'bound') this.#link.goLive()
    this.#link.send(reply)
    if (how === 'failed') {
      this.#account = this.#login = undefined
      this.#sasl2!.reset()
      return
    }
    this.#endLogin(login.authenticate.attrs['mechanism'], { sasl2: how })
    // XEP-0198 §9.2: a client that is back in its session gets no features.
    if (how !== 'resumed') this.#link.send(featuresAfterLogin(this.#host!, this.#session))
    const early = this.#early ?? []
    this.#early = undefined
    for (const text of early) this.#link.write(text)
  }

  #hear(iq: Element): void {
    this.hold()
    answerBeforeLogin(iq, this.#host!, this.#link.connection, this.#context.log).then(
      (reply) => {
        this.release()
        // What was released may have been a <starttls/>.
        if (this.#link.state !== 'open') return
        if (reply === undefined) this.close(new StreamError('not-authorized', 'Log in first.'))
        else this.#link.send(reply)
      },
      (error) => this.#link.fail(error),
    )
  }

  // ---- binding ----

  #bind(element: Element): void {
    const { name, attrs } = element
    if (attrs['xmlns'] !== undefined) return this.#takeUnbound(element)
    // RFC 6120 §7.1: no stanza but the request to bind before a resource is bound.
    if (name !== 'iq' || element.getChild('bind', NS.bind) === undefined)
      throw new StreamError('not-authorized', 'Bind a resource first.')
    this.hold()
    bindResource(element, this.#host!, this.#account!.local, this, this.#context.settings, (session) =>
      this.#begin(session, element),
    ).then(
      () => {
        // A connection that went while the account was being loaded takes its session along.
        if (this.#link.state === 'closed' && this.#session !== undefined) this.#host!.close(this.#session)
        this.release()
      },
      (error) => {
        this.release()
        if (error instanceof StanzaError) this.#link.send(errorOf(element, error))
        else this.#link.fail(error)
      },
    )
  }

  #begin(session: Session, iq: Element): void {
    this.#session = session
    if (this.#login !== undefined) session.slots.set(sessionLogin, this.#login)
    if (this.#link.state === 'closed') return
    this.#link.goLive()
    this.#link.send(resultOf(iq, boundPayload(session)))
  }

  #takeUnbound(element: Element): void {
    const spoken = this.#spoken(element)
    if (spoken?.unbound === undefined) throw new StreamError('not-authorized', 'Bind a resource first.')
    this.hold()
    Promise.resolve(spoken.unbound(element, this)).then(
      () => this.release(),
      (error) => {
        this.release()
        this.#link.fail(error)
      },
    )
  }

  // ---- what modules speak that is no stanza ----

  #spoken({ name, attrs }: Element): StreamElement | undefined {
    return this.#host!.hooks.all(streamElements).find((known) => known.name === name && known.xmlns === attrs['xmlns'])
  }

  get account(): Jid {
    return this.#account!
  }
  get host(): Host {
    return this.#host!
  }

  reply(element: Element): void {
    if (this.#link.state !== 'closed') this.#link.send(element)
  }

  adopt(session: Session): boolean {
    if (this.#link.state === 'closed') return false
    this.#session = session
    const login: SessionLogin = this.#login ?? { ...session.slots.get(sessionLogin), by: 'password' }
    session.slots.set(sessionLogin, login)
    session.stream = this
    this.#link.goLive()
    return true
  }

  // ---- live ----

  take(stanza: Element): void {
    const { attrs } = stanza
    const spoken = attrs['xmlns'] === undefined ? undefined : this.#spoken(stanza)
    if (spoken?.bound !== undefined) return spoken.bound(stanza, this.#session!)
    const fault = stanzaFault(stanza, this.#session!, this.#account!)
    if (fault !== undefined) return this.close(fault)
    // RFC 6120 §8.1.5: what is in the stream's language must say so where another stream's may be another.
    if (this.#language !== undefined && attrs['xml:lang'] === undefined) attrs['xml:lang'] = this.#language
    this.#session!.inbox.accept(accountOf(attrs['to']) ?? this.#session!.user.jid.toString(), stanza)
  }

  // ---- closing ----

  /** Ends the stream, with an error or in order (RFC 6120 §4.4, §4.9.1.1); calling it again does nothing. */
  close(error?: StreamError): void {
    this.#link.close(error)
  }

  cut(reason: string): void {
    this.#link.connection.destroy(reason)
  }

  leave(error: StreamError): void {
    this.#session = undefined
    this.close(error)
  }

  get logFacts(): object {
    return { session: this.#session?.id, jid: this.#session?.address }
  }

  onEnded(reason: string, lost: boolean): void {
    const session = this.#session
    if (session === undefined || session.stream !== this) return
    session.ending = reason
    // A server that is being stopped comes back, and its clients may come back to their sessions.
    const mayReturn = (lost || reason === 'system-shutdown') && this.#early === undefined
    if (mayReturn && session.live && session.host.hooks.ask(sessionLost, session)) {
      session.rest()
      session.host.hooks.notify(sessionRests, session)
    } else session.host.close(session)
  }

  onGone(): void {
    this.#onClosed(this)
  }
}
