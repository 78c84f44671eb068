import type { PasswordCheck } from './accounts.ts'
import { accountOf, decodeUtf8 } from './identity.ts'
import type { SaslContext, SaslStep } from './mechanism.ts'
import { SaslError } from './sasl-error.ts'

/** The server's side of PLAIN (RFC 4616): one message, with the password in it. */
export class Plain {
  readonly #context: SaslContext
  account: string | undefined

  constructor(context: SaslContext) {
    this.#context = context
  }

  async step(message: Buffer): Promise<SaslStep> {
    const { accounts, address, host, throttle } = this.#context
    // RFC 4616 §2: message = [authzid] NUL authcid NUL passwd
    const [authzid, username, password, ...rest] = decodeUtf8(message).split('\0')
    if (authzid === undefined || !username || !password || rest.length > 0)
      throw new SaslError('malformed-request', 'The message is not [authzid] NUL user NUL password.')
    const account = accountOf(username, authzid, host)
    this.account = account.toString()
    const guess = await throttle.guessInTurn(address, this.account)
    if (guess === undefined) throw new SaslError('temporary-auth-failure', 'Too many wrong passwords; try again later.')
    let check: PasswordCheck
    try {
      check = await accounts.checkLogin(account.local, password)
    } catch (error) {
      guess.cancel()
      throw error
    }
    if (check.verdict === 'wrong') {
      guess.wrong()
      await throttle.delay()
      throw new SaslError('not-authorized')
    }
    guess.right()
    // RFC 6120 §6.5.2: only who knows the password learns that the account is disabled.
    if (check.verdict === 'disabled') throw new SaslError('account-disabled')
    return { kind: 'success', local: account.local, passwordVersion: check.passwordVersion }
  }
}
