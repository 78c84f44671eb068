/** A text that is no XMPP address: the message says which part is wrong and why, in characters that are safe to send. */
export class JidError extends Error {
  override readonly name = 'JidError'
}
