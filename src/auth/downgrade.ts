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
