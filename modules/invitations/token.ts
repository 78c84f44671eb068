import { createHash, randomBytes } from 'node:crypto'

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
const LENGTH = 32

/** A new token: 160 random bits as letters and digits, which an address can bear as they are (XEP-0401 §5.1). */
export function newToken(): string {
  // 256 is a multiple of 32: every letter is as likely as every other.
  return Array.from(randomBytes(LENGTH), (byte) => alphabet[byte % alphabet.length]).join('')
}

/** Whether a text could be a token of ours; what cannot is not looked up. */
export function looksLikeToken(text: string): boolean {
  return text.length === LENGTH && /^[a-z2-7]+$/.test(text)
}

/** What is kept of a token. It is as random as it is long, so that a plain hash cannot be undone by trying. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
