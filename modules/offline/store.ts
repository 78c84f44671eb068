import type { Database } from '#api'

/** A message that waits. */
export interface StoredMessage {
  /** Grows with every message of an account. */
  readonly id: number
  /** The stanza as it came, as XML. */
  readonly text: string
  readonly receivedMs: number
}

/** The messages that wait for the accounts of one host: the table `offline_messages`. Accounts are prepared local parts. */
export class OfflineStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Adds a message behind those of its account. */
  async append(local: string, text: string, receivedMs: number): Promise<void> {
    await this.#db.knex('offline_messages').insert({ host: this.#host, local, received_ms: receivedMs, message: text })
  }

  /** How many messages wait for an account; by the index `offline_messages_by_account`. */
  async count(local: string): Promise<number> {
    const row = await this.#of(local).count({ count: '*' }).first()
    return Number(row?.['count'] ?? 0)
  }

  /** The oldest messages of an account after an id (0: all); by the index `offline_messages_by_account`. */
  async page(local: string, after: number, limit: number): Promise<StoredMessage[]> {
    const rows: { id: number; message: string; received_ms: number }[] = await this.#of(local)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .select('id', 'message', 'received_ms')
    return rows.map((row) => ({ id: row.id, text: row.message, receivedMs: row.received_ms }))
  }

  /** Removes the messages of an account up to and with an id; by the index `offline_messages_by_account`. */
  async forgetUpTo(local: string, id: number): Promise<void> {
    await this.#of(local).where('id', '<=', id).delete()
  }

  /** Removes all messages of an account; by the index `offline_messages_by_account`. */
  async forget(local: string): Promise<void> {
    await this.#of(local).delete()
  }

  /**
   * Removes up to `limit` messages that came before a time, ms since the epoch, and resolves with their number; by the
   * index `offline_messages_by_time`, then by primary key.
   */
  async forgetBefore(ms: number, limit: number): Promise<number> {
    const ids: number[] = await this.#db
      .knex('offline_messages')
      .where({ host: this.#host })
      .where('received_ms', '<', ms)
      .orderBy('received_ms')
      .limit(limit)
      .pluck('id')
    if (ids.length > 0) await this.#db.knex('offline_messages').whereIn('id', ids).delete()
    return ids.length
  }

  #of(local: string) {
    return this.#db.knex('offline_messages').where({ host: this.#host, local })
  }
}
