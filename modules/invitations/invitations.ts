import { type Clock, foldForCollision, type Host, Jid, JidError, KeyedQueue, StanzaError, type Transaction } from '#api'
import type { InvitationStore, StoredInvitation } from './store.ts'
import { hashOf, looksLikeToken, newToken } from './token.ts'

/** How long the invitations of a day are counted, in ms. */
const DAY_MS = 86_400_000

/** What bounds invitations; 0 is no bound. */
export interface InvitationRules {
  /** How long an invitation can be used, in ms. */
  readonly expiry: number
  /** For each user: invitations that can be used still, and invitations made in 24 hours. */
  readonly limits: { readonly open: number; readonly perDay: number }
}

/** What an invitation is to be. */
export interface InvitationWish {
  /** The account whose contact the invited become; nobody's when left out. */
  readonly inviter?: Jid
  /** The only name that an account made with it can have. */
  readonly username?: string
  readonly accounts: boolean
  /** How many can use it; 1 unless told. */
  readonly uses?: number
  /** Whether the inviter's limits are left out of account, as for an admin. */
  readonly unlimited?: boolean
}

/** An invitation just made. The token is kept nowhere: only whoever gets this has it. */
export interface Issued {
  readonly id: number
  readonly token: string
  /** Ms since the epoch. */
  readonly expiresMs: number
  readonly username: string | undefined
}

/** The invitations to a host and to contacts of its users. */
export class Invitations {
  readonly #host: Host
  readonly #store: InvitationStore
  readonly #rules: InvitationRules
  readonly #clock: Pick<Clock, 'now'>
  /** One at a time for each inviter, and for each name, so that what was counted or found free stays so. */
  readonly #queue = new KeyedQueue()

  constructor(host: Host, store: InvitationStore, rules: InvitationRules, clock: Pick<Clock, 'now'>) {
    this.#host = host
    this.#store = store
    this.#rules = rules
    this.#clock = clock
  }

  /**
   * Makes an invitation.
   *
   * @throws StanzaError `resource-constraint` past the inviter's limits, `not-acceptable` for a name that no account can
   * have, `conflict` for one that is taken or promised.
   */
  async issue(wish: InvitationWish): Promise<Issued> {
    const username = wish.username === undefined ? undefined : this.#prepared(wish.username)
    const inviter = wish.inviter?.local ?? ''
    return await this.#queue.run(username === undefined ? `of ${inviter}` : 'names', async () => {
      if (wish.unlimited !== true) await this.#checkLimits(inviter)
      if (username !== undefined) await this.#checkFree(username)
      const token = newToken()
      const nowMs = this.#clock.now()
      const expiresMs = nowMs + this.#rules.expiry
      const id = await this.#store.insert({
        tokenHash: hashOf(token),
        inviter,
        username: username ?? null,
        folded: username === undefined ? null : foldForCollision(username),
        accounts: wish.accounts,
        usesLeft: wish.uses ?? 1,
        createdMs: nowMs,
        expiresMs,
      })
      return { id, token, expiresMs, username }
    })
  }

  /** The invitation of a token, when it can be used and its inviter, if any, is still there; else nobody learns why not. */
  async find(token: string): Promise<StoredInvitation | undefined> {
    if (!looksLikeToken(token)) return undefined
    const found = await this.#store.find(hashOf(token), this.#clock.now())
    if (found === undefined || found.inviter === '') return found
    return (await this.#host.accounts.state(found.inviter))?.kind === 'active' ? found : undefined
  }

  /** Uses an invitation for the contact that its inviter gets; false when it is none of theirs, or used up meanwhile. */
  async useForContact(token: string, inviter: Jid): Promise<boolean> {
    const found = await this.find(token)
    // XEP-0379 §5.2: what was meant for somebody in particular is for nobody else.
    if (found === undefined || found.inviter !== inviter.local || found.username !== null) return false
    return await this.#store.useUp(found.id)
  }

  /** Uses an invitation in the transaction that makes the account. @throws StanzaError when it has been used up meanwhile. */
  async useForAccount(
    tx: Transaction,
    { id, inviter }: Pick<StoredInvitation, 'id' | 'inviter'>,
    invitee: Jid,
  ): Promise<void> {
    if (!(await this.#store.use(tx, id))) throw notValid()
    if (inviter !== '') await this.#store.promise(tx, { inviter, invitee: invitee.local })
  }

  /** Whether a name is promised to somebody who was invited, or looks like one that is. */
  async isHeld(local: string): Promise<boolean> {
    return await this.#store.isHeld(foldForCollision(local), this.#clock.now())
  }

  /** The invitations that can be used still: those of one account, or all. */
  async open(inviter?: Jid): Promise<readonly StoredInvitation[]> {
    return await this.#store.open(this.#clock.now(), inviter?.local)
  }

  /** Lets an invitation be used no more; false when it cannot be anyway, or is not the inviter's, where one is given. */
  async revoke(id: number, inviter?: Jid): Promise<boolean> {
    return await this.#store.revoke(id, this.#clock.now(), inviter?.local)
  }

  /** Removes what counts no more. */
  async tidy(): Promise<void> {
    await this.#store.removeExpired(this.#clock.now() - DAY_MS)
  }

  async #checkLimits(inviter: string): Promise<void> {
    const { open, perDay } = this.#rules.limits
    const nowMs = this.#clock.now()
    if (open > 0 && (await this.#store.countOpen(inviter, nowMs)) >= open)
      throw new StanzaError('resource-constraint', `${open} invitations of yours wait already; revoke one first.`)
    if (perDay > 0 && (await this.#store.countSince(inviter, nowMs - DAY_MS)) >= perDay)
      throw new StanzaError(
        'resource-constraint',
        `You have made ${perDay} invitations within a day; make more tomorrow.`,
      )
  }

  async #checkFree(username: string): Promise<void> {
    if ((await this.#host.accounts.lookAlike(username)) !== undefined)
      throw new StanzaError('conflict', `The name ${username} is taken, or looks like one that is.`)
    if (await this.isHeld(username))
      throw new StanzaError('conflict', `The name ${username} is promised to somebody who was invited.`)
  }

  #prepared(username: string): string {
    try {
      const { local } = Jid.of(username, this.#host.domain)
      if (local !== '') return local
    } catch (error) {
      if (!(error instanceof JidError)) throw error
    }
    throw new StanzaError('not-acceptable', 'That cannot be the name of an account.')
  }
}

/** XEP-0445 §4: what is said of every token that does not work, whyever. */
export function notValid(): StanzaError {
  return new StanzaError('item-not-found', 'The provided token is invalid or expired.')
}
