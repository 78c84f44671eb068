import { type Element, type Host, StanzaError } from '#api'
import type { RegistrationLimit } from './limit.ts'
import { preparedName } from './name.ts'
import { type CredentialRules, checkCredentials, readCredentials, refuse } from './request.ts'

/** Who asks before any login. */
export interface Stranger {
  readonly remoteAddress: string
  readonly secure: boolean
}

/** What new accounts obey. */
export interface NewAccountRules extends CredentialRules {
  readonly allowNewAccounts: boolean
  readonly requireTls: boolean
  readonly reservedNames: readonly string[]
}

/** The accounts that people make for themselves on a host (XEP-0077 §3.1.1). */
export class NewAccounts {
  readonly #host: Host
  readonly #rules: NewAccountRules
  readonly #limit: RegistrationLimit
  readonly #reserved: ReadonlySet<string>

  constructor(host: Host, rules: NewAccountRules, limit: RegistrationLimit) {
    this.#host = host
    this.#rules = rules
    this.#limit = limit
    this.#reserved = new Set(rules.reservedNames.map((name) => preparedName(name, host.domain)))
  }

  /** @throws StanzaError when no stranger may ask for the form, or not over this channel. */
  checkOffer({ secure }: Stranger): void {
    // XEP-0077 §3.1: where nobody can register, there is no such service.
    if (!this.#rules.allowNewAccounts) throw new StanzaError('service-unavailable')
    checkChannel(secure, this.#rules)
  }

  /**
   * Makes the account that a request asks for and returns its address.
   *
   * @throws StanzaError `not-allowed`, `not-authorized`, `not-acceptable`, `resource-constraint` or `conflict`.
   */
  async register(query: Element, client: Stranger): Promise<string> {
    if (!this.#rules.allowNewAccounts) throw new StanzaError('not-allowed', 'Accounts are made by the admins.')
    checkChannel(client.secure, this.#rules)
    const { username, password } = checkCredentials(readCredentials(query), this.#rules)
    // XEP-0077 §3.1.1: too many from there, or in all; before anybody learns whether the name is taken.
    if (!this.#limit.take(client.remoteAddress))
      throw new StanzaError('resource-constraint', 'Too many accounts are being made; try again later.')
    if (this.#reserved.has(preparedName(username, this.#host.domain)))
      throw new StanzaError('not-acceptable', 'That name is reserved.')
    return (await this.#host.accounts.create(username, password).catch(refuse)).toString()
  }
}

/** XEP-0077 §3.3: refuses a password over a channel that is not safe enough. @throws StanzaError `not-authorized` */
export function checkChannel(secure: boolean, { requireTls }: { readonly requireTls: boolean }): void {
  if (requireTls && !secure) throw new StanzaError('not-authorized', 'Start TLS first.')
}
