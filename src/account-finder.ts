import type { Account } from './auth/accounts.ts'
import type { Jid } from './jid/jid.ts'
import { CommandError, readAddress } from './module/command.ts'
import type { Host } from './session/host.ts'

/** The hosts of a server by their domains. */
export type HostsByDomain = ReadonlyMap<string, Host>

/** An address of a host, as a command names it. */
export interface FoundAddress {
  readonly host: Host
  readonly jid: Jid
}

/** An account, as a command names it. */
export interface FoundAccount extends FoundAddress {
  readonly account: Account
}

/** Finds what the arguments of commands are about; throws {@link CommandError} when there is no such thing. */
export interface AccountFinder {
  /** A host by its domain. */
  host(domain: string): Host
  /** The bare address of an account, there or not. */
  find(text: string | undefined): FoundAddress
  existing(text: string | undefined): Promise<FoundAccount>
  /** All of them, or none when one is not there. */
  allExisting(texts: readonly string[]): Promise<readonly FoundAccount[]>
}

/** A finder for the accounts of these hosts. */
export function accountFinder(hosts: HostsByDomain): AccountFinder {
  const host = (domain: string): Host => {
    const found = hosts.get(domain)
    if (found !== undefined) return found
    const known = [...hosts.keys()].join(', ')
    throw new CommandError(`${domain} is not a domain of this server; those are: ${known}.`, 'item-not-found')
  }
  const find = (text: string | undefined): FoundAddress => {
    const jid = readAddress(text)
    if (jid.resource !== '') throw new CommandError(`${text} has a resource; an account is user@domain.`)
    return { host: host(jid.domain), jid }
  }
  const existing = async (text: string | undefined): Promise<FoundAccount> => {
    const found = find(text)
    const account = await found.host.accounts.get(found.jid.local)
    if (account === undefined) throw new CommandError(`There is no account ${found.jid}.`, 'item-not-found')
    return { ...found, account }
  }
  return { host, find, existing, allExisting: (texts) => Promise.all(texts.map(existing)) }
}
