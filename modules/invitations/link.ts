import type { Jid } from '#api'

/** What an invitation link says. */
export interface LinkFacts {
  readonly token: string
  readonly host: string
  /** Whose contact the invited become, if anybody's. */
  readonly inviter: Jid | undefined
  /** The name of the account to be made, if it is given. */
  readonly username: string | undefined
  /** Whether an account can be made with it. */
  readonly accounts: boolean
}

/**
 * The link of an invitation (XEP-0379 §3.2, XEP-0401 §5.1, §5.4, XEP-0445 §2): one to a contact, or to an account where one with
 * a given name is to be made or the invitation is nobody's.
 */
export function uriOf({ token, host, inviter, username, accounts }: LinkFacts): string {
  if (username !== undefined) return `xmpp:${encodeURIComponent(username)}@${encodeURI(host)}?register;preauth=${token}`
  if (inviter === undefined) return `xmpp:${encodeURI(host)}?register;preauth=${token}`
  const address = `${encodeURIComponent(inviter.local)}@${encodeURI(inviter.domain)}`
  return `xmpp:${address}?roster;preauth=${token}${accounts ? ';ibr=y' : ''}`
}

/**
 * Where the server's own page of an invitation is, as a pattern for {@link landingUrlOf}; nowhere when the server is not found by https
 * (XEP-0401 §5.1): a token is a secret.
 */
export function landingPattern(webUrl: string | undefined, path: string): string | undefined {
  return webUrl?.startsWith('https:') ? webUrl + path.replace(':token', '{token}') : undefined
}

/** The page that shows an invitation to those whose computer cannot open its link, as the admin's pattern says. */
export function landingUrlOf(pattern: string, uri: string, token: string): string {
  return pattern.replaceAll('{token}', token).replaceAll('{invitation}', uri.replace(/^xmpp:/, ''))
}
