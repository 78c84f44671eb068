import { AccountError, dataForm, type Element, type FormField, readForm, StanzaError, xml } from '#api'

/** The namespace of in-band registration. */
export const NS = 'jabber:iq:register'

/** A name and a password as they were sent. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A request for an account. */
export interface AccountRequest extends Credentials {
  /** That of an invitation, from clients that cannot show it before (XEP-0445); `''` for none. */
  readonly token: string
}

/** What a name and password must be like. */
export interface CredentialRules {
  /** Characters; 0 is no limit. */
  readonly minPasswordLength: number
  readonly maxNameLength: number
}

/**
 * What is asked of somebody new, as fields and as a form (XEP-0077 §3.1, §4): the name, which may be given, a password and, of
 * those who have not shown an invitation where they need one, its token.
 */
export function registrationForm(
  instructions: string,
  { username = '', asksForToken = false }: { readonly username?: string; readonly asksForToken?: boolean } = {},
): Element {
  const given = username === '' ? {} : { values: [username] }
  const fields: FormField[] = [
    { var: 'username', type: 'text-single', label: 'Username', required: true, ...given },
    { var: 'password', type: 'text-private', label: 'Password', required: true },
  ]
  if (asksForToken) fields.push({ var: 'token', type: 'text-single', label: 'Invitation', required: true })
  return xml(
    'query',
    { xmlns: NS },
    xml('instructions', null, instructions),
    xml('username', null, username),
    xml('password'),
    dataForm('form', NS, fields, { title: 'New account', instructions }),
  )
}

/** What is told to somebody who has an account (XEP-0077 §3.1). */
export function registeredForm(username: string): Element {
  return xml('query', { xmlns: NS }, xml('registered'), xml('username', null, username), xml('password'))
}

/** The name, password and token of a request; XEP-0077 §4: a form goes before the fields. What is not there is `''`. */
export function readCredentials(query: Element, formType = NS): AccountRequest {
  const form = readForm(query, formType) ?? readForm(query, NS)
  const value = (name: string) => (form === undefined ? query.getChildText(name, NS) : form.get(name)?.[0]) ?? ''
  return { username: value('username'), password: value('password'), token: value('token') }
}

/**
 * Refuses a password that is missing or too short (XEP-0077 §3.1).
 *
 * @throws StanzaError `not-acceptable`.
 */
export function checkPassword(
  password: string,
  { minPasswordLength }: Pick<CredentialRules, 'minPasswordLength'>,
): void {
  if (password === '') throw new StanzaError('not-acceptable', 'A password is needed.')
  if ([...password].length < minPasswordLength)
    throw new StanzaError('not-acceptable', `A password has at least ${minPasswordLength} characters.`)
}

/**
 * Refuses a name that is missing or too long.
 *
 * @throws StanzaError `not-acceptable`.
 */
export function checkName(username: string, { maxNameLength }: Pick<CredentialRules, 'maxNameLength'>): void {
  if (username === '') throw new StanzaError('not-acceptable', 'A username is needed.')
  if (maxNameLength > 0 && [...username].length > maxNameLength)
    throw new StanzaError('not-acceptable', `A username has at most ${maxNameLength} characters.`)
}

/**
 * Returns a name and password, unless nobody can have them here.
 *
 * @throws StanzaError `not-acceptable`.
 */
export function checkCredentials(credentials: Credentials, rules: CredentialRules): Credentials {
  checkName(credentials.username, rules)
  checkPassword(credentials.password, rules)
  return credentials
}

/** Throws the refusal that a client gets for what accounts refuse (XEP-0077 §3.1); anything else as it is. */
export function refuse(error: unknown): never {
  if (!(error instanceof AccountError)) throw error
  switch (error.code) {
    case 'conflict':
    case 'look-alike':
      throw new StanzaError('conflict', error.message)
    case 'invalid':
    case 'invalid-password':
      throw new StanzaError('not-acceptable', error.message)
    case 'not-found':
      throw new StanzaError('registration-required', error.message)
  }
}
