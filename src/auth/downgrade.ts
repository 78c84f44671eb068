import { digest, type ScramHash } from './scram-keys.ts'

/** One for each hash and way to connect, whose offers differ. */
const known = new Map<string, string>()

/** The hash of {@link downgradeText}, in base64; computed once, as all connections of a kind are offered the same. */
export function downgradeHash(
  hash: ScramHash,
  mechanisms: readonly string[],
  bindings: readonly string[] | undefined,
): string {
  const key = `${hash} ${mechanisms.join()} ${bindings?.join()}`
  let text = known.get(key)
  if (text === undefined) {
    text = digest(hash, Buffer.from(downgradeText(mechanisms, bindings))).toString('base64')
    known.set(key, text)
  }
  return text
}

/**
 * What a hash in SCRAM protects against somebody in between who changes what a server offers (XEP-0474 §6.1): the mechanisms
 * and, when it has announced any, the types of channel binding.
 */
export function downgradeText(mechanisms: readonly string[], bindings: readonly string[] | undefined): string {
  const text = sorted(mechanisms)
  return bindings === undefined ? text : `${text}\x1f${sorted(bindings)}`
}

/** By octets: all names are ASCII. */
function sorted(names: readonly string[]): string {
  return [...names].sort().join('\x1e')
}
