import { defineQuestion, type Host } from '#api'

/** A name and a password that somebody invited has chosen. */
export interface ChosenAccount {
  readonly username: string
  readonly password: string
}

/** Whoever asks for an account. */
export interface InvitedClient {
  readonly remoteAddress: string
  readonly secure: boolean
}

/** An account that was just made. */
export interface MadeAccount {
  /** Its address. */
  readonly account: string
  /** The local part of whoever invited, `''` for the server; `undefined` when nobody did. */
  readonly inviter: string | undefined
}

/** Makes accounts for those who were invited, by the rules of the module that it is of. */
export interface AccountMaker {
  /** Fewest characters of a password; 0 is no limit. */
  readonly minPasswordLength: number
  /** How many tokens somebody may try. */
  readonly tokens: {
    /** Whether an address may try one more. */
    allows(address: string): boolean
    /** Counts one that an address has tried; false when it is one too many. */
    take(address: string): boolean
  }
  /** Whether a password may come by such a connection. */
  takes(client: InvitedClient): boolean
  /** What is wrong with a name and a password at first sight, in sentences. */
  faultsOf(chosen: ChosenAccount): { readonly username?: string; readonly password?: string }
  /**
   * Makes the account; it and whoever invited it are contacts then. A token that was tried counts.
   *
   * @throws StanzaError `item-not-found` for a token that works no more, `resource-constraint` past the limits,
   * `not-authorized` for a connection that passwords may not come by, `conflict` or `not-acceptable` for a name that cannot be
   * had; AccountError, of which `invalid-password` is about the password and all others about the name.
   */
  make(token: string, chosen: ChosenAccount, client: InvitedClient): Promise<MadeAccount>
}

/** Answered by the module that makes accounts with invitations; without it, invitations are to contacts only. */
export const accountsByInvitation = defineQuestion<Host, AccountMaker | undefined>(
  'invitations/accounts-by-invitation',
  undefined,
  'Who makes accounts for those who were invited?',
)
