/**
 * Why an account could not be made or changed: `conflict` (there is one), `look-alike` (there is one that looks the
 * same), `invalid` (no such address), `invalid-password`, `not-found`. The message is a sentence for people.
 */
export class AccountError extends Error {
  readonly code: 'conflict' | 'invalid' | 'invalid-password' | 'look-alike' | 'not-found'

  constructor(code: AccountError['code'], message: string) {
    super(message)
    this.name = 'AccountError'
    this.code = code
  }
}
