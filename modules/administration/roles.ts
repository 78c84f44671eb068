import type { CommandRole, Jid } from '#api'

/** What somebody is to the server: whoever `server.yaml` names is an admin, whoever this module's options name an observer. */
export class Roles {
  readonly #admins: ReadonlySet<string>
  readonly #observers: ReadonlySet<string>

  /** Bare JIDs. */
  constructor(admins: Iterable<string>, observers: Iterable<string>) {
    this.#admins = new Set(admins)
    this.#observers = new Set(observers)
  }

  /** Why somebody may not run commands that are for a role; `undefined` when they may. */
  refusal(person: Jid, role: CommandRole = 'admin'): string | undefined {
    const account = person.bare.toString()
    if (role === 'nobody') return 'This is for the command line only.'
    if (this.#admins.has(account)) return undefined
    if (role === 'admin') return 'Only admins may do this, whom server.yaml names.'
    return this.#observers.has(account)
      ? undefined
      : 'Only admins and observers may do this, whom the configuration names.'
  }
}
