import { createHash, timingSafeEqual } from 'node:crypto'
import type Logger from 'bunyan'
import type { Throttle } from '../auth/throttle.ts'
import { Jid, JidError } from '../jid/jid.ts'
import type { Connection, ConnectionReceiver } from '../net/connection.ts'
import type { Components } from '../routing/components.ts'
import type { Router } from '../routing/router.ts'
import { Inbox } from '../session/inbox.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Cancel, Clock } from '../util/clock.ts'
import { randomId } from '../util/id.ts'
import type { Element } from '../xml/element.ts'
import type { ParserLimits } from '../xml/limits.ts'
import { NS } from '../xml/namespaces.ts'
import { type ParserTarget, StreamParser, type XmlError } from '../xml/parser.ts'
import { serialize } from '../xml/wire.ts'
import { componentHeaderText, componentOf } from './component-header.ts'
import { accountOf } from './stanza-address.ts'
import { foreignLanguage } from './stream-header.ts'

/** What all component streams of a server share: made once, never changed. */
export interface ComponentContext {
  readonly router: Router
  readonly components: Components
  /** The secret of each component's domain. */
  readonly secrets: ReadonlyMap<string, string>
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  readonly settings: ComponentSettings
  /** What the server calls itself to whoever names no component of it. */
  readonly serverName: string
}

/** The options of component streams; numbers are bytes, counts and milliseconds, and 0 is no limit. */
export interface ComponentSettings {
  readonly preAuthLimits: ParserLimits
  /** Time from the connection to a right handshake. */
  readonly preAuthMs: number
  readonly liveLimits: ParserLimits
  /** Stanzas of one component under way at once, past which its socket is not read. */
  readonly inboundPending: number
  /** How long a closing stream waits for its peer. */
  readonly closeMs: number
}

/** What a component has sent: the stanza and its prepared sender. */
interface Sent {
  readonly stanza: Element
  readonly from: Jid
}

/**
 * Where a stream is: `opening` waits for a header, `authenticating` for the handshake; `live` carries stanzas; `closed`
 * takes calls and does nothing.
 */
type State = 'authenticating' | 'closed' | 'live' | 'opening'

/**
 * The server's side of an external component's stream (XEP-0114, `jabber:component:accept`): the component shows that it
 * knows the secret of its domain, and from then on sends and receives every stanza of that domain.
 */
export class ComponentStream implements ConnectionReceiver, ParserTarget {
  readonly #context: ComponentContext
  readonly #connection: Connection
  readonly #onClosed: (stream: ComponentStream) => void
  readonly #parser: StreamParser
  readonly #inbox: Inbox<Sent>
  readonly #id = randomId()
  #state: State = 'opening'
  #headerSent = false
  /** The domain the header named; the component's own once the stream is live. */
  #domain: string | undefined
  #language: string | undefined
  #cancelTimeout: Cancel | undefined
  #held = 0
  #quiet = false

