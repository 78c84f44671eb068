import type { Roster } from './roster.ts'

/**
 * The rosters of accounts that have left, so that coming back costs no query: as many as have so many contacts together. When
 * there are more, those who left longest ago are forgotten.
 */
export class RememberedRosters {
  readonly #maxContacts: number
  /** Those who left longest ago first. */
  readonly #rosters = new Map<string, Roster>()
  #contacts = 0

  constructor(maxContacts: number) {
    this.#maxContacts = maxContacts
  }

  /** Keeps the roster of an account, which nobody changes any more. */
  put(account: string, roster: Roster): void {
    this.take(account)
    if (weight(roster) > this.#maxContacts) return
    this.#rosters.set(account, roster)
    this.#contacts += weight(roster)
    for (const oldest of this.#rosters.keys()) {
      if (this.#contacts <= this.#maxContacts) return
      this.take(oldest)
    }
  }

  /** The roster of an account, which is forgotten thereby. */
  take(account: string): Roster | undefined {
    const roster = this.#rosters.get(account)
    if (roster === undefined) return undefined
    this.#rosters.delete(account)
    this.#contacts -= weight(roster)
    return roster
  }
}

/** An empty roster takes its place, too. */
function weight({ count }: Roster): number {
  return count + 1
}
