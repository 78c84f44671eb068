import { type Element, type Host, type Jid, StanzaError, type Transaction } from '#api'
import type { AccountInvitation, InvitationsApi } from '../invitations/index.ts'
import type { RegistrationLimit } from './limit.ts'
import { looksOf, mixesScripts } from './look-alike.ts'
import { preparedName } from './name.ts'
import {
  type AccountRequest,
  type CredentialRules,
  checkCredentials,
  readCredentials,
  refuse,
  registrationForm,
} from './request.ts'

/** Who asks before any login: one connection, as one object. */
export interface Stranger {
  readonly remoteAddress: string
  readonly secure: boolean
}

/** What new accounts obey. */
export interface NewAccountRules extends CredentialRules {
  readonly newAccounts: 'anybody' | 'invitation' | 'nobody'
  readonly requireTls: boolean
  readonly reservedNames: readonly string[]
  readonly instructions: string
}

/** How often strangers may try. */
export interface NewAccountLimits {
  readonly accounts: RegistrationLimit
  readonly tokens: RegistrationLimit
}

/** An account that was just made. */
export interface NewAccount {
  readonly account: string
  /** The local part of whoever invited, `''` for the server; `undefined` when nobody did. */
  readonly inviter: string | undefined
}

/** The accounts that people make for themselves on a host (XEP-0077 §3.1.1). */
export class NewAccounts {
  readonly #host: Host
  readonly #rules: NewAccountRules
  readonly #limits: NewAccountLimits
  readonly #invitations: InvitationsApi | undefined
  readonly #reserved: ReadonlySet<string>
  /** What the clients connected have shown; it is good for as long as they are, and after TLS only what came after it. */
  readonly #shown = new WeakMap<Stranger, { readonly invitation: AccountInvitation; readonly secure: boolean }>()

  constructor(
    host: Host,
    rules: NewAccountRules,
    limits: NewAccountLimits,
    invitations: InvitationsApi | undefined = undefined,
  ) {
    this.#host = host
    this.#rules = rules
    this.#limits = limits
    this.#invitations = invitations
    this.#reserved = new Set(rules.reservedNames.map((name) => looksOf(preparedName(name, host.domain))))
  }

  /**
   * Takes the token of an invitation (XEP-0445 §4); what follows on the connection is invited.
   *
   * @throws StanzaError `item-not-found` for one that does not work, whyever; `resource-constraint` past the limit, which
   * right and wrong ones count towards; `not-authorized`, `service-unavailable`.
   */
  async show(token: string, client: Stranger): Promise<void> {
    this.#shown.delete(client)
    await this.#show(token, client)
  }

  async #show(token: string, client: Stranger): Promise<AccountInvitation> {
    if (this.#invitations === undefined || this.#rules.newAccounts === 'nobody')
      throw new StanzaError('service-unavailable')
    checkChannel(client.secure, this.#rules)
    if (!this.#limits.tokens.take(client.remoteAddress))
      throw new StanzaError('resource-constraint', 'Too many invitations were shown; try again later.')
    const invitation = await this.#invitations.find(token)
    this.#shown.set(client, { invitation, secure: client.secure })
    return invitation
  }

  /** What is asked of a stranger. @throws StanzaError when no stranger may ask for it, or not over this channel. */
  form(client: Stranger): Element {
    const { newAccounts, instructions } = this.#rules
    // XEP-0077 §3.1: where nobody can register, there is no such service.
    if (newAccounts === 'nobody') throw new StanzaError('service-unavailable')
    checkChannel(client.secure, this.#rules)
    const invitation = this.#invitationOf(client)
    const asksForToken = newAccounts === 'invitation' && invitation === undefined
    return registrationForm(instructions, { username: invitation?.username ?? '', asksForToken })
  }

  /**
   * Makes the account that a request asks for.
   *
   * @throws StanzaError `not-allowed`, `not-authorized`, `not-acceptable`, `resource-constraint` or `conflict`;
   * `item-not-found` for an invitation that does not work, or no more.
   */
  async register(query: Element, client: Stranger): Promise<NewAccount> {
    return await this.make(readCredentials(query), client).catch(refuse)
  }

  /** Like {@link register}, however it is asked for. @throws StanzaError likewise; AccountError for what accounts refuse. */
  async make({ token, ...sent }: AccountRequest, client: Stranger): Promise<NewAccount> {
    const { newAccounts } = this.#rules
    if (newAccounts === 'nobody') throw new StanzaError('not-allowed', 'Accounts are made by the admins.')
    checkChannel(client.secure, this.#rules)
    const invitation = this.#invitationOf(client) ?? (token === '' ? undefined : await this.#show(token, client))
    if (newAccounts === 'invitation' && invitation === undefined)
      throw new StanzaError('not-allowed', 'An account takes an invitation.')
    const { username, password } = checkCredentials(sent, this.#rules)
    // XEP-0077 §3.1.1: too many from there, or in all; before anybody learns whether the name is taken.
    if (!this.#limits.accounts.take(client.remoteAddress))
      throw new StanzaError('resource-constraint', 'Too many accounts are being made; try again later.')
    await this.#checkName(preparedName(username, this.#host.domain), invitation)
    const use = invitation && ((tx: Transaction, made: Jid) => this.#invitations!.use(tx, invitation, made))
    const jid = await this.#host.accounts.create(username, password, use)
    this.#shown.delete(client)
    // XEP-0401 §5.5: with the answer the two are contacts.
    if (invitation !== undefined && invitation.inviter !== '') await this.#invitations!.settle()
    return { account: jid.toString(), inviter: invitation?.inviter }
  }

  #invitationOf(client: Stranger): AccountInvitation | undefined {
    const shown = this.#shown.get(client)
    return shown?.secure === client.secure ? shown.invitation : undefined
  }

  async #checkName(local: string, invitation: AccountInvitation | undefined): Promise<void> {
    const promised = invitation?.username ?? null
    if (promised !== null) {
      if (local === promised) return
      // XEP-0445 §2.1
      throw new StanzaError('not-acceptable', `The invitation is for the name ${promised}.`)
    }
    if (this.#reserved.has(looksOf(local)))
      throw new StanzaError('not-acceptable', 'That name is reserved, or looks like one that is.')
    if (mixesScripts(local)) throw new StanzaError('not-acceptable', 'A name has letters of one script.')
    // XEP-0445 §5
    if ((await this.#invitations?.isHeld(local)) === true)
      throw new StanzaError('conflict', 'That name is taken, or looks like one that is.')
  }
}

/** XEP-0077 §3.3: refuses a password over a channel that is not safe enough. @throws StanzaError `not-authorized` */
export function checkChannel(secure: boolean, { requireTls }: { readonly requireTls: boolean }): void {
  if (requireTls && !secure) throw new StanzaError('not-authorized', 'Start TLS first.')
}