  /** Starts to read; `onClosed` is called once, when the connection is gone. */
  constructor(connection: Connection, context: ComponentContext, onClosed: (stream: ComponentStream) => void) {
    this.#connection = connection
    this.#context = context
    this.#onClosed = onClosed
    const { preAuthLimits, preAuthMs, inboundPending } = context.settings
    this.#parser = new StreamParser(this, preAuthLimits)
    this.#inbox = new Inbox<Sent>(
      ({ stanza, from }, turn) => context.router.fromOutside(stanza, from, turn),
      inboundPending,
      () => this.#hold(),
      () => this.#release(),
      // A burst of messages of one sender shares commits, as a client's does.
      ({ stanza }) => stanza.name === 'message',
    )
    connection.receiver = this
    // RFC 6120 §4.9.3.4: a stream that nobody authenticates on is not kept.
    if (preAuthMs > 0)
      this.#cancelTimeout = context.clock.after(preAuthMs, () =>
        this.close(new StreamError('connection-timeout', 'Send the handshake sooner.')),
      )
  }

  /** Sends stanzas, whole, as text. */
  write(text: string): void {
    if (this.#state === 'closed') return
    this.#quiet = false
    this.#connection.write(text)
  }

  /** Sends white space when nothing has been sent since the last call (RFC 6120 §4.6.1). */
  keepAlive(): void {
    if (this.#quiet && this.#state === 'live') this.#connection.write(' ')
    this.#quiet = true
  }

  /** Takes up nothing more; settles when everything that was taken up is dealt with. The stream is to be closed then. */
  async settle(): Promise<void> {
    this.#hold()
    await this.#inbox.idle()
  }

  // ---- from the connection ----

  onData(chunk: Uint8Array): void {
    // No closure: this is the path of every message. What its target throws comes out of the parser.
    try {
      this.#parser.write(chunk)
    } catch (error) {
      this.#fail(error)
    }
  }

  onSecure(): void {}

  onCongestion(congested: boolean): void {
    if (congested) this.#hold()
    else this.#release()
  }

  onClose(reason: string): void {
    this.#end(reason)
    this.#onClosed(this)
  }

  // ---- from the parser ----

  onOpen(root: Element): void {
    this.#domain = componentOf(root, this.#context.secrets)
    this.#sendHeader()
    this.#language = foreignLanguage(root)
    this.#state = 'authenticating'
  }

  onStanza(element: Element): void {
    // RFC 6120 §4.9.1.1: the peer's error ends the stream; there is nothing to add.
    if (element.attrs['xmlns'] === NS.streams) this.close()
    else if (this.#state === 'live') this.#take(element)
    else this.#authenticate(element)
  }

  onEnd(): void {
    this.close()
  }

  onError(error: XmlError): void {
    this.close(new StreamError(error.condition, error.message))
  }

  // ---- authenticating ----

  #sendHeader(): void {
    this.#connection.write(componentHeaderText(this.#domain ?? this.#context.serverName, this.#id))
    this.#headerSent = true
  }

  #authenticate(element: Element): void {
    // RFC 6120 §4.9.3.12: nothing else before the handshake.
    if (element.name !== 'handshake' || element.attrs['xmlns'] !== undefined)
      throw new StreamError('not-authorized', 'Send the handshake first.')
    this.#hold()
    this.#check(element.getText()).then(
      (error) => {
        if (error !== undefined) this.close(error)
        else if (this.#state === 'authenticating') this.#attempt(() => this.#begin())
        this.#release()
      },
      (error) => this.#fail(error),
    )
  }

  /** What is wrong with a handshake; `undefined` when nothing is. */
  async #check(handshake: string): Promise<StreamError | undefined> {
    const { secrets, throttle, log } = this.#context
    const domain = this.#domain!
    const guess = await throttle.guessInTurn(this.#connection.remoteAddress, domain)
    if (guess === undefined) return new StreamError('policy-violation', 'Too many wrong handshakes; try again later.')
    if (isHandshake(handshake, this.#id, secrets.get(domain)!)) {
      guess.right()
      return undefined
    }
    guess.wrong()
    log.info({ component: domain, address: this.#connection.remoteAddress }, 'a component has the wrong secret')
    await throttle.delay()
    // XEP-0114 §3.
    return new StreamError('not-authorized', 'The handshake is wrong.')
  }

  #begin(): void {
    const { components, log, settings } = this.#context
    const domain = this.#domain!
    // XEP-0114 §3, RFC 6120 §4.9.3.3: the older connection stays.
    if (!components.connect(domain, this))
      throw new StreamError('conflict', 'Another connection serves this component already.')
    this.#cancelTimeout?.()
    this.#cancelTimeout = undefined
    this.#state = 'live'
    this.#parser.setLimits(settings.liveLimits)
    this.#connection.write('<handshake/>')
    log.info({ component: domain, address: this.#connection.remoteAddress }, 'a component is connected')
  }

  // ---- live ----

  #take(stanza: Element): void {
    const { name, attrs } = stanza
    // RFC 6120 §4.9.3.24.
    if (attrs['xmlns'] !== undefined || (name !== 'message' && name !== 'presence' && name !== 'iq'))
      throw new StreamError('unsupported-stanza-type', `There is no <${name}/> here.`)
    const from = senderOf(attrs['from'], this.#domain!)
    // XEP-0114 §3, RFC 6120 §4.9.3.7.
    if (!attrs['to']) throw new StreamError('improper-addressing', 'A stanza says in `to` whom it is for.')
    // RFC 6120 §8.1.5: what is in the stream's language must say so where another stream's may be another.
    if (this.#language !== undefined && attrs['xml:lang'] === undefined) attrs['xml:lang'] = this.#language
    // RFC 6120 §10.1: in order for each pair, and one that waits holds up no other.
    this.#inbox.accept(`${from.bare} ${accountOf(attrs['to'])}`, { stanza, from })
  }

  // ---- closing ----

  /** Ends the stream, with an error or in order (RFC 6120 §4.4, §4.9.1.1); calling it again does nothing. */
  close(error?: StreamError): void {
    if (this.#state === 'closed') return
    // RFC 6120 §4.9.1.2, XEP-0114 §3: an error before our header is preceded by it.
    if (!this.#headerSent) this.#sendHeader()
    if (error !== undefined) this.#connection.write(serialize(error.toElement()))
    this.#connection.write('</stream:stream>')
    this.#end(error?.condition ?? 'closed')
    this.#connection.end(this.#context.settings.closeMs)
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return
    const wasLive = this.#state === 'live'
    this.#state = 'closed'
    this.#parser.stop()
    this.#cancelTimeout?.()
    this.#cancelTimeout = undefined
    if (!wasLive) return
    this.#context.components.disconnect(this.#domain!, this)
    this.#context.log.info({ component: this.#domain, reason }, 'a component is gone')
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
    const { remoteAddress } = this.#connection
    this.#context.log.error({ err: error, id, address: remoteAddress, component: this.#domain }, 'a stream failed')
    this.close(new StreamError('internal-server-error', `The server's log has the reason under ${id}.`))
  }

  /** Stops reading until {@link #release}; both nest. */
  #hold(): void {
    if (this.#held++ > 0) return
    this.#parser.pause()
    this.#connection.pause()
  }

  #release(): void {
    if (this.#held === 0 || --this.#held > 0 || this.#state === 'closed') return
    this.#connection.resume()
    this.#attempt(() => this.#parser.resume())
  }
}

/** XEP-0114 §3: the SHA-1 of stream id and secret, in lower-case hexadecimal. Takes the same time for all of its length. */
function isHandshake(text: string, id: string, secret: string): boolean {
  const given = Buffer.from(text)
  const right = Buffer.from(createHash('sha1').update(id).update(secret).digest('hex'))
  return given.length === right.length && timingSafeEqual(given, right)
}

/**
 * The prepared sender of a component's stanza: any address of its domain.
 *
 * @throws StreamError `invalid-from` (XEP-0114 §3, RFC 6120 §4.9.3.9).
 */
function senderOf(text: string | undefined, domain: string): Jid {
  try {
    const jid = Jid.parse(text ?? '')
    if (jid.domain === domain) return jid
  } catch (error) {
    if (!(error instanceof JidError)) throw error
  }
  throw new StreamError('invalid-from', `A stanza comes from an address of ${domain}, which \`from\` names.`)
}
