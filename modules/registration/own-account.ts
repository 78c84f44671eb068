import { type Element, type Host, type IqRequest, resultOf, type Session, StanzaError } from '#api'
import { isNameOf } from './name.ts'
import { checkChannel } from './new-accounts.ts'
import { type CredentialRules, checkPassword, NS, readCredentials, refuse } from './request.ts'

const NS_CHANGE_PASSWORD = 'jabber:iq:register:changepassword'

/** What users may do with their own accounts. */
export interface OwnAccountRules extends CredentialRules {
  readonly allowPasswordChange: boolean
  readonly allowRemoval: boolean
  readonly requireTls: boolean
}

/** The session of one of the host's own users. @throws StanzaError `registration-required` for anybody else. */
export function ownSession({ from, origin }: IqRequest, host: Host): Session {
  if (origin === null || from.domain !== host.domain)
    throw new StanzaError('registration-required', 'Only users of this server have an account here.')
  return origin
}

/**
 * Changes the password of whoever asks (XEP-0077 §3.3).
 *
 * @throws StanzaError `not-allowed`, `not-authorized`, `bad-request` or `not-acceptable`.
 */
export async function changePassword(
  query: Element,
  { jid, host, stream }: Session,
  rules: OwnAccountRules,
): Promise<void> {
  if (!rules.allowPasswordChange) throw new StanzaError('not-allowed', 'Passwords are changed by the admins.')
  // With one, somebody could come back.
  if (host.isGuest(jid)) throw new StanzaError('not-allowed', 'Guests have no password.')
  checkChannel(stream.secure, rules)
  const { username, password } = readCredentials(query, NS_CHANGE_PASSWORD)
  if (username === '') throw new StanzaError('bad-request', 'Say in <username/> whose password it is.')
  if (!isNameOf(username, jid)) throw new StanzaError('not-allowed', 'That is another account.')
  checkPassword(password, rules)
  await host.accounts.setPassword(jid.local, password).catch(refuse)
}

/** Whether a request is one to delete the account (XEP-0077 §3.2). */
export function asksForRemoval(query: Element): boolean {
  return query.getChild('remove', NS) !== undefined
}

/**
 * Answers, then has the account of whoever asks deleted, which begins with the end of all its sessions. Resolves with the
 * time until which an admin can restore it (ms since the epoch), if there is one.
 *
 * @throws StanzaError `not-allowed` or `bad-request`, and whatever keeps the account; then its owner, told otherwise,
 * finds it still there.
 */
export async function removeAccount(
  { stanza }: IqRequest,
  query: Element,
  session: Session,
  rules: OwnAccountRules,
): Promise<number | undefined> {
  if (!rules.allowRemoval) throw new StanzaError('not-allowed', 'Accounts are deleted by the admins.')
  if (query.getChildElements().length !== 1) throw new StanzaError('bad-request', '<remove/> stands alone.')
  session.send(resultOf(stanza))
  return await session.host.deletions.request(session.jid.local)
}
