import type { Database } from '#api'

/** What a file is for (XEP-0363 §4). */
export type Purpose = 'ephemeral' | 'message' | 'profile'

/** A file that was announced, or is there. */
export interface FileRecord {
  readonly key: string
  /** A prepared bare JID. */
  readonly account: string
  readonly purpose: Purpose
  readonly size: number
  readonly type: string | null
  readonly createdMs: number
  /** When it was there whole; null while it is only announced. */
  readonly storedMs: number | null
  /** When it is over: an announcement, or a file whose owner said so; null for a file that stays as long as the host keeps it. */
  readonly untilMs: number | null
  /** What `untilMs` becomes once the file is there. */
  readonly keepUntilMs: number | null
}

/** What an account has of one purpose. */
export interface Usage {
  readonly purpose: Purpose
  readonly files: number
  readonly bytes: number
  /** Of these, what is announced and not there yet; and when the first of them is over. */
  readonly open: number
  readonly openUntilMs: number | null
  /** How many were announced since the moment that was asked for, and when the first of them. */
  readonly recent: number
  readonly recentMs: number | null
  /** When the oldest file came, and when the first is over whose owner said so. */
  readonly oldestMs: number | null
  readonly firstUntilMs: number | null
}

/** What counts as there. */
export interface UsageMoment {
  readonly nowMs: number
  readonly sinceMs: number
  /** Keys of files that are coming: they count although their announcements may be over. */
  readonly coming: readonly string[]
}

/** What an account, or a host, has altogether. */
export interface Total {
  readonly files: number
  readonly bytes: number
}

interface Row {
  readonly key: string
  readonly account: string
  readonly purpose: Purpose
  readonly size: number
  readonly type: string | null
  readonly created_ms: number
  readonly stored_ms: number | null
  readonly until_ms: number | null
  readonly keep_until_ms: number | null
}

