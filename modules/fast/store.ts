import type { Database } from '#api'

/** A token as it is kept: what it is derived from, and what it is good for. */
export interface StoredToken {
  /** What stands for the installation of a client. */
  readonly client: string
  readonly nonce: string
  /** The mechanism it is bound to. */
  readonly mechanism: string
  readonly issuedMs: number
  readonly expiresMs: number
  /** Whether it has never been used. */
  readonly fresh: boolean
  /** The highest count it was used with. */
  readonly count: number
  /** That of the account when it was issued. */
  readonly passwordVersion: number
}

interface Row {
  readonly client: string
  readonly nonce: string
  readonly mechanism: string
  readonly issued_ms: number
  readonly expires_ms: number
  readonly fresh: number
  readonly count: number
  readonly password_version: number
}

/** The tokens of one host's accounts: table `fast_tokens`, everything by its primary key unless noted. */
export class TokenStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** The tokens of one installation: at most one that is fresh, and one in use. */
  async find(local: string, client: string): Promise<StoredToken[]> {
    const rows: Row[] = await this.#db.knex('fast_tokens').where({ host: this.#host, local, client })
    return rows.map(toToken)
  }

  /**
   * Keeps a new token in place of one that was never used; one in use stays. When more than `maxClients` installations have
   * tokens then, those lose theirs that got them first; 0 is no limit. False, and nothing is kept, when the token `before` it, by
   * which the client has logged in, is gone: it was taken back meanwhile.
   */
  async issue(local: string, token: StoredToken, maxClients: number, before?: string): Promise<boolean> {
    const { client } = token
    return await this.#db.transaction(async (tx) => {
      const all = () => tx('fast_tokens').where({ host: this.#host, local })
      if (before !== undefined && !(await all().where({ client, nonce: before }).forUpdate().first('nonce')))
        return false
      await all().where({ client, fresh: 1 }).delete()
      await tx('fast_tokens').insert({ host: this.#host, local, ...toRow(token) })
      if (maxClients === 0) return true
      const rows: Pick<Row, 'client' | 'issued_ms'>[] = await all().select('client', 'issued_ms')
      const latest = new Map<string, number>()
      for (const row of rows) latest.set(row.client, Math.max(latest.get(row.client) ?? 0, row.issued_ms))
      const oldestFirst = [...latest.keys()].filter((other) => other !== client)
      oldestFirst.sort((a, b) => latest.get(a)! - latest.get(b)!)
      const surplus = oldestFirst.slice(0, Math.max(0, latest.size - maxClients))
      if (surplus.length > 0) await all().whereIn('client', surplus).delete()
      return true
    })
  }

  /**
   * Notes that a token was used, with this count if it is one: the token before it is worth nothing any more. False when the
   * token is gone, or was used with this count or a higher one.
   */
  async use(local: string, { client, nonce, fresh }: StoredToken, count: number | undefined): Promise<boolean> {
    return await this.#db.transaction(async (tx) => {
      const mine = tx('fast_tokens').where({ host: this.#host, local, client, nonce })
      if (count !== undefined) mine.where('count', '<', count)
      if ((await mine.update({ fresh: 0, ...(count !== undefined && { count }) })) === 0) return false
      if (fresh) await tx('fast_tokens').where({ host: this.#host, local, client }).whereNot({ nonce }).delete()
      return true
    })
  }

  /** The installations of an account that have tokens which have not expired. */
  async clients(local: string, nowMs: number): Promise<string[]> {
    const query = this.#db.knex('fast_tokens').where({ host: this.#host, local })
    return await query.where('expires_ms', '>', nowMs).distinct('client').pluck('client')
  }

  /** Removes the tokens of an account, or of one installation; how many there were. */
  async remove(local: string, client?: string): Promise<number> {
    const query = this.#db.knex('fast_tokens').where({ host: this.#host, local })
    if (client !== undefined) query.where({ client })
    return await query.delete()
  }

  /** Removes up to `limit` tokens that expired before a time, ms since the epoch; how many. By `fast_tokens_by_expiry`. */
  async removeExpired(ms: number, limit: number): Promise<number> {
    const { knex } = this.#db
    const due: { local: string; client: string; nonce: string }[] = await knex('fast_tokens')
      .where({ host: this.#host })
      .where('expires_ms', '<', ms)
      .orderBy('expires_ms')
      .limit(limit)
      .select('local', 'client', 'nonce')
    for (const row of due)
      await knex('fast_tokens')
        .where({ host: this.#host, ...row })
        .delete()
    return due.length
  }
}

function toRow({ client, nonce, mechanism, issuedMs, expiresMs, fresh, count, passwordVersion }: StoredToken): Row {
  return {
    client,
    nonce,
    mechanism,
    issued_ms: issuedMs,
    expires_ms: expiresMs,
    fresh: Number(fresh),
    count,
    password_version: passwordVersion,
  }
}

function toToken(row: Row): StoredToken {
  return {
    client: row.client,
    nonce: row.nonce,
    mechanism: row.mechanism,
    issuedMs: row.issued_ms,
    expiresMs: row.expires_ms,
    fresh: row.fresh === 1,
    count: row.count,
    passwordVersion: row.password_version,
  }
}
