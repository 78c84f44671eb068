import { Jid } from '../jid/jid.ts'

/** Whether an address is an account's, and, of its full addresses, that of the resource bound, if one is. */
export function isOwnAddress(text: string, account: Jid, resource: string | undefined): boolean {
  try {
    const jid = Jid.parse(text)
    return jid.bare.equals(account) && (jid.resource === '' || resource === undefined || jid.resource === resource)
  } catch {
    return false
  }
}

/** RFC 6120 §10.1: what is for an account stays in order, whichever of its resources it names. */
export function accountOf(to: string | undefined): string | undefined {
  const slash = to === undefined ? -1 : to.indexOf('/')
  return slash < 0 ? to : to!.slice(0, slash)
}
