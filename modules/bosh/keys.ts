import { createHash } from 'node:crypto'
import { ownText } from '#api'
import { BindingError } from './answer.ts'

const hexSha1 = /^[0-9a-f]{40}$/i

/** The keys of a session whose requests others may read, but not change (XEP-0124 §15). */
export class KeySequence {
  /** What the next key hashes to, in lower case; `undefined` for a session without keys. */
  #expected: string | undefined

  /** @throws BindingError `bad-request` for what is no key. */
  constructor(newKey: string | undefined) {
    this.#expected = begin(newKey)
  }

  /** Takes the next request's key, and the beginning of a new sequence; false when it is not the next (XEP-0124 §15.4). */
  accepts(key: string | undefined, newKey: string | undefined): boolean {
    if (this.#expected === undefined) return true
    if (key === undefined || !hexSha1.test(key)) return false
    // What was hashed is the text that the client had, in whichever case that was.
    const matches = [key, key.toLowerCase()].some((text) => sha1(text) === this.#expected)
    if (!matches) return false
    this.#expected = begin(newKey) ?? ownText(key.toLowerCase())
    return true
  }
}

function begin(newKey: string | undefined): string | undefined {
  if (newKey === undefined) return undefined
  if (!hexSha1.test(newKey)) throw new BindingError('bad-request', 'That is no key.')
  return ownText(newKey.toLowerCase())
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
