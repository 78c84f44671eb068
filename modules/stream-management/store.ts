import type { Database } from '#api'

/** How many stanzas of a session's client were handled. */
export interface Count {
  /** The hash of the token by which a client comes back; the token itself is stored nowhere. */
  readonly hash: string
  /** The prepared local part of the account. */
  readonly local: string
  readonly handled: number
}

/** A stanza that was not acknowledged. */
export interface SavedStanza {
  readonly stanza: string
  /** The outcome it shares with the same stanza in other sessions; `null` when nobody is owed one. */
  readonly handover: string | null
  /** When it was first handed to a client, ms since the epoch. */
  readonly sinceMs: number | null
  /** The text of the handover where it differs from the stanza's. */
  readonly owed: string | null
}

/** A session on disk. */
export interface SavedSession extends Count {
  /** JSON. */
  readonly state: string
}

interface CountRow {
  readonly token_hash: string
  readonly local: string
  readonly handled: number
}
interface StanzaRow {
  readonly stanza: string
  readonly handover: string | null
  readonly since_ms: number | null
  readonly owed: string | null
}

/** Rows and characters in one statement; far from what either database refuses. */
const ROWS = 200
const CHARACTERS = 1 << 20

/** The sessions of one host that clients may come back to: tables `resumable_sessions` and `unacknowledged_stanzas`. */
export class ResumableStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Notes counts, of at most a few hundred sessions; what was saved of them stays. Primary key. */
  async count(counts: readonly Count[], nowMs: number): Promise<void> {
    if (counts.length === 0) return
    const rows = counts.map((count) => ({ ...this.#row(count, nowMs), saved: 0, state: null }))
    await this.#db.knex('resumable_sessions').insert(rows).onConflict('token_hash').merge(['handled', 'seen_ms'])
  }

  /** The count of a session of this host. Primary key. */
  async find(hash: string): Promise<Count | undefined> {
    const row: CountRow | undefined = await this.#sessions().where({ token_hash: hash }).first()
    return row && { hash, local: row.local, handled: row.handled }
  }

  /** Saves sessions with what they were sent, in place of what was saved of them; one transaction. Primary keys. */
  async save(
    sessions: readonly { readonly session: SavedSession; readonly stanzas: readonly SavedStanza[] }[],
    nowMs: number,
  ): Promise<void> {
    const hashes = sessions.map(({ session }) => session.hash)
    const rows = sessions.map(({ session }) => ({ ...this.#row(session, nowMs), saved: 1, state: session.state }))
    const stanzas = sessions.flatMap(({ session: { hash }, stanzas }) =>
      stanzas.map(({ stanza, handover, sinceMs, owed }, position) => ({
        token_hash: hash,
        position,
        stanza,
        handover,
        since_ms: sinceMs,
        owed,
      })),
    )
    await this.#db.transaction(async (trx) => {
      await trx('unacknowledged_stanzas').whereIn('token_hash', hashes).delete()
      for (const part of inParts(stanzas)) await trx('unacknowledged_stanzas').insert(part)
      for (const part of inParts(rows))
        await trx('resumable_sessions')
          .insert(part)
          .onConflict('token_hash')
          .merge(['handled', 'seen_ms', 'saved', 'state'])
    })
  }

  /** The saved sessions after a hash (`''`: all), by hash; by the index `resumable_sessions_by_saved`. */
  async page(after: string, limit: number): Promise<SavedSession[]> {
    const rows: (CountRow & { state: string })[] = await this.#sessions()
      .where({ saved: 1 })
      .where('token_hash', '>', after)
      .orderBy('token_hash')
      .limit(limit)
    return rows.map(({ token_hash, local, handled, state }) => ({ hash: token_hash, local, handled, state }))
  }

  /** What a saved session was sent and its client has not acknowledged, oldest first. Primary key. */
  async stanzas(hash: string): Promise<SavedStanza[]> {
    const rows: StanzaRow[] = await this.#db
      .knex('unacknowledged_stanzas')
      .where({ token_hash: hash })
      .orderBy('position')
    return rows.map(({ stanza, handover, since_ms, owed }) => ({ stanza, handover, sinceMs: since_ms, owed }))
  }

  /** Removes what was saved of sessions; their counts stay. Primary keys. */
  async release(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return
    await this.#db.transaction(async (trx) => {
      await trx('unacknowledged_stanzas').whereIn('token_hash', hashes).delete()
      await trx('resumable_sessions').whereIn('token_hash', hashes).update({ saved: 0, state: null })
    })
  }

  /**
   * Forgets up to `limit` counts noted before a time, ms since the epoch, and resolves with their number; by the index
   * `resumable_sessions_by_time`, then by primary key. What is saved stays.
   */
  async forgetBefore(ms: number, limit: number): Promise<number> {
    const hashes: string[] = await this.#sessions()
      .where({ saved: 0 })
      .where('seen_ms', '<', ms)
      .orderBy('seen_ms')
      .limit(limit)
      .pluck('token_hash')
    if (hashes.length > 0) await this.#db.knex('resumable_sessions').whereIn('token_hash', hashes).delete()
    return hashes.length
  }

  /** Removes everything of an account; by the index `resumable_sessions_by_account`. */
  async forget(local: string): Promise<void> {
    await this.#db.transaction(async (trx) => {
      const own = trx('resumable_sessions').where({ host: this.#host, local })
      const hashes: string[] = await own.clone().pluck('token_hash')
      for (const part of inParts(hashes)) await trx('unacknowledged_stanzas').whereIn('token_hash', part).delete()
      await own.delete()
    })
  }

  #row({ hash, local, handled }: Count, nowMs: number) {
    return { token_hash: hash, host: this.#host, local, handled, seen_ms: nowMs }
  }

  #sessions() {
    return this.#db.knex('resumable_sessions').where({ host: this.#host })
  }
}

/** Splits rows into pieces for one statement each. */
function* inParts<T extends string | object>(rows: readonly T[]): Generator<T[]> {
  let part: T[] = []
  let characters = 0
  for (const row of rows) {
    part.push(row)
    if (typeof row === 'object')
      for (const value of Object.values(row)) if (typeof value === 'string') characters += value.length
    if (part.length < ROWS && characters < CHARACTERS) continue
    yield part
    part = []
    characters = 0
  }
  if (part.length > 0) yield part
}
