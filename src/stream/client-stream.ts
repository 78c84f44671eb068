import type { Jid } from '../jid/jid.ts'
import type { Connection, ConnectionReceiver } from '../net/connection.ts'
import { type StreamElement, sessionLost, sessionRests, streamElements, type UnboundClient } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import type { Session, SessionStream } from '../session/session.ts'
import { errorOf, resultOf } from '../stanza/reply.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Cancel } from '../util/clock.ts'
import { randomId } from '../util/id.ts'
import type { Element } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { type ParserTarget, StreamParser, type XmlError } from '../xml/parser.ts'
import { serialize } from '../xml/wire.ts'
import { bindResource, boundPayload } from './bind.ts'
import { answerBeforeLogin } from './pre-auth.ts'
import { SaslNegotiation } from './sasl-negotiation.ts'
import { accountOf, isOwnAddress } from './stanza-address.ts'
import type { StreamContext } from './stream-context.ts'
import { featuresAfterLogin, featuresBeforeLogin } from './stream-features.ts'
import { checkHeader, foreignLanguage, headerText, hostOf, servedName } from './stream-header.ts'

/**
 * Where a stream is: `opening` waits for a header, `securing` for the TLS handshake, `negotiating` for a login,
 * `binding` for a resource; `live` carries stanzas; `closed` takes calls and does nothing.
 */
type State = 'binding' | 'closed' | 'live' | 'negotiating' | 'opening' | 'securing'

/** The server's side of one client's stream (RFC 6120 §4): from the first byte to the closing tag. */
export class ClientStream implements ConnectionReceiver, ParserTarget, SessionStream, UnboundClient {
  readonly #context: StreamContext
  readonly #connection: Connection
  readonly #onClosed: (stream: ClientStream) => void
  #parser: StreamParser
  #state: State = 'opening'
  /** Whether our header of the present stream is out, so that an error can follow it. */
  #headerSent = false
  #host: Host | undefined
  /** What stanzas that name no language are in, where it is not the server's. */
  #language: string | undefined
  #sasl: SaslNegotiation | undefined
  #account: Jid | undefined
  #session: Session | undefined
  #elementsBeforeLogin = 0
  #cancelTimeout: Cancel | undefined
  #held = 0
  #quiet = false

