import type { Database } from '#api'
import type { Report } from './report.ts'

/** A report as it is kept. */
export interface FiledReport extends Report {
  readonly id: number
  /** Who filed it, a bare JID; `undefined` once that account is deleted. */
  readonly account: string | undefined
  /** Whom it is about: the address that was blocked. */
  readonly target: string
  readonly filedMs: number
  /** When an admin was done with it. */
  readonly dismissedMs: number | undefined
}

interface Row {
  readonly id: number
  readonly account: string | null
  readonly target: string
  readonly reason: string
  readonly details: string
  readonly filed_ms: number
  readonly dismissed_ms: number | null
}

/** The reports of one host: the table `reports_reports`. */
export class ReportStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Keeps a report and returns its number. */
  async file(account: string, target: string, report: Report, nowMs: number): Promise<number> {
    const { reason, ...details } = report
    const [id] = await this.#rows().insert({
      host: this.#host,
      account,
      target,
      reason,
      details: JSON.stringify(details),
      open: 1,
      filed_ms: nowMs,
      dismissed_ms: null,
    })
    return id as number
  }

  /** How many reports an account has filed since a moment; by the index `reports_by_account`. */
  async countSince(account: string, sinceMs: number): Promise<number> {
    const row = await this.#rows().where({ account }).andWhere('filed_ms', '>', sinceMs).count({ n: '*' }).first()
    return Number(row?.['n'] ?? 0)
  }

  /** The newest reports, newest first: the open ones by the index `reports_open`, all of them by `reports_by_time`. */
  async newest(which: 'all' | 'open', limit: number): Promise<FiledReport[]> {
    const query = this.#rows().where({ host: this.#host }).limit(limit).select(columns)
    const rows =
      which === 'open'
        ? query.andWhere({ open: 1 }).orderBy('id', 'desc')
        : query.orderBy([
            { column: 'filed_ms', order: 'desc' },
            { column: 'id', order: 'desc' },
          ])
    return (await rows).map(reportOf)
  }

  /** A report by its number, the primary key. */
  async find(id: number): Promise<FiledReport | undefined> {
    const row = await this.#rows().where({ host: this.#host, id }).first(columns)
    return row === undefined ? undefined : reportOf(row)
  }

  /** Notes that an admin is done with an open report; false when there is none of this number. By the primary key. */
  async dismiss(id: number, nowMs: number): Promise<boolean> {
    return (await this.#rows().where({ host: this.#host, id, open: 1 }).update({ open: 0, dismissed_ms: nowMs })) > 0
  }

  /** Forgets who filed the reports of an account; by the index `reports_by_account`. */
  async forgetReporter(account: string): Promise<void> {
    await this.#rows().where({ account }).update({ account: null })
  }

  /** Removes the reports filed before a moment, and returns how many they were; by the index `reports_by_time`. */
  async removeBefore(ms: number): Promise<number> {
    return await this.#rows().where({ host: this.#host }).andWhere('filed_ms', '<', ms).delete()
  }

  #rows() {
    return this.#db.knex('reports_reports')
  }
}

const columns = ['id', 'account', 'target', 'reason', 'details', 'filed_ms', 'dismissed_ms']

function reportOf({ id, account, target, reason, details, filed_ms, dismissed_ms }: Row): FiledReport {
  const rest = JSON.parse(details) as Omit<Report, 'reason'>
  return {
    ...rest,
    reason,
    id: Number(id),
    account: account ?? undefined,
    target,
    filedMs: Number(filed_ms),
    dismissedMs: dismissed_ms === null ? undefined : Number(dismissed_ms),
  }
}
