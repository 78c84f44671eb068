import { randomBytes } from 'node:crypto'
import { keysOfSalted, type ScramHash, type ScramKeys, saltBytes } from '../auth/scram-keys.ts'
import { type Element, xml } from '../xml/element.ts'
import { decodeBase64 } from './sasl-exchange.ts'

export const NS_UPGRADE = 'urn:xmpp:sasl:upgrade:0'
const NS_SCRAM_UPGRADE = 'urn:xmpp:scram-upgrade:0'

const hashes: readonly ScramHash[] = ['SHA-512', 'SHA-256']

/** The tasks by which a client can have its password kept for a hash that a mechanism offered needs (XEP-0480 §2.1). */
export function upgradeTasks(mechanisms: readonly string[]): string[] {
  return hashes.filter((hash) => mechanisms.includes(`SCRAM-${hash}`)).map((hash) => `UPGR-SCRAM-${hash}`)
}

/** The hash that a task is for. */
export function hashOfTask(task: string): ScramHash | undefined {
  return hashes.find((hash) => `UPGR-SCRAM-${hash}` === task)
}

/** One task under way (XEP-0480 §3): the client derives what is kept of its password, without telling the password. */
export class UpgradeTask {
  readonly hash: ScramHash
  readonly #salt = randomBytes(saltBytes)
  readonly #iterations: number

  constructor(hash: ScramHash, iterations: number) {
    this.hash = hash
    this.#iterations = iterations
  }

  /** What the client needs to do it. */
  salt(): Element {
    const attrs = { xmlns: NS_SCRAM_UPGRADE, iterations: String(this.#iterations) }
    return xml('salt', attrs, this.#salt.toString('base64'))
  }

  /** The keys of what the client has derived; `undefined` when that cannot be a salted password. */
  keys(data: Element): ScramKeys | undefined {
    const salted = decodeBase64(data.getChildText('hash', NS_SCRAM_UPGRADE)?.trim() ?? '')
    return salted && keysOfSalted(this.hash, salted, this.#salt, this.#iterations)
  }
}