  /** Starts to read; `onClosed` is called once, when the connection is gone. */
  constructor(connection: Connection, context: StreamContext, onClosed: (stream: ClientStream) => void) {
    this.#connection = connection
    this.#context = context
    this.#onClosed = onClosed
    this.#parser = new StreamParser(this, context.settings.preAuthLimits)
    connection.receiver = this
    const { preAuthMs } = context.settings
    // RFC 6120 §4.9.3.4: a stream that nobody logs in on is not kept.
    if (preAuthMs > 0)
      this.#cancelTimeout = context.clock.after(preAuthMs, () =>
        this.close(new StreamError('connection-timeout', 'Log in sooner.')),
      )
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }
  get secure(): boolean {
    return this.#connection.secure
  }
  /** The bound session, once there is one. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Sends stanzas, whole, as text. */
  write(text: string): void {
    if (this.#state === 'closed') return
    this.#quiet = false
    this.#connection.write(text)
  }

  drained(): Promise<void> | undefined {
    return this.#connection.drained()
  }

  /** Sends white space when nothing has been sent since the last call (RFC 6120 §4.6.1). */
  keepAlive(): void {
    if (this.#quiet && this.#state === 'live') this.#connection.write(' ')
    this.#quiet = true
  }

  /** Takes up nothing more; settles when everything that was taken up is dealt with. The stream is to be closed then. */
  async settle(): Promise<void> {
    this.hold()
    await this.#session?.inbox.idle()
  }

  /** Begins a handshake at once, for direct TLS (XEP-0368). */
  secureFirst(): void {
    this.#state = 'securing'
    this.#connection.startTls()
  }

  // ---- from the connection ----

  onData(chunk: Uint8Array): void {
    // No closure, as for the rest: this is the path of every message.
    try {
      this.#parser.write(chunk)
    } catch (error) {
      this.#fail(error)
    }
  }

  onSecure(): void {
    this.#state = 'opening'
  }

  onCongestion(congested: boolean): void {
    if (congested) this.hold()
    else this.release()
  }

  onClose(reason: string): void {
    if (this.#state !== 'closed')
      this.#context.log.debug(
        { address: this.remoteAddress, session: this.#session?.address, reason },
        'connection lost',
      )
    this.#end(true)
    this.#onClosed(this)
  }

  // ---- from the parser ----

  onOpen(root: Element): void {
    this.#attempt(() => this.#open(root))
  }

  onStanza(element: Element): void {
    // RFC 6120 §4.9.1.1: the peer's error ends the stream; there is nothing to add.
    if (element.attrs['xmlns'] === NS.streams) this.close()
    else if (this.#state === 'live') this.#take(element)
    else this.#attempt(() => this.#negotiate(element))
  }

  onEnd(): void {
    this.close()
  }

  onError(error: XmlError): void {
    this.close(new StreamError(error.condition, error.message))
  }

  // ---- opening ----

  #open(root: Element): void {
    const { to, from } = root.attrs
    this.#sendHeader(root)
    checkHeader(root)
    const host = hostOf(to, this.#context.hosts)
    // RFC 6120 §4.7.2 and CVE-2018-10847: a restarted stream stays with its host.
    if (this.#host !== undefined && host !== this.#host)
      throw new StreamError('not-authorized', 'A restarted stream keeps its domain.')
    this.#host = host
    this.#language = foreignLanguage(root)
    if (this.#account === undefined) return this.#offerLogin(host)
    // RFC 6120 §4.9.3.9: after a login the stream comes from the account that logged in.
    if (from !== undefined && !this.#isOwn(from))
      throw new StreamError('invalid-from', 'That is not the account that logged in.')
    this.#state = 'binding'
    this.#send(featuresAfterLogin(host))
  }

  #offerLogin(host: Host): void {
    const { settings } = this.#context
    const tls = this.#connection.secure ? 'done' : settings.requireTls ? 'required' : 'optional'
    this.#sasl ??= new SaslNegotiation(host, this.#connection, this.#context)
    const mechanisms = tls === 'required' ? [] : this.#sasl.offer()
    this.#state = 'negotiating'
    this.#send(
      featuresBeforeLogin(
        host,
        this.#connection.canStartTls ? tls : 'done',
        mechanisms,
        this.#connection.channelBinding,
      ),
    )
  }

  #sendHeader(root?: Element): void {
    const name = this.#host?.domain ?? servedName(root?.attrs['to'], this.#context.hosts)
    this.#connection.write(headerText(name, root?.attrs['from']))
    this.#headerSent = true
  }

  // ---- negotiating ----

  #negotiate(element: Element): void {
    const xmlns = element.attrs['xmlns']
    if (this.#state === 'binding') return this.#bind(element)
    if (this.#state !== 'negotiating') throw new StreamError('not-authorized')
    const limit = this.#context.settings.preAuthLimits.elements
    if (limit > 0 && ++this.#elementsBeforeLogin > limit)
      throw new StreamError('policy-violation', 'Too much before a login.')
    if (xmlns === NS.tls && element.name === 'starttls') return this.#startTls()
    if (xmlns === NS.sasl) return this.#login(element)
    if (xmlns === undefined && element.name === 'iq') return this.#hear(element)
    // RFC 6120 §4.9.3.12: nothing else before a login.
    throw new StreamError('not-authorized', 'Log in first.')
  }

  #startTls(): void {
    // RFC 6120 §5.4.2.2: TLS that is there already, or cannot be, fails and ends the stream.
    if (!this.#connection.canStartTls) {
      this.#connection.write(`<failure xmlns='${NS.tls}'/>`)
      return this.close()
    }
    this.#connection.write(`<proceed xmlns='${NS.tls}'/>`)
    // RFC 6120 §5.4.3.3: what was sent along in plain text is never answered inside TLS; more than white space is an attack.
    const rest = this.#parser.stop()
    if (rest.some((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)) {
      this.#end()
      return this.#connection.destroy('plain text after <starttls/>')
    }
    this.#restart()
    this.#state = 'securing'
    this.#sasl = undefined
    this.#connection.startTls()
  }

  #restart(): void {
    this.#headerSent = false
    this.#parser = new StreamParser(this, this.#context.settings.preAuthLimits)
    if (this.#held > 0) this.#parser.pause()
  }

  #login(element: Element): void {
    const { settings } = this.#context
    if (settings.requireTls && !this.#connection.secure) {
      // RFC 6120 §6.5.4: a login where TLS must come first.
      this.#connection.write(`<failure xmlns='${NS.sasl}'><encryption-required/></failure>`)
      return
    }
    this.hold()
    this.#sasl!.take(element).then(
      (outcome) => {
        if (this.#state === 'negotiating') {
          this.#send(outcome.reply)
          if (outcome.account !== undefined) this.#loggedIn(outcome.account)
          else if (outcome.tooMany === true) this.close(new StreamError('policy-violation', 'Too many wrong logins.'))
        }
        this.release()
      },
      (error) => this.#fail(error),
    )
  }

  #loggedIn(account: Jid): void {
    this.#account = account
    this.#sasl = undefined
    this.#context.log.info(
      { account: account.toString(), address: this.remoteAddress, secure: this.secure },
      'logged in',
    )
    // RFC 6120 §6.4.6: a new stream follows on the same connection; what came with it is its beginning.
    const rest = this.#parser.stop()
    this.#restart()
    this.#state = 'opening'
    if (rest.length > 0) this.#parser.write(rest)
  }

  #hear(iq: Element): void {
    this.hold()
    answerBeforeLogin(iq, this.#host!, this.#connection).then(
      (reply) => {
        this.release()
        if (this.#state !== 'negotiating') return
        if (reply === undefined) this.close(new StreamError('not-authorized', 'Log in first.'))
        else this.#send(reply)
      },
      (error) => this.#fail(error),
    )
  }

  // ---- binding ----

  #bind(element: Element): void {
    const { name, attrs } = element
    if (attrs['xmlns'] !== undefined) return this.#takeUnbound(element)
    // RFC 6120 §7.1: no stanza but the request to bind before a resource is bound.
    if (name !== 'iq') throw new StreamError('not-authorized', 'Bind a resource first.')
    if (element.getChild('bind', NS.bind) === undefined)
      throw new StreamError('not-authorized', 'Bind a resource first.')
    this.hold()
    bindResource(element, this.#host!, this.#account!.local, this, this.#context.settings, (session) =>
      this.#begin(session, element),
    ).then(
      () => {
        // A connection that went while the account was being loaded takes its session along.
        if (this.#state === 'closed' && this.#session !== undefined) this.#host!.close(this.#session)
        this.release()
      },
      (error) => {
        this.release()
        if (error instanceof StanzaError) this.#send(errorOf(element, error))
        else this.#fail(error)
      },
    )
  }

  #begin(session: Session, iq: Element): void {
    this.#session = session
    if (this.#state === 'closed') return
    this.#live()
    this.#send(resultOf(iq, boundPayload(session)))
  }

  #live(): void {
    this.#cancelTimeout?.()
    this.#cancelTimeout = undefined
    this.#state = 'live'
    this.#parser.setLimits(this.#context.settings.liveLimits)
  }

  #takeUnbound(element: Element): void {
    const spoken = this.#spoken(element)
    if (spoken?.unbound === undefined) throw new StreamError('not-authorized', 'Bind a resource first.')
    this.hold()
    Promise.resolve(spoken.unbound(element, this)).then(
      () => this.release(),
      (error) => {
        this.release()
        this.#fail(error)
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
    if (this.#state !== 'closed') this.#send(element)
  }

  adopt(session: Session): boolean {
    if (this.#state === 'closed') return false
    this.#session = session
    session.stream = this
    this.#live()
    return true
  }

  // ---- live ----

  #take(stanza: Element): void {
    const { name, attrs } = stanza
    if (attrs['xmlns'] !== undefined) {
      const spoken = this.#spoken(stanza)
      if (spoken?.bound !== undefined) return this.#attempt(() => spoken.bound!(stanza, this.#session!))
    }
    if (attrs['xmlns'] !== undefined || (name !== 'message' && name !== 'presence' && name !== 'iq'))
      // RFC 6120 §4.9.3.24: neither a stanza nor anything else this stream speaks.
      return this.close(new StreamError('unsupported-stanza-type', `There is no <${name}/> here.`))
    // RFC 6120 §8.1.2.1: a `from` that is not the client's own ends the stream.
    if (attrs['from'] !== undefined && attrs['from'] !== this.#session!.address && !this.#isOwn(attrs['from']))
      return this.close(new StreamError('invalid-from', 'A stanza came from an address that is not yours.'))
    // RFC 6120 §8.1.5: what is in the stream's language must say so where another stream's may be another.
    if (this.#language !== undefined && attrs['xml:lang'] === undefined) attrs['xml:lang'] = this.#language
    this.#session!.inbox.accept(accountOf(attrs['to']) ?? this.#session!.user.jid.toString(), stanza)
  }

  #isOwn(from: string): boolean {
    return isOwnAddress(from, this.#account!, this.#session?.jid.resource)
  }

  // ---- closing ----

  /** Ends the stream, with an error or in order (RFC 6120 §4.4, §4.9.1.1); calling it again does nothing. */
  close(error?: StreamError): void {
    if (this.#state === 'closed') return
    // RFC 6120 §4.9.1.2: an error before our header is preceded by it.
    if (this.#state !== 'securing') {
      if (!this.#headerSent) this.#sendHeader()
      if (error !== undefined) this.#connection.write(serialize(error.toElement()))
      this.#connection.write('</stream:stream>')
    }
    // A server that is being stopped comes back, and its clients may come back to their sessions.
    this.#end(error?.condition === 'system-shutdown')
    this.#connection.end(this.#context.settings.closeMs)
  }

  cut(reason: string): void {
    this.#connection.destroy(reason)
  }

  leave(error: StreamError): void {
    this.#session = undefined
    this.close(error)
  }

  /** `lost` when the stream ends without anybody having closed it. */
  #end(lost = false): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#parser.stop()
    this.#cancelTimeout?.()
    this.#cancelTimeout = undefined
    const session = this.#session
    if (session === undefined || session.stream !== this) return
    if (lost && session.live && session.host.hooks.ask(sessionLost, session)) {
      session.rest()
      session.host.hooks.notify(sessionRests, session)
    } else session.host.close(session)
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (error instanceof StreamError) return this.close(error)
    const id = randomId()
    this.#context.log.error({ err: error, id, address: this.remoteAddress }, 'a stream failed')
    this.close(new StreamError('internal-server-error', `The server's log has the reason under ${id}.`))
  }

  /** Stops reading until {@link release}; both nest. */
  hold(): void {
    if (this.#held++ > 0) return
    this.#parser.pause()
    this.#connection.pause()
  }

  release(): void {
    if (this.#held === 0 || --this.#held > 0 || this.#state === 'closed') return
    this.#connection.resume()
    this.#parser.resume()
  }

  #send(element: Element): void {
    this.#connection.write(serialize(element))
  }
}
