import { ownText } from '../util/own-text.ts'
import { recall, remember } from './jid-cache.ts'
import { JidError } from './jid-error.ts'
import { prepareDomain, prepareLocal, prepareResource } from './prep.ts'

export { JidError } from './jid-error.ts'

/**
 * An XMPP address, always prepared (RFC 7622), so that equal addresses have equal texts. Immutable.
 *
 * Made by {@link Jid.parse} or {@link Jid.of}; a part that is absent is `''`.
 */
export class Jid {
  /** The localpart, `''` when absent. */
  readonly local: string
  /** The domainpart: U-labels, an IPv4 address or an IPv6 address in brackets. */
  readonly domain: string
  /** The resourcepart, `''` when absent. */
  readonly resource: string
  /** The address without its resource; itself when it has none. */
  readonly bare: Jid
  /** Whether there is no resource. */
  readonly isBare: boolean
  readonly #text: string

  private constructor(local: string, domain: string, resource: string, text: string, bare: Jid | null) {
    this.local = local
    this.domain = domain
    this.resource = resource
    this.bare = bare ?? this
    this.isBare = bare === null
    this.#text = text
  }

  /**
   * The address of a text, through the preparation of each part (RFC 7622 §3); one map look-up when the text is known.
   *
   * @throws JidError when the text is no address.
   */
  static parse(text: string): Jid {
    return recall(text) ?? Jid.#parseNew(text)
  }

  /** Like {@link Jid.parse}, for a text that may be no address: then `undefined`. */
  static tryParse(text: string): Jid | undefined {
    try {
      return Jid.parse(text)
    } catch (error) {
      if (error instanceof JidError) return undefined
      throw error
    }
  }

  /**
   * The address with these parts, each of which is prepared; `''` stands for an absent localpart or resource.
   *
   * @throws JidError when a part is not allowed.
   */
  static of(local: string, domain: string, resource = ''): Jid {
    return Jid.#join(
      local === '' ? '' : prepareLocal(local),
      prepareDomain(domain),
      resource === '' ? '' : prepareResource(resource),
    )
  }

  /** The address as text, its canonical form: no cost. Use `jid.bare.toString()` as the key of an account. */
  toString(): string {
    return this.#text
  }

  /** Whether the other is the same address, resource included. */
  equals(other: Jid): boolean {
    return this === other || this.#text === other.#text
  }

  /**
   * The same account's address with another resource, which is prepared.
   *
   * @throws JidError when the resource is empty or not allowed.
   */
  withResource(resource: string): Jid {
    return Jid.#join(this.local, this.domain, prepareResource(resource))
  }

  static #parseNew(text: string): Jid {
    // RFC 7622 §3.1: the first slash begins the resource; before it, the first at sign ends the localpart.
    const slash = text.indexOf('/')
    const bareText = slash === -1 ? text : text.slice(0, slash)
    const at = bareText.indexOf('@')
    const jid = Jid.#join(
      at === -1 ? '' : prepareLocal(bareText.slice(0, at)),
      prepareDomain(bareText.slice(at + 1)),
      slash === -1 ? '' : prepareResource(text.slice(slash + 1)),
    )
    if (jid.#text !== text) remember(ownText(text), jid)
    else if (!jid.isBare) remember(jid.#text, jid)
    return jid
  }

  /** Joins prepared parts. The address keeps one fresh text and slices of it, nothing of the parts it was given. */
  static #join(local: string, domain: string, resource: string): Jid {
    const bareText = local === '' ? ownText(domain) : `${local}@${domain}`
    const bare = recall(bareText) ?? Jid.#bareOf(local.length, bareText)
    if (resource === '') return bare
    const text = `${bareText}/${resource}`
    return new Jid(bare.local, bare.domain, text.slice(bareText.length + 1), text, bare)
  }

  static #bareOf(localLength: number, text: string): Jid {
    const bare =
      localLength === 0
        ? new Jid('', text, '', text, null)
        : new Jid(text.slice(0, localLength), text.slice(localLength + 1), '', text, null)
    remember(text, bare)
    return bare
  }
}
