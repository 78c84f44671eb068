import type { Knex } from 'knex'
import type { Database, Transaction } from '../storage/database.ts'
import { type ScramHash, type ScramKeys, scramHashes } from './scram-keys.ts'

/** An account as it is kept. */
export interface StoredAccount {
  readonly local: string
  readonly createdMs: number
  readonly disabled: boolean
  /** When it is deleted; null for one that stays. */
  readonly deleteMs: number | null
  /** How often its password has been changed. */
  readonly passwordVersion: number
  /** The rounds of hashing for each hash that its password is kept for. */
  readonly iterations: ReadonlyMap<ScramHash, number>
  /** The keys of its password that were asked for, the strongest hash first. */
  readonly keys: readonly ScramKeys[]
}

/** A new account to keep. */
export interface NewAccount {
  readonly local: string
  /** Unique within the host, so that no two accounts look alike. */
  readonly folded: string
  readonly createdMs: number
  readonly keys: readonly ScramKeys[]
}

interface CredentialRow {
  hash: ScramHash
  salt: Buffer
  iterations: number
  stored_key: Buffer
  server_key: Buffer
}

type AccountRow = {
  local: string
  host: string
  created_ms: number
  disabled: number
  delete_ms: number | null
  password_version: number
} & {
  [K in keyof CredentialRow]: CredentialRow[K] | null
}

const columns = 'local, host, created_ms, disabled, delete_ms, password_version, hash, iterations'

/** For a stranger it reads any account, so that the time does not tell who has one. */
const found = `from accounts left join credentials on credentials.account = accounts.id
where accounts.id = coalesce((select id from accounts where host = ? and local = ?), (select min(id) from accounts))`
const finding = `select ${columns}, salt, stored_key, server_key ${found}`

/** The keys of one hash: bytes, which cost more than all else. */
const keysOf = (hash: ScramHash) =>
  ['salt', 'stored_key', 'server_key'].map((column) => `case hash when '${hash}' then ${column} end as ${column}`)
const findingOne = new Map(scramHashes.map((hash) => [hash, `select ${columns}, ${keysOf(hash).join(', ')} ${found}`]))

/** Likewise, without keys. */
const looking = `select local, host, disabled, delete_ms, password_version from accounts
where id = coalesce((select id from accounts where host = ? and local = ?), (select min(id) from accounts))`

