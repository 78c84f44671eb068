import { defineCollection, type Element, type Jid, type User } from '#api'

/** What somebody filled in, by field: each value is one that its field can have; a field left empty is absent. */
export type Filled = ReadonlyMap<string, readonly string[]>

/** Who gives a command to whom: to the host or to an account. */
export interface CommandRequest {
  /** The full JID of whoever gives the command; in questions of service discovery it may be a bare one. */
  readonly from: Jid
  /** The host's domain or the account's bare JID. */
  readonly to: Jid
  /** The account's user while online; never set for the host. */
  readonly user: User | undefined
}

/**
 * What comes of a command: the payload that goes with the answer (forms of type `result`, notes), a sentence for people, or
 * nothing.
 */
export type Outcome = Element | readonly Element[] | string | void

/** A command as an entity offers it (XEP-0050); `R` is what it is told of who gives it. */
export interface AdHocCommand<R = CommandRequest> {
  /** Unique among the commands of its entity. */
  readonly node: string
  /** What people call it. */
  readonly name: string
  /** False for a command that is in no list, and only answers those who ask for it. */
  readonly isListed?: boolean
  /** Whether somebody may give it, asked at every stage: false is `forbidden`, and so is what it throws as `StanzaError`. */
  readonly may?: (request: R) => boolean | void | Promise<boolean | void>
  /**
   * Its stages, each a form (`dataForm('form', …)`) made from what the stages before it were given. What comes back is checked
   * against it: required fields, types, the options of lists, its `FORM_TYPE` where one is given.
   */
  readonly stages?: readonly ((request: R, filled: Filled) => Element | Promise<Element>)[]
  /** Carries it out with all that was filled in; throws `StanzaError` when it cannot: then the last form may be sent anew. */
  readonly run: (filled: Filled, request: R) => Outcome | Promise<Outcome>
}

/** A command of the host, to whoever may give it, or of every account, to its owner alone (`self`). */
export interface CommandOffer extends AdHocCommand {
  readonly target: 'host' | 'self'
}
export const adHocCommands = defineCollection<CommandOffer>(
  'ad-hoc/commands',
  'Commands of the host, and of accounts for their owners (XEP-0050).',
)
