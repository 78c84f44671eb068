import { createHash } from 'node:crypto'
import { Jid } from '#api'
import type { SharedItem, SharedView } from '../roster/index.ts'

/** A group as an admin describes it; members by local part. */
export interface GroupSpec {
  readonly everybody: boolean
  readonly members: ReadonlySet<string>
  /** The groups whose members its own have in their rosters. */
  readonly sees: readonly string[]
}

/** An account that is in a group. */
interface Member {
  readonly jid: Jid
  /** The version of the groups that it came with. */
  readonly version: number
  /** The groups it is in, and those whose members it sees, by name. */
  readonly groups: readonly string[]
  readonly sees: ReadonlySet<string>
}

/** Where the groups stand, as it is kept from one run of the server to the next. */
export interface GroupsState {
  readonly version: number
  /** Of the groups and of the accounts in them. */
  readonly digest: string
}

/**
 * Who has whom in the roster for the groups that an admin has made. What an account shares is worked out when it is asked
 * for: there is one entry a member, and none for each two of them.
 */
export class SharedGroups {
  readonly #domain: string
  readonly #groups: ReadonlyMap<string, GroupSpec>
  readonly #members = new Map<string, Member>()
  readonly #specDigest: string
  readonly #online: () => Iterable<{ readonly jid: Jid }>
  /** A sum of hashes of the members, so that it can follow each of them. */
  #sum = 0n
  #version = 0
  #floor = 0

  /** `online` are the accounts of the domain that are online at a moment. */
  constructor(
    domain: string,
    groups: ReadonlyMap<string, GroupSpec>,
    online: () => Iterable<{ readonly jid: Jid }> = () => [],
  ) {
    this.#domain = domain
    this.#online = online
    this.#groups = groups
    const spec = [...groups].map(([name, { everybody, members, sees }]) => [name, everybody, [...members].sort(), sees])
    this.#specDigest = createHash('sha256').update(JSON.stringify(spec)).digest('base64url')
  }

  /** Begins with the accounts there are. What has changed since `kept` cannot be told one by one. */
  begin(accounts: Iterable<string>, kept: GroupsState | undefined): void {
    for (const local of accounts) if (this.concerns(local)) this.#put(local, 0)
    this.#version = kept === undefined ? 1 : kept.digest === this.#digest() ? kept.version : kept.version + 1
    this.#floor = this.#version
  }

  get state(): GroupsState {
    return { version: this.#version, digest: this.#digest() }
  }

  #digest(): string {
    return `${this.#specDigest} ${this.#sum.toString(16)}`
  }

  #put(local: string, version: number): void {
    const own = [...this.#groups].filter(([, group]) => isIn(group, local))
    this.#members.set(local, {
      jid: Jid.of(local, this.#domain),
      version,
      groups: own.map(([name]) => name),
      sees: new Set(own.flatMap(([, { sees }]) => sees)),
    })
    this.#sum = BigInt.asUintN(64, this.#sum + hashOf(local))
  }

  /** Whether an account is in a group, once it is there. */
  concerns(local: string): boolean {
    for (const group of this.#groups.values()) if (isIn(group, local)) return true
    return false
  }

  /** Takes up a new account; false when it is in no group. */
  join(local: string): boolean {
    if (this.#members.has(local) || !this.concerns(local)) return false
    this.#version++
    this.#put(local, this.#version)
    return true
  }

  /** Lets an account go; false when it was in no group. */
  leave(local: string): boolean {
    if (!this.#members.delete(local)) return false
    this.#sum = BigInt.asUintN(64, this.#sum - hashOf(local))
    this.#version++
    this.#floor = this.#version
    return true
  }

  /** What one account has of another; `undefined` when it is nothing. */
  between(account: string, contact: string): SharedItem | undefined {
    const member = this.#members.get(contact)
    const own = this.#members.get(account)
    if (member === undefined || own === undefined || account === contact) return undefined
    const groups = member.groups.filter((name) => own.sees.has(name))
    const isSeen = own.groups.some((name) => member.sees.has(name))
    if (groups.length === 0 && !isSeen) return undefined
    const subscription = groups.length === 0 ? 'from' : isSeen ? 'both' : 'to'
    const version = Math.max(member.version, own.version)
    return { jid: member.jid, groups, subscription, listed: groups.length > 0, version }
  }

  /** The shared contacts of an account; `undefined` when it is in no group. */
  view(account: Jid): SharedView | undefined {
    const { local } = account
    if (!this.#members.has(local)) return undefined
    return {
      of: (contact) => {
        const jid = typeof contact === 'string' ? Jid.parse(contact) : contact
        return jid.domain === this.#domain ? this.between(local, jid.local) : undefined
      },
      all: () => this.#contactsOf(local, this.#candidates(local)),
      online: () => this.#contactsOf(local, this.#onlineNames()),
      at: () => ({ version: this.#version, floor: this.#floor }),
    }
  }

  *#onlineNames(): Generator<string> {
    for (const { jid } of this.#online()) yield jid.local
  }

  *#contactsOf(account: string, among: Iterable<string>): Generator<SharedItem> {
    for (const contact of among) {
      const item = this.between(account, contact)
      if (item !== undefined) yield item
    }
  }

  /** Those who may have to do with an account: of the groups it sees, and of those that see one of its own. */
  #candidates(account: string): Iterable<string> {
    const own = [...this.#groups].filter(([, group]) => isIn(group, account))
    const names = new Set(own.map(([name]) => name))
    const near = [...this.#groups].filter(
      ([name, group]) => own.some(([, { sees }]) => sees.includes(name)) || group.sees.some((seen) => names.has(seen)),
    )
    if (near.some(([, { everybody }]) => everybody)) return this.#members.keys()
    return new Set(near.flatMap(([, { members }]) => [...members]))
  }
}

function isIn({ everybody, members }: GroupSpec, local: string): boolean {
  return everybody || members.has(local)
}

function hashOf(local: string): bigint {
  return createHash('sha256').update(local).digest().readBigUInt64BE()
}
