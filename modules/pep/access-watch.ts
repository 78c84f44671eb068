import type { Context, Jid } from '#api'
import { dropUnwelcome } from '../pubsub/index.ts'
import type { RosterChange } from '../roster/hooks.ts'
import { isSubscribed, isWatched, type RosterItem } from '../roster/index.ts'
import type { Newcomers } from './newcomers.ts'
import type { Site } from './sites.ts'

/**
 * Whoever may see more of an account hears of it, whoever may see less has subscribed to less (XEP-0163 §7). What is sent and
 * asked for is checked each time; this is what must be done at once.
 */
export class AccessWatch {
  readonly #site: Site
  readonly #newcomers: Newcomers
  readonly #log: Context['log']

  constructor(site: Site, newcomers: Newcomers, log: Context['log']) {
    this.#site = site
    this.#newcomers = newcomers
    this.#log = log
  }

  /** An account keeps something else of a contact. */
  changed({ account, was, now }: RosterChange): void {
    // The other side has agreed by then.
    if (!isWatched(was) && isWatched(now))
      this.#newcomers.introduce(now.jid, this.#site.host.user(account)?.available() ?? [])
    if (was !== undefined && mayHaveLost(was, now)) void this.#review(account, now.jid)
  }

  /** A contact is none any more. */
  removed(account: Jid, was: RosterItem): void {
    const couldSee = isSubscribed(was) || was.groups.length > 0
    // With the account everything goes.
    if (couldSee && !this.#site.host.isBeingDeleted(account.local)) void this.#review(account, was.jid)
  }

  /** Ends the subscriptions of a contact who may not have them any more. */
  async #review(account: Jid, contact: Jid): Promise<void> {
    const { engine, faceOf } = this.#site
    try {
      const face = faceOf(account)
      for (const { node } of await engine.store.subscriptionsOf(account.toString(), contact.bare.toString()))
        await engine.atNode(face, node, async (found) => found && dropUnwelcome(engine, face, found))
    } catch (err) {
      this.#log.error({ err, account: account.toString() }, 'subscriptions could not be looked through')
    }
  }
}

/** Whether a contact may see less now: no presence, or not what is for a group that it was in. */
function mayHaveLost(was: RosterItem, now: RosterItem): boolean {
  return (isSubscribed(was) && !isSubscribed(now)) || was.groups.some((group) => !now.groups.includes(group))
}
