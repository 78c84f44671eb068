import { type Host, Jid, StanzaError, xml } from '#api'
import { isSubscribed, isWatched, type RosterApi, type RosterItem } from '../roster/index.ts'
import type { InvitationStore } from './store.ts'

/** Makes people contacts of those who have invited them. */
export class Contacts {
  readonly #host: Host
  readonly #rosters: RosterApi
  readonly #store: InvitationStore

  constructor(host: Host, rosters: RosterApi, store: InvitationStore) {
    this.#host = host
    this.#rosters = rosters
    this.#store = store
  }

  /** Makes contacts of all who were promised to be when an account was made. */
  async settle(): Promise<void> {
    const { domain } = this.#host
    for (const pair of await this.#store.promised()) {
      await this.#befriend(Jid.of(pair.inviter, domain), Jid.of(pair.invitee, domain))
      await this.#store.kept(pair)
    }
  }

  /**
   * Prepares for the request of somebody who was invited, which is about to be dealt with: it will be approved at once, and so
   * will be, where the contact is of this host, the request that goes back. False when the inviter's roster is full.
   */
  async expect(inviter: Jid, contact: Jid): Promise<boolean> {
    const isFull = await this.#refusedFor(inviter, contact, (was) => ({
      ...was,
      listed: true,
      // A request that waits for an answer has one now: the one that comes stands for it.
      request: null,
      approved: !isSubscribed(was),
      ask: !isWatched(was),
    }))
    if (isFull) return false
    if (contact.domain === this.#host.domain)
      await this.#rosters.change(contact, inviter, (was) => (isSubscribed(was) ? was : { ...was, approved: true }))
    return true
  }

  /** Sends the inviter's own request, when the one of the invited has been approved (XEP-0379 §3.5). */
  ask(inviter: Jid, contact: Jid): void {
    this.#host.route(xml('presence', { type: 'subscribe', from: inviter.toString(), to: contact.toString() }))
  }

  /**
   * Makes two accounts of the host contacts of each other, on disk when this resolves; clients of either are told by a push
   * (XEP-0401 §5.5). It may be done again. Not when one of them is gone or the inviter's roster is full.
   */
  async #befriend(inviter: Jid, invitee: Jid): Promise<void> {
    const { accounts } = this.#host
    if (!(await accounts.exists(inviter.local)) || !(await accounts.exists(invitee.local))) return
    const isFull = await this.#refusedFor(inviter, invitee, (was) => asFriend(was))
    if (!isFull) await this.#rosters.change(invitee, inviter, (was) => asFriend(was))
  }

  /** Changes the inviter's roster; true when it can have no further contact. */
  async #refusedFor(inviter: Jid, contact: Jid, edit: (was: RosterItem) => RosterItem): Promise<boolean> {
    try {
      await this.#rosters.change(inviter, contact, (was, size) => {
        if (!was.listed) this.#rosters.checkRoom(size)
        return edit(was)
      })
      return false
    } catch (error) {
      if (error instanceof StanzaError) return true
      throw error
    }
  }
}

function asFriend(was: RosterItem): RosterItem {
  if (was.subscription === 'both' && was.listed) return was
  return { ...was, listed: true, subscription: 'both', ask: false, approved: false, request: null }
}
