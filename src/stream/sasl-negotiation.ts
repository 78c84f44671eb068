import { offeredMechanisms, type SaslMechanism, type SaslStep, startMechanism } from '../auth/mechanism.ts'
import { Jid } from '../jid/jid.ts'
import type { Connection } from '../net/connection.ts'
import type { Host } from '../session/host.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import type { StreamContext } from './stream-context.ts'

/** What one element of a login comes to. */
export interface SaslOutcome {
  readonly reply: Element
  /** The account that has logged in. */
  readonly account?: Jid
  /** Whether the connection has used up its attempts. */
  readonly tooMany?: boolean
}

/** The logins of one stream, from the offer to success, in the elements of RFC 6120 §6.4. */
export class SaslNegotiation {
  readonly #host: Host
  readonly #connection: Connection
  readonly #context: StreamContext
  #offered: readonly string[] = []
  #mechanism: SaslMechanism | undefined
  #failures = 0

  constructor(host: Host, connection: Connection, context: StreamContext) {
    this.#host = host
    this.#connection = connection
    this.#context = context
  }

  /** The mechanisms to offer on this connection as it is now, the strongest first. */
  offer(): readonly string[] {
    const { channelBinding: binding, secure } = this.#connection
    const { mechanisms, requireTls } = this.#context.settings
    this.#offered = offeredMechanisms({ mechanisms, requireTls }, { tls: secure, binding })
    return this.#offered
  }

  /** Takes one element of the SASL namespace. */
  async take(element: Element): Promise<SaslOutcome> {
    switch (element.name) {
      case 'auth':
        return await this.#begin(element)
      case 'response':
        // RFC 6120 §6.5.8: there is no exchange that this could go on with.
        return this.#mechanism === undefined ? this.#fail('malformed-request') : await this.#step(element)
      case 'abort':
        return this.#fail('aborted')
      default:
        return this.#fail('malformed-request')
    }
  }

  async #begin(element: Element): Promise<SaslOutcome> {
    const mechanism = startMechanism(element.attrs['mechanism'] ?? '', {
      accounts: this.#host.accounts,
      host: this.#host.domain,
      binding: this.#connection.channelBinding,
      offered: this.#offered,
      throttle: this.#context.throttle,
      address: this.#connection.remoteAddress,
      decoySecret: this.#context.decoySecret,
    })
    // RFC 6120 §6.5.7 and Openfire's OF-3273: what was not offered is not accepted.
    if (mechanism === 'invalid-mechanism') return this.#fail('invalid-mechanism')
    this.#mechanism = mechanism
    // RFC 6120 §6.4.2: without an initial response the client waits for an empty challenge.
    if (element.getText() === '') return { reply: xml('challenge', { xmlns: NS.sasl }) }
    return await this.#step(element)
  }

  async #step(element: Element): Promise<SaslOutcome> {
    const message = decodeBase64(element.getText())
    if (message === undefined) return this.#fail('incorrect-encoding')
    try {
      return this.#answer(await this.#mechanism!.step(message))
    } catch (error) {
      // RFC 6120 §6.5.10: the accounts cannot be read just now; that is no wrong password.
      this.#context.log.error({ err: error, address: this.#connection.remoteAddress }, 'a login could not be checked')
      this.#mechanism = undefined
      return { reply: failure('temporary-auth-failure') }
    }
  }

  #answer(step: SaslStep): SaslOutcome {
    switch (step.kind) {
      case 'challenge':
        return { reply: xml('challenge', { xmlns: NS.sasl }, step.data.toString('base64')) }
      case 'failure':
        return this.#fail(step.condition, step.text)
      case 'success':
        return {
          // RFC 6120 §6.4.6: additional data with success.
          reply: xml('success', { xmlns: NS.sasl }, step.data?.toString('base64')),
          account: Jid.of(step.local, this.#host.domain),
        }
    }
  }

  #fail(condition: string, text?: string): SaslOutcome {
    this.#mechanism = undefined
    const { loginAttempts } = this.#context.settings
    // A mechanism that a client cannot do is no guess; how many it may try is bounded by the limits before login.
    // COMPAT(slixmpp < 1.8.5): on TLS 1.3 it tries each -PLUS with tls-unique, then each SCRAM, then PLAIN.
    if (condition !== 'malformed-request' && condition !== 'invalid-mechanism') this.#failures++
    return { reply: failure(condition, text), tooMany: loginAttempts > 0 && this.#failures >= loginAttempts }
  }
}

function failure(condition: string, text?: string): Element {
  return xml(
    'failure',
    { xmlns: NS.sasl },
    xml(condition),
    text !== undefined && xml('text', { 'xml:lang': 'en' }, text),
  )
}

/** RFC 6120 §6.4.2: strict base64; `=` alone stands for nothing. */
function decodeBase64(text: string): Buffer | undefined {
  if (text === '=' || text === '') return Buffer.alloc(0)
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
