import type { Database } from '#api'
import type { Preferences } from './preferences.ts'

interface AccountRow {
  readonly account: string
  readonly preferences: string | null
  readonly retention: number | null
}
interface ReaderRow {
  readonly account: string
  readonly resource: string
  readonly last_ms: number
}

/** What an account has said of its archive; what is undefined is as the host says. */
export interface StoredSettings {
  readonly preferences: Preferences | undefined
  /** In ms; 0 is for ever. */
  readonly retention: number | undefined
  /** The resources whose clients read the archive, the one longest ago first, and when they did last. */
  readonly readers: Map<string, number>
}

/** The settings, or a reader. */
interface FoundRow {
  readonly preferences: string | null
  readonly retention: number | null
  readonly resource: string | null
  readonly last_ms: number | null
}

const finding = `select preferences, retention, null as resource, null as last_ms from archive_accounts where account = ?
union all select null, null, resource, last_ms from archive_readers where account = ?`

/** What accounts say of their archives, and which of their clients read them. Accounts are prepared bare JIDs. */
export class SettingsStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The settings of an account and who reads its archive, in one query. Primary keys. */
  async find(account: string): Promise<StoredSettings> {
    const rows = await this.#db.rows<FoundRow>({ sql: finding, bindings: [account, account] })
    const row = rows.find(({ resource }) => resource === null)
    const { policy, always, never } = row?.preferences == null ? {} : JSON.parse(row.preferences)
    const readers = rows.flatMap(({ resource, last_ms }): [string, number][] =>
      resource === null ? [] : [[resource, last_ms!]],
    )
    return {
      preferences: policy === undefined ? undefined : { policy, always: new Set(always), never: new Set(never) },
      retention: row?.retention ?? undefined,
      readers: new Map(readers.sort((one, other) => one[1] - other[1])),
    }
  }

  /** Sets the preferences of an account. Primary key. */
  async setPreferences(account: string, { policy, always, never }: Preferences): Promise<void> {
    const preferences = JSON.stringify({ policy, always: [...always], never: [...never] })
    const row = { account, preferences, retention: null }
    await this.#db.knex<AccountRow>('archive_accounts').insert(row).onConflict('account').merge(['preferences'])
  }

  /** Sets how long messages of an account are kept, in ms; 0 is for ever, undefined as the host says. Primary key. */
  async setRetention(account: string, retention: number | undefined): Promise<void> {
    const row = { account, preferences: null, retention: retention ?? null }
    await this.#db.knex<AccountRow>('archive_accounts').insert(row).onConflict('account').merge(['retention'])
  }

  /** How long messages of these accounts are kept, where they differ from the host; at most hundreds. Primary key. */
  async retentions(accounts: readonly string[]): Promise<Map<string, number>> {
    const rows: Pick<AccountRow, 'account' | 'retention'>[] = await this.#db
      .knex('archive_accounts')
      .whereIn('account', accounts)
      .whereNotNull('retention')
      .select('account', 'retention')
    return new Map(rows.map(({ account, retention }) => [account, retention!]))
  }

  /** Notes that the client of a resource reads the archive. Primary key. */
  async putReader(account: string, resource: string, lastMs: number): Promise<void> {
    const row = { account, resource, last_ms: lastMs }
    await this.#db.knex<ReaderRow>('archive_readers').insert(row).onConflict(['account', 'resource']).merge(['last_ms'])
  }

  /** Forgets that the clients of these resources read the archive. Primary key. */
  async removeReaders(account: string, resources: readonly string[]): Promise<void> {
    await this.#db.knex<ReaderRow>('archive_readers').where({ account }).whereIn('resource', resources).delete()
  }

  /** Forgets clients that have not read the archive since. By `archive_readers_by_time`. */
  async removeReadersBefore(lastMs: number): Promise<void> {
    await this.#db.knex<ReaderRow>('archive_readers').where('last_ms', '<', lastMs).delete()
  }

  /** Forgets an account. Primary keys. */
  async forget(account: string): Promise<void> {
    await this.#db.transaction(async (trx) => {
      await trx<AccountRow>('archive_accounts').where({ account }).delete()
      await trx<ReaderRow>('archive_readers').where({ account }).delete()
    })
  }
}
