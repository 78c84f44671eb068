import { Jid, JidError } from '#api'

/** The name as an account of the domain would have it; one that cannot be is returned as it is. */
export function preparedName(username: string, domain: string): string {
  try {
    return Jid.of(username, domain).local
  } catch (error) {
    if (error instanceof JidError) return username
    throw error
  }
}

/** Whether a name, as `user` or as `user@domain`, is that of the account. */
export function isNameOf(username: string, { local, domain, bare }: Jid): boolean {
  if (preparedName(username, domain) === local) return true
  return Jid.tryParse(username)?.equals(bare) === true
}

/** The names that those who administer the server have on the domain, of their addresses: whoever has the name has the power. */
export function namesOfAdmins(admins: readonly string[], domain: string): string[] {
  return admins.map((admin) => Jid.parse(admin)).flatMap((admin) => (admin.domain === domain ? [admin.local] : []))
}
