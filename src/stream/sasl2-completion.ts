import type Logger from 'bunyan'
import { type GrantedLogin, loginExtensions, type StreamElement, streamElements } from '../session/hooks.ts'
import type { Session } from '../session/session.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { boundElement, tellFeatures } from './bind2.ts'
import { additionalData, sasl2Failure } from './sasl2-negotiation.ts'

/** The stream that a login is completed on; its client is not read meanwhile. */
export interface CompletingStream {
  readonly remoteAddress: string
  /** Goes on with a session; false when the connection is gone. */
  adopt(session: Session): boolean
  /** Binds a session and keeps back what it is sent; returns it with what its features tell. Rejects when the connection is gone. */
  bind2(bind: Element, login: GrantedLogin): Promise<{ session: Session; told: readonly Element[] }>
  /** Sends the end of a login: to an unbound client, to one that is back, or to one with a new session. */
  conclude(reply: Element, login: GrantedLogin, how: 'bound' | 'failed' | 'resumed' | 'unbound'): void
}

/** Does what a client has asked for along with its login, and tells it of its success (XEP-0388 §2.6.1). */
export class Sasl2Completion {
  readonly #stream: CompletingStream
  readonly #login: GrantedLogin
  readonly #data: Buffer | undefined
  readonly #log: Logger

  constructor(stream: CompletingStream, login: GrantedLogin, data: Buffer | undefined, log: Logger) {
    this.#stream = stream
    this.#login = login
    this.#data = data
    this.#log = log
  }

  /** @throws StreamError when the login cannot be completed. */
  async run(): Promise<void> {
    const granted = await this.#grants()
    // XEP-0386 §3.2: coming back goes first, and binding is for whoever cannot.
    const refused: Element[] = []
    for (const [element, spoken] of this.#inlineElements())
      if (await this.#takes(element, spoken, granted, refused)) return
    const bind = this.#login.authenticate.getChild('bind', NS.bind2)
    if (bind === undefined) return this.#succeed(this.#login.account.toString(), [...refused, ...granted], 'unbound')
    await this.#bind(bind, granted, refused)
  }

  async #grants(): Promise<Element[]> {
    const granted: Element[] = []
    for (const extension of this.#login.host.hooks.all(loginExtensions)) {
      try {
        const element = await extension.granted?.(this.#login)
        if (element !== undefined) granted.push(element)
      } catch (error) {
        this.#fails(error)
      }
    }
    return granted
  }

  #inlineElements(): [Element, StreamElement][] {
    const known = this.#login.host.hooks.all(streamElements).filter(({ inline }) => inline?.() !== undefined)
    return this.#login.authenticate.getChildElements().flatMap((child): [Element, StreamElement][] => {
      const spoken = known.find(({ name, xmlns }) => name === child.name && xmlns === child.attrs['xmlns'])
      return spoken === undefined ? [] : [[child, spoken]]
    })
  }

  /** Has a module take what came along; true when the client is back in a session, and has been told. */
  async #takes(element: Element, spoken: StreamElement, granted: Element[], refused: Element[]): Promise<boolean> {
    const { account, host } = this.#login
    let adopted: Session | undefined
    await spoken.unbound!(element, {
      account,
      host,
      remoteAddress: this.#stream.remoteAddress,
      adopt: (session) => {
        if (!this.#stream.adopt(session)) return false
        adopted = session
        return true
      },
      reply: (reply) => {
        if (adopted === undefined) refused.push(reply)
        else this.#succeed(adopted.address, [reply, ...granted], 'resumed')
      },
    })
    return adopted !== undefined
  }

  async #bind(bind: Element, granted: readonly Element[], refused: readonly Element[]): Promise<void> {
    try {
      const { session, told } = await this.#stream.bind2(bind, this.#login)
      const later = await tellFeatures(session, (error) => this.#fails(error))
      this.#succeed(session.address, [...refused, boundElement([...told, ...later]), ...granted], 'bound')
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      // The password is right, and there is no room: the client may try again, or without binding.
      const reason = xml(error.condition, { xmlns: NS.stanzaErrors })
      this.#stream.conclude(sasl2Failure('temporary-auth-failure', error.message, reason), this.#login, 'failed')
    }
  }

  #succeed(address: string, elements: readonly Element[], how: 'bound' | 'resumed' | 'unbound'): void {
    const identifier = xml('authorization-identifier', null, address)
    const success = xml('success', { xmlns: NS.sasl2 }, additionalData(this.#data), identifier, ...elements)
    this.#stream.conclude(success, this.#login, how)
  }

  #fails(error: unknown): void {
    const account = this.#login.account.toString()
    this.#log.error({ err: error, account }, 'something that a client asked for with its login could not be done')
  }
}
