import { Jid } from '../jid/jid.ts'
import type { Host } from '../session/host.ts'
import type { SessionLogin } from '../session/login.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { decodeBase64, type SaslExchange, type SaslOutcome } from './sasl-exchange.ts'

/** What one element of a login comes to. */
export interface SaslAnswer {
  readonly reply: Element
  /** The account that has logged in. */
  readonly account?: Jid
  /** How often its password had been changed then. */
  readonly passwordVersion?: number
  /** What it has shown. */
  readonly by?: SessionLogin['by']
  /** How it has, for the log. */
  readonly mechanism?: string
  /** Whether the connection has used up its attempts. */
  readonly tooMany?: boolean
}

/** Logins in the elements of RFC 6120 §6.4. */
export class SaslNegotiation {
  readonly #host: Host
  readonly #exchange: SaslExchange

  constructor(host: Host, exchange: SaslExchange) {
    this.#host = host
    this.#exchange = exchange
  }

  /** Takes one element of the SASL namespace. */
  async take(element: Element): Promise<SaslAnswer> {
    switch (element.name) {
      case 'auth':
        return await this.#begin(element)
      case 'response':
        return this.#answer(await this.#exchange.step(decode(element.getText())))
      case 'abort':
        return this.#answer(this.#exchange.fail('aborted'))
      default:
        return this.#answer(this.#exchange.fail('malformed-request'))
    }
  }

  async #begin(element: Element): Promise<SaslAnswer> {
    // RFC 6120 §6.5.7 and Openfire's OF-3273: what was not offered is not accepted.
    if (!this.#exchange.begin(element.attrs['mechanism'] ?? '', this.#exchange.surroundings))
      return this.#answer(this.#exchange.fail('invalid-mechanism'))
    // RFC 6120 §6.4.2: without an initial response the client waits for an empty challenge.
    if (element.getText() === '' && this.#exchange.awaitsResponse)
      return { reply: xml('challenge', { xmlns: NS.sasl }) }
    return this.#answer(await this.#exchange.step(decode(element.getText())))
  }

  #answer(outcome: SaslOutcome): SaslAnswer {
    switch (outcome.kind) {
      case 'challenge':
        return { reply: xml('challenge', { xmlns: NS.sasl }, outcome.data.toString('base64')) }
      case 'failure':
        return { reply: failure(outcome.condition, outcome.text), tooMany: outcome.tooMany }
      case 'success':
        return {
          // RFC 6120 §6.4.6: additional data with success.
          reply: xml('success', { xmlns: NS.sasl }, outcome.data?.toString('base64')),
          account: Jid.of(outcome.local, this.#host.domain),
          passwordVersion: outcome.passwordVersion,
          by: outcome.by ?? 'password',
          mechanism: this.#exchange.mechanism,
        }
    }
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

/** RFC 6120 §6.4.2: `=` alone stands for nothing. */
function decode(text: string): Buffer | undefined {
  return decodeBase64(text === '=' ? '' : text)
}
