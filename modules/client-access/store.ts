import type { Database } from '#api'

/** An installation of a client that has logged in to an account. */
export interface KnownClient {
  /** What stands for the installation. */
  readonly client: string
  readonly software: string | undefined
  readonly device: string | undefined
  readonly firstMs: number
  readonly lastMs: number
  /** When it last came with a password that is still the account's. */
  readonly passwordMs: number | undefined
}

/** A login to note. */
export interface Sighting extends Omit<KnownClient, 'firstMs'> {
  readonly local: string
}

interface Row {
  readonly client: string
  readonly software: string | null
  readonly device: string | null
  readonly first_ms: number
  readonly last_ms: number
  readonly password_ms: number | null
}

/** The clients of one host's accounts: table `known_clients`, everything by its primary key unless noted. */
export class ClientStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Notes logins of different clients, at most hundreds; when one was seen first stays, and when it had the password. */
  async note(sightings: readonly Sighting[]): Promise<void> {
    for (const hasPassword of [true, false]) {
      const some = sightings.filter(({ passwordMs }) => (passwordMs !== undefined) === hasPassword)
      if (some.length === 0) continue
      const rows = some.map(({ local, client, software, device, lastMs, passwordMs }) => ({
        host: this.#host,
        local,
        client,
        software: software ?? null,
        device: device ?? null,
        first_ms: lastMs,
        last_ms: lastMs,
        password_ms: passwordMs ?? null,
      }))
      const merged = ['software', 'device', 'last_ms', ...(hasPassword ? ['password_ms'] : [])]
      await this.#db.knex('known_clients').insert(rows).onConflict(['host', 'local', 'client']).merge(merged)
    }
  }

  /** The clients of an account. */
  async list(local: string): Promise<KnownClient[]> {
    const rows: Row[] = await this.#account(local)
    return rows.map((row) => ({
      client: row.client,
      software: row.software ?? undefined,
      device: row.device ?? undefined,
      firstMs: row.first_ms,
      lastMs: row.last_ms,
      passwordMs: row.password_ms ?? undefined,
    }))
  }

  /** Forgets an account, or one of its clients; how many there were. */
  async remove(local: string, client?: string): Promise<number> {
    const query = this.#account(local)
    if (client !== undefined) query.where({ client })
    return await query.delete()
  }

  /** No client has the password of an account any more. */
  async forgetPasswords(local: string): Promise<void> {
    await this.#account(local).update({ password_ms: null })
  }

  /** Forgets up to `limit` clients not seen since a time, ms since the epoch; how many. By `known_clients_by_time`. */
  async removeBefore(ms: number, limit: number): Promise<number> {
    const { knex } = this.#db
    const due: { local: string; client: string }[] = await knex('known_clients')
      .where({ host: this.#host })
      .where('last_ms', '<', ms)
      .orderBy('last_ms')
      .limit(limit)
      .select('local', 'client')
    for (const row of due)
      await knex('known_clients')
        .where({ host: this.#host, ...row })
        .delete()
    return due.length
  }

  /** Up to `limit` accounts with more than `max` clients; looks at all of the host's. */
  async crowded(max: number, limit: number): Promise<string[]> {
    const query = this.#db.knex('known_clients').where({ host: this.#host }).groupBy('local')
    return await query.havingRaw('count(*) > ?', [max]).limit(limit).pluck('local')
  }

  /** Forgets the clients of an account beyond the `max` seen last. */
  async removeBeyond(local: string, max: number): Promise<void> {
    const query = this.#account(local).orderBy('last_ms', 'desc').offset(max).limit(1000)
    const surplus: string[] = await query.pluck('client')
    if (surplus.length > 0) await this.#account(local).whereIn('client', surplus).delete()
  }

  #account(local: string) {
    return this.#db.knex('known_clients').where({ host: this.#host, local })
  }
}
