import type { Database, Transaction } from '#api'

/** An invitation as it is kept. */
export interface StoredInvitation {
  readonly id: number
  /** The local part of whose contact the invited become; `''` for the server's own. */
  readonly inviter: string
  /** The only name that an account made with it can have; null for any. */
  readonly username: string | null
  /** Whether an account can be made with it. */
  readonly accounts: boolean
  readonly usesLeft: number
  readonly createdMs: number
  readonly expiresMs: number
}

/** A new invitation to keep. */
export interface NewInvitation extends Omit<StoredInvitation, 'id'> {
  readonly tokenHash: string
  /** What the name folds to; null without one. */
  readonly folded: string | null
}

/** Two who are to be contacts of each other, by their local parts. */
export interface ContactPair {
  readonly inviter: string
  readonly invitee: string
}

interface Row {
  readonly id: number
  readonly inviter: string
  readonly username: string | null
  readonly accounts: number
  readonly uses_left: number
  readonly created_ms: number
  readonly expires_ms: number
}

const columns = ['id', 'inviter', 'username', 'accounts', 'uses_left', 'created_ms', 'expires_ms']

/** The invitations to one host: the tables `invitations` and `invitations_contacts`. */
export class InvitationStore {
  readonly #db: Database
  readonly #host: string

  constructor(db: Database, host: string) {
    this.#db = db
    this.#host = host
  }

  /** Keeps a new invitation and returns its id. */
  async insert(invitation: NewInvitation): Promise<number> {
    const { tokenHash, accounts, usesLeft, createdMs, expiresMs, ...same } = invitation
    const [id] = await this.#all().insert({
      ...same,
      host: this.#host,
      token_hash: tokenHash,
      accounts: accounts ? 1 : 0,
      uses_left: usesLeft,
      created_ms: createdMs,
      expires_ms: expiresMs,
    })
    return id!
  }

  /** The invitation of a token that can be used still; by the index (token_hash). */
  async find(tokenHash: string, nowMs: number): Promise<StoredInvitation | undefined> {
    const row = await this.#open(nowMs).where({ token_hash: tokenHash }).first(columns)
    return row && toInvitation(row)
  }

  /**
   * Uses an invitation once, in a transaction of others; false when it has been used up meanwhile. Whether it has expired
   * was seen to before (XEP-0445 §4). By the primary key.
   */
  async use(tx: Transaction, id: number): Promise<boolean> {
    const query = tx('invitations').where({ id }).andWhere('uses_left', '>', 0)
    return (await query.decrement('uses_left', 1)) > 0
  }

  /** Like {@link use}, in a transaction of its own. */
  async useUp(id: number): Promise<boolean> {
    return await this.#db.transaction((tx) => this.use(tx, id))
  }

  /** Whether a name is held for whoever was invited by it; by the index (host, folded). */
  async isHeld(folded: string, nowMs: number): Promise<boolean> {
    return (await this.#open(nowMs).where({ folded }).first('id')) !== undefined
  }

  /** The invitations that can be used still, of one inviter or of all, the oldest first; by the index (host, inviter). */
  async open(nowMs: number, inviter?: string): Promise<StoredInvitation[]> {
    const query = inviter === undefined ? this.#open(nowMs) : this.#open(nowMs).where({ inviter })
    return (await query.orderBy('created_ms').orderBy('id').select(columns)).map(toInvitation)
  }

  /** How many invitations of an inviter can be used still; by the index (host, inviter). */
  async countOpen(inviter: string, nowMs: number): Promise<number> {
    return Number((await this.#open(nowMs).where({ inviter }).count({ n: '*' }).first())?.n ?? 0)
  }

  /** How many invitations an inviter has made since a time, used or not; by the index (host, inviter, created_ms). */
  async countSince(inviter: string, sinceMs: number): Promise<number> {
    const query = this.#all().where({ host: this.#host, inviter }).andWhere('created_ms', '>', sinceMs)
    return Number((await query.count({ n: '*' }).first())?.n ?? 0)
  }

  /** Lets an invitation be used no more; false when it cannot be anyway, or is not the inviter's. By the primary key. */
  async revoke(id: number, nowMs: number, inviter?: string): Promise<boolean> {
    const query = this.#open(nowMs).where(inviter === undefined ? { id } : { id, inviter })
    return (await query.update({ uses_left: 0 })) > 0
  }

  /** Removes what expired before a time; by the index (expires_ms). */
  async removeExpired(beforeMs: number): Promise<void> {
    await this.#all().where({ host: this.#host }).andWhere('expires_ms', '<', beforeMs).delete()
  }

  /** Notes, in a transaction of others, that two are to be contacts; by the primary key. */
  async promise(tx: Transaction, { inviter, invitee }: ContactPair): Promise<void> {
    const row = { host: this.#host, inviter, invitee }
    await tx('invitations_contacts').insert(row).onConflict(['host', 'invitee']).merge(['inviter'])
  }

  /** Those who are still to be made contacts; by the primary key. */
  async promised(): Promise<ContactPair[]> {
    return await this.#db.knex('invitations_contacts').where({ host: this.#host }).select('inviter', 'invitee')
  }

  /** Notes that two are contacts now; by the primary key. */
  async kept({ invitee }: ContactPair): Promise<void> {
    await this.#db.knex('invitations_contacts').where({ host: this.#host, invitee }).delete()
  }

  /** Removes all that is kept of an account in one transaction; by the indexes (host, inviter) and the primary key. */
  async forget(local: string): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx('invitations').where({ host: this.#host, inviter: local }).delete()
      await tx('invitations_contacts').where({ host: this.#host, invitee: local }).delete()
      await tx('invitations_contacts').where({ host: this.#host, inviter: local }).delete()
    })
  }

  #all() {
    return this.#db.knex('invitations')
  }

  #open(nowMs: number) {
    return this.#all().where({ host: this.#host }).andWhere('uses_left', '>', 0).andWhere('expires_ms', '>', nowMs)
  }
}

function toInvitation(row: Row): StoredInvitation {
  return {
    id: row.id,
    inviter: row.inviter,
    username: row.username,
    accounts: row.accounts === 1,
    usesLeft: row.uses_left,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
  }
}
