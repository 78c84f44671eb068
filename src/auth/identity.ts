import { Jid, JidError } from '../jid/jid.ts'
import { SaslError } from './sasl-error.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a message, or of a part of one; SASL texts are UTF-8 without exception. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new SaslError('malformed-request', 'The message is not UTF-8.')
  }
}

/**
 * The account a client names, when it is one it may act as: its own. RFC 7622 §3.3 prepares the name, where RFC 5802 §5.1
 * has SASLprep: in XMPP a name that is not an address's localpart is nobody's.
 *
 * A user name that cannot be an address has no account, and is told no more than a wrong password is.
 *
 * @throws SaslError `not-authorized` or `invalid-authzid`.
 */
export function accountOf(username: string, authzid: string, host: string): Jid {
  const account = prepare(() => Jid.of(username, host))
  // An authorization identity other than the account that logs in is refused (RFC 6120 §6.3.8, §6.5.6).
  if (authzid !== '' && prepare(() => Jid.parse(authzid))?.toString() !== (account ?? '').toString())
    throw new SaslError('invalid-authzid', 'You can only act as yourself.')
  if (account === undefined || account.local === '') throw new SaslError('not-authorized')
  return account
}

function prepare(work: () => Jid): Jid | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
