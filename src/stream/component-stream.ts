import { createHash, timingSafeEqual } from 'node:crypto'
import type Logger from 'bunyan'
import type { Throttle } from '../auth/throttle.ts'
import { Jid } from '../jid/jid.ts'
import type { Connection } from '../net/connection.ts'
import type { Components } from '../routing/components.ts'
import type { Router } from '../routing/router.ts'
import type { ComponentConnection } from '../session/component-hooks.ts'
import { Inbox } from '../session/inbox.ts'
import { StreamError } from '../stanza/stream-error.ts'
import type { Clock } from '../util/clock.ts'
import { randomId } from '../util/id.ts'
import type { Element } from '../xml/element.ts'
import type { ParserLimits } from '../xml/limits.ts'
import { serialize } from '../xml/wire.ts'
import { componentHeaderText, componentOf } from './component-header.ts'
import { accountOf } from './stanza-address.ts'
import type { StreamCounts } from './stream-counts.ts'
import { foreignLanguage } from './stream-header.ts'
import { type LinkOwner, XmlLink } from './xml-link.ts'

/** What all component streams of a server share: made once, never changed. */
export interface ComponentContext {
  readonly router: Router
  readonly components: Components
  /** The components there are, by domain. */
  readonly known: ReadonlyMap<string, ComponentFacts>
  readonly clock: Clock
  readonly log: Logger
  readonly counts: StreamCounts
  readonly throttle: Throttle
  readonly settings: ComponentSettings
  /** Hears of each connection that has shown who it is. */
  readonly onConnected: (connection: ComponentConnection) => void
  /** What the server calls itself to whoever names no component of it. */
  readonly serverName: string
}

/** What is known of one component; 0 is no limit. */
export interface ComponentFacts {
  readonly secret: string
  readonly liveLimits: ParserLimits
  /** Stanzas of one connection under way at once, past which its socket is not read. */
  readonly inboundPending: number
}

/** The options of component streams; numbers are bytes, counts and milliseconds, and 0 is no limit. */
export interface ComponentSettings {
  readonly preAuthLimits: ParserLimits
  /** Time from the connection to a right handshake. */
  readonly preAuthMs: number
  /** Of those who have not said which component they are. */
  readonly liveLimits: ParserLimits
  /** How long a closing stream waits for its peer. */
  readonly closeMs: number
}

/** What a component has sent: the stanza and its prepared sender. */
interface Sent {
  readonly stanza: Element
  readonly from: Jid
}

/**
 * The server's side of an external component's stream (XEP-0114, `jabber:component:accept`): the component shows that it
 * knows the secret of its domain, and from then on sends and receives every stanza of that domain.
 */
export class ComponentStream implements LinkOwner {
  readonly #context: ComponentContext
  readonly #link: XmlLink
  readonly #onClosed: (stream: ComponentStream) => void
  #inbox: Inbox<Sent> | undefined
  readonly #id = randomId()
  /** The domain the header named; the component's own once the stream is live. */
  #domain: string | undefined
  #language: string | undefined
  /** Whether the stanzas of its domain come here. */
  #connected = false

  /** Starts to read; `onClosed` is called once, when the connection is gone. */
  constructor(connection: Connection, context: ComponentContext, onClosed: (stream: ComponentStream) => void) {
    this.#context = context
    this.#onClosed = onClosed
    this.#link = new XmlLink(connection, this, context, 'Send the handshake sooner.')
  }

  /** Sends stanzas, whole, as text. */
  write(text: string): void {
    this.#link.write(text)
  }

  /** Sends white space when nothing has been sent since the last call (RFC 6120 §4.6.1). */
  keepAlive(): void {
    this.#link.keepAlive()
  }

  /** Takes up nothing more; settles when everything that was taken up is dealt with. The stream is to be closed then. */
  async settle(): Promise<void> {
    this.#link.hold()
    await this.#inbox?.idle()
  }

  // ---- opening ----

  header(): string {
    return componentHeaderText(this.#domain ?? this.#context.serverName, this.#id)
  }

  onOpen(root: Element): void {
    this.#domain = componentOf(root, this.#context.known)
    this.#link.sendHeader()
    this.#language = foreignLanguage(root)
  }

  // ---- authenticating ----

  negotiate(element: Element): void {
    // RFC 6120 §4.9.3.12: nothing else before the handshake.
    if (element.name !== 'handshake' || element.attrs['xmlns'] !== undefined)
      throw new StreamError('not-authorized', 'Send the handshake first.')
    this.#link.hold()
    this.#check(element.getText()).then(
      (error) => {
        if (error !== undefined) this.close(error)
        else if (this.#link.state === 'open') this.#begin()
        this.#link.release()
      },
      (error) => this.#link.fail(error),
    )
  }

  /** What is wrong with a handshake; `undefined` when nothing is. */
  async #check(handshake: string): Promise<StreamError | undefined> {
    const { known, throttle, log } = this.#context
    const domain = this.#domain!
    const guess = await throttle.guessInTurn(this.#link.connection.remoteAddress, domain)
    if (guess === undefined) return new StreamError('policy-violation', 'Too many wrong handshakes; try again later.')
    if (isHandshake(handshake, this.#id, known.get(domain)!.secret)) {
      guess.right()
      return undefined
    }
    guess.wrong()
    log.info({ ...this.#facts, component: domain }, 'a component has the wrong secret')
    await throttle.delay()
    // XEP-0114 §3.
    return new StreamError('not-authorized', 'The handshake is wrong.')
  }

  #begin(): void {
    const { components, known, log } = this.#context
    const domain = this.#domain!
    const { liveLimits, inboundPending } = known.get(domain)!
    // XEP-0114 §3, RFC 6120 §4.9.3.3: the older connections stay.
    if (!components.connect(domain, this))
      return this.close(new StreamError('conflict', 'This component has all the connections it may have.'))
    this.#connected = true
    this.#inbox = this.#inboxOf(inboundPending)
    this.#link.goLive(liveLimits)
    this.#link.send('<handshake/>')
    log.info({ ...this.#facts, component: domain }, 'a component is connected')
    this.#context.onConnected({ domain, send: (stanza) => this.write(serialize(stanza)) })
  }

  #inboxOf(limit: number): Inbox<Sent> {
    return new Inbox<Sent>(
      ({ stanza, from }, turn) => this.#context.router.fromOutside(stanza, from, turn, this),
      limit,
      () => this.#link.hold(),
      () => this.#link.release(),
      // A burst of messages of one sender shares commits, as a client's does.
      ({ stanza }) => stanza.name === 'message',
    )
  }

  // ---- live ----

  take(stanza: Element): void {
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
    this.#inbox!.accept(`${from.bare} ${accountOf(attrs['to'])}`, { stanza, from })
  }

  // ---- closing ----

  get logFacts(): object {
    return { component: this.#domain }
  }

  get #facts(): object {
    return { component: this.#domain, address: this.#link.connection.remoteAddress, stream: this.#link.id }
  }

  /** Ends the stream, with an error or in order (RFC 6120 §4.4, §4.9.1.1); calling it again does nothing. */
  close(error?: StreamError): void {
    this.#link.close(error)
  }

  onEnded(reason: string): void {
    if (!this.#connected) return
    this.#context.components.disconnect(this.#domain!, this)
    this.#context.log.info({ ...this.#facts, reason }, 'a component is gone')
  }

  onGone(): void {
    this.#onClosed(this)
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
  const jid = Jid.tryParse(text ?? '')
  if (jid?.domain === domain) return jid
  throw new StreamError('invalid-from', `A stanza comes from an address of ${domain}, which \`from\` names.`)
}