/** What is known of files: the table `upload_files`, of one host. */
export class UploadStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /**
   * Announces a file, unless `refuse`, which is told what the account has, throws. Whoever calls sees to it that one is announced after the
   * other for an account: a lock on what is counted would have whoever settles a file wait for it, and lose. By `upload_files_by_account`.
   */
  async announce(record: FileRecord, moment: UsageMoment, refuse: (usage: readonly Usage[]) => void): Promise<void> {
    await this.#db.transaction(async (trx) => {
      refuse(await usageOf(trx('upload_files'), record.account, moment))
      await trx('upload_files').insert({
        key: record.key,
        host: this.#host,
        account: record.account,
        purpose: record.purpose,
        size: record.size,
        type: record.type,
        created_ms: record.createdMs,
        stored_ms: record.storedMs,
        until_ms: record.untilMs,
        keep_until_ms: record.keepUntilMs,
      })
    })
  }

  /** By primary key. */
  async find(key: string): Promise<FileRecord | undefined> {
    const row: Row | undefined = await this.#all().where({ key }).first('*')
    return row && toRecord(row)
  }

  /** Says that a file is there; false when it was before, or is not announced any more. By primary key. */
  async settle(key: string, type: string | null, storedMs: number): Promise<boolean> {
    const { knex } = this.#db
    // As a transaction it is tried again when MySQL had it give way to another.
    const changed = await this.#db.transaction((trx) =>
      trx('upload_files')
        .where({ key, host: this.#host })
        .whereNull('stored_ms')
        .update({ type, stored_ms: storedMs, until_ms: knex.ref('keep_until_ms') }),
    )
    return changed === 1
  }

  /** What an account has. By `upload_files_by_account`. */
  async usage(account: string, moment: UsageMoment): Promise<Usage[]> {
    return await usageOf(this.#db.knex('upload_files'), account, moment)
  }

  /** The accounts that have anything; reads the whole table. */
  async accounts(): Promise<string[]> {
    return await this.#all().distinct('account').pluck('account')
  }

  /** The bytes that some accounts have together. By `upload_files_by_account`. */
  async bytesOf(accounts: readonly string[], moment: UsageMoment): Promise<number> {
    let bytes = 0
    // A statement takes so many parameters, and no more.
    for (let i = 0; i < accounts.length; i += 500) {
      const some = this.#db.knex('upload_files').whereIn('account', accounts.slice(i, i + 500))
      const row = await there(some, moment).sum({ bytes: 'size' }).first()
      bytes += Number(row?.['bytes'] ?? 0)
    }
    return bytes
  }

  /** The accounts that have most, at most so many, and what all have; reads the whole table. */
  async totals(
    limit: number,
  ): Promise<{ readonly all: Total; readonly most: readonly (Total & { account: string })[] }> {
    const sums = { files: this.#db.knex.raw('count(*)'), bytes: this.#db.knex.raw('coalesce(sum(size), 0)') }
    const [all] = await this.#all().select(sums)
    const most = await this.#all()
      .select({ account: 'account', ...sums })
      .groupBy('account')
      .orderBy([{ column: 'bytes', order: 'desc' }, { column: 'account' }])
      .limit(limit)
    const total = (row: { files: unknown; bytes: unknown }) => ({ files: Number(row.files), bytes: Number(row.bytes) })
    return { all: total(all), most: most.map((row) => ({ account: String(row.account), ...total(row) })) }
  }

  /** Keys of what is over: announcements nothing came of, and files whose owners said so. By `upload_files_by_end`. */
  async over(nowMs: number, limit: number): Promise<string[]> {
    return await this.#all().where('until_ms', '<=', nowMs).orderBy('until_ms').limit(limit).pluck('key')
  }

  /** Keys of files of some purpose that came before a moment. By `upload_files_by_age`. */
  async older(purpose: Purpose, storedMs: number, limit: number): Promise<string[]> {
    return await this.#all()
      .where({ purpose })
      .where('stored_ms', '<=', storedMs)
      .orderBy('stored_ms')
      .limit(limit)
      .pluck('key')
  }

  /** Keys of all that an account has, announcements as well; or of its files that came before a moment. By `upload_files_by_account`. */
  async of(account: string, limit: number, storedMs?: number): Promise<string[]> {
    const found = this.#all().where({ account })
    return await (storedMs === undefined ? found : found.where('stored_ms', '<=', storedMs)).limit(limit).pluck('key')
  }

  /** By primary key. */
  async remove(keys: readonly string[]): Promise<void> {
    await this.#db.transaction((trx) =>
      trx('upload_files')
        .where({ host: this.#host })
        .whereIn('key', keys as string[])
        .delete(),
    )
  }

  #all() {
    return this.#db.knex('upload_files').where({ host: this.#host })
  }
}

type Query = ReturnType<Database['knex']>

/** Of files and announcements those that count. */
function there(files: Query, { nowMs, coming }: UsageMoment): Query {
  return files.where((one) => {
    one.whereNotNull('stored_ms').orWhere('until_ms', '>', nowMs)
    if (coming.length > 0) one.orWhereIn('key', coming as string[])
  })
}

async function usageOf(files: Query, account: string, moment: UsageMoment): Promise<Usage[]> {
  const { sinceMs } = moment
  const raw = files.client.raw.bind(files.client)
  const isOpen = 'case when stored_ms is null then'
  const isThere = 'case when stored_ms is not null then'
  const isRecent = 'case when created_ms > ? then'
  const rows: Readonly<Record<string, number | string | null>>[] = await there(files.where({ account }), moment)
    .groupBy('purpose')
    .select({
      purpose: 'purpose',
      files: raw('count(*)'),
      bytes: raw('sum(size)'),
      open: raw(`sum(${isOpen} 1 else 0 end)`),
      open_until: raw(`min(${isOpen} until_ms end)`),
      recent: raw(`sum(${isRecent} 1 else 0 end)`, [sinceMs]),
      recent_ms: raw(`min(${isRecent} created_ms end)`, [sinceMs]),
      oldest_ms: raw('min(stored_ms)'),
      first_until: raw(`min(${isThere} until_ms end)`),
    })
  const timeOf = (value: number | string | null | undefined) => (value == null ? null : Number(value))
  return rows.map((row) => ({
    purpose: row['purpose'] as Purpose,
    files: Number(row['files']),
    bytes: Number(row['bytes']),
    open: Number(row['open']),
    openUntilMs: timeOf(row['open_until']),
    recent: Number(row['recent']),
    recentMs: timeOf(row['recent_ms']),
    oldestMs: timeOf(row['oldest_ms']),
    firstUntilMs: timeOf(row['first_until']),
  }))
}

function toRecord(row: Row): FileRecord {
  return {
    key: row.key,
    account: row.account,
    purpose: row.purpose,
    size: row.size,
    type: row.type,
    createdMs: row.created_ms,
    storedMs: row.stored_ms,
    untilMs: row.until_ms,
    keepUntilMs: row.keep_until_ms,
  }
}