/** The accounts of one host: the tables `accounts` and `credentials`. */
export class AccountStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /**
   * Keeps a new account, and in the same transaction what `also` writes. Rejects with a unique violation when its name or
   * what it folds to is taken.
   */
  async insert(account: NewAccount, also: (tx: Transaction) => Promise<void> = async () => {}): Promise<void> {
    const { local, folded, createdMs, keys } = account
    await this.#db.transaction(async (tx) => {
      const row = { host: this.#host, local, folded, created_ms: createdMs, disabled: 0 }
      const [id] = await tx('accounts').insert(row)
      if (keys.length > 0) await tx('credentials').insert(keys.map((k) => toRow(id!, k)))
      await also(tx)
    })
  }

  /**
   * An account with its keys, or those of one hash; one query, by the index (host, local), that takes as long when there is no such
   * account.
   */
  async find(local: string, hash?: ScramHash): Promise<StoredAccount | undefined> {
    const sql = hash === undefined ? finding : findingOne.get(hash)!
    const rows = await this.#db.rows<AccountRow>({ sql, bindings: [this.#host, local] })
    const [first] = rows
    if (first === undefined) return undefined
    const iterations = new Map<ScramHash, number>()
    const keys: ScramKeys[] = []
    for (const known of scramHashes) {
      const row = rows.find((candidate) => candidate.hash === known) as CredentialRow | undefined
      if (row === undefined) continue
      iterations.set(known, row.iterations)
      if (hash === undefined || hash === known) keys.push(toKeys(row))
    }
    const { created_ms: createdMs, delete_ms: deleteMs, password_version: passwordVersion } = first
    if (first.local !== local || first.host !== this.#host) return undefined
    return { local, createdMs, disabled: first.disabled === 1, deleteMs, passwordVersion, iterations, keys }
  }

  /** What decides on a login without a password; `undefined` when there is no account. By the index (host, local). */
  async standing(local: string): Promise<Pick<StoredAccount, 'deleteMs' | 'disabled' | 'passwordVersion'> | undefined> {
    const rows = await this.#db.rows<AccountRow>({ sql: looking, bindings: [this.#host, local] })
    const row = rows.find((found) => found.local === local && found.host === this.#host)
    return row && { disabled: row.disabled === 1, deleteMs: row.delete_ms, passwordVersion: row.password_version }
  }

  /** The account whose name folds to the same; by the index (host, folded). */
  async findLookAlike(folded: string): Promise<string | undefined> {
    const row = await this.#db.knex('accounts').where({ host: this.#host, folded }).first('local')
    return row?.local
  }

  /**
   * Replaces all keys of an account, since it has a new password; how often it has been changed then, `undefined` when there is
   * no account.
   *
   * With `verified` the password is the old one, and only while those keys are still the account's: what was derived from
   * a password that has been changed since must not bring it back. `hashes` are those that are replaced, all unless given.
   */
  async replaceKeys(
    local: string,
    keys: readonly ScramKeys[],
    verified?: ScramKeys,
    hashes: readonly ScramHash[] = scramHashes,
  ): Promise<number | undefined> {
    return await this.#db.transaction(async (tx) => {
      const row = await this.#account(tx, local).forUpdate().first('id', 'password_version')
      if (row === undefined) return undefined
      const account = row.id as number
      if (verified !== undefined) {
        const kept = await tx('credentials').where({ account, hash: verified.hash }).first('stored_key')
        if (kept === undefined || !verified.storedKey.equals(kept.stored_key)) return undefined
      } else await tx('accounts').where({ id: account }).increment('password_version')
      await tx('credentials').where({ account }).whereIn('hash', hashes).delete()
      await tx('credentials').insert(keys.map((k) => toRow(account, k)))
      return (row.password_version as number) + (verified === undefined ? 1 : 0)
    })
  }

  /** Lets an account log in or not; false when there is none. */
  async setDisabled(local: string, disabled: boolean): Promise<boolean> {
    return (await this.#account(this.#db.knex, local).update({ disabled: Number(disabled) })) > 0
  }

  /** Says when an account is deleted, or with null that it stays; false when there is none. */
  async setDeletion(local: string, deleteMs: number | null): Promise<boolean> {
    return (await this.#account(this.#db.knex, local).update({ delete_ms: deleteMs })) > 0
  }

  /** The accounts to be deleted first, and when; by the index (host, delete_ms). */
  async deletions(limit: number): Promise<{ readonly local: string; readonly atMs: number }[]> {
    const query = this.#db.knex('accounts').where({ host: this.#host }).whereNotNull('delete_ms')
    return await query.orderBy('delete_ms').limit(limit).select({ local: 'local', atMs: 'delete_ms' })
  }

  /** Removes an account with its keys; false when there is none. */
  async remove(local: string): Promise<boolean> {
    return await this.#db.transaction(async (tx) => {
      const row = await this.#account(tx, local).first('id')
      if (row === undefined) return false
      await tx('credentials').where({ account: row.id }).delete()
      return (await tx('accounts').where({ id: row.id }).delete()) > 0
    })
  }

  /** Names after `after`, in order of their code points, or those of disabled accounts; by the index (host, local). */
  async page(after: string, limit: number, filter: { readonly disabled?: boolean } = {}): Promise<string[]> {
    const query = this.#db
      .knex('accounts')
      .where({ host: this.#host, ...flags(filter) })
      .andWhere('local', '>', after)
    return await query.orderBy('local').limit(limit).pluck('local')
  }

  /** How many accounts there are, or how many are disabled; looks at all of the index (host, local). */
  async count(filter: { readonly disabled?: boolean } = {}): Promise<number> {
    const row = await this.#db
      .knex('accounts')
      .where({ host: this.#host, ...flags(filter) })
      .count({ count: '*' })
      .first()
    return Number(row?.['count'] ?? 0)
  }

  #account(knex: Knex, local: string): Knex.QueryBuilder {
    return knex('accounts').where({ host: this.#host, local })
  }
}

function flags({ disabled }: { readonly disabled?: boolean }): { disabled?: number } {
  return disabled === undefined ? {} : { disabled: Number(disabled) }
}

function toRow(account: number, keys: ScramKeys): CredentialRow & { account: number } {
  const { hash, salt, iterations, storedKey, serverKey } = keys
  return { account, hash, salt, iterations, stored_key: storedKey, server_key: serverKey }
}

function toKeys(row: CredentialRow): ScramKeys {
  return {
    hash: row.hash,
    salt: row.salt,
    iterations: row.iterations,
    storedKey: row.stored_key,
    serverKey: row.server_key,
  }
}
