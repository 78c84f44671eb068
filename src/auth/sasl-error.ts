/** The conditions of a SASL failure (RFC 6120 §6.5). */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

/** Refuses a login: thrown inside a mechanism, it becomes the failure the client gets. The text is sent to the client. */
export class SaslError extends Error {
  readonly condition: SaslCondition

  constructor(condition: SaslCondition, text = '') {
    super(text)
    this.name = 'SaslError'
    this.condition = condition
  }
}
