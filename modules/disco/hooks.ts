import { defineCollection, defineQuestion, type FormField, type Jid, type User } from '#api'

/** Whom a question of service discovery is about: the server itself, or an account on it. */
export type DiscoTarget = 'account' | 'host'

/** One question: who asks whom. */
export interface DiscoRequest {
  /** The host's domain or the account's bare JID. */
  readonly to: Jid
  readonly from: Jid
  /** The account's user while online; never set for the host. */
  readonly user: User | undefined
}

/** What something is (XEP-0030 §3.1); categories and types are those of the registrar. */
export interface DiscoIdentity {
  readonly category: string
  readonly type: string
  readonly name?: string
  /** The language of the name. */
  readonly lang?: string
}

/** Something that belongs to whoever was asked (XEP-0030 §4.1). */
export interface DiscoItem {
  readonly jid: string
  readonly node?: string
  readonly name?: string
}

/** A form of more information (XEP-0128): the fields of one `FORM_TYPE`. */
export interface DiscoForm {
  readonly formType: string
  readonly fields: readonly FormField[]
}

/** The answer to disco#info: what something is, what it can do, and what else it says of itself. */
export interface DiscoInfo {
  readonly identities: readonly DiscoIdentity[]
  readonly features: readonly string[]
  readonly forms: readonly DiscoForm[]
}

/** The registrar's type of an account (category `account`); an account with a password unless a module knows better. */
export const accountType = defineQuestion<Jid, string>(
  'disco/account-type',
  'registered',
  'Which type of account is it, other than a registered one?',
)

/** An identity of the host or of every account. */
export interface IdentityOffer extends DiscoIdentity {
  readonly of: DiscoTarget
}
export const discoIdentities = defineCollection<IdentityOffer>(
  'disco/identities',
  'What the host and accounts are, in service discovery.',
)

/** A source of items of the host or of an account; what an asker may not see it leaves out. */
export interface ItemOffer {
  readonly of: DiscoTarget
  readonly items: (request: DiscoRequest) => readonly DiscoItem[] | Promise<readonly DiscoItem[]>
}
export const discoItems = defineCollection<ItemOffer>(
  'disco/items',
  'What belongs to the host and to accounts, in service discovery.',
)

/** Fields of a form of the host or of an account; fields of one `FORM_TYPE` from several modules make one form. */
export interface ExtensionOffer {
  readonly of: DiscoTarget
  readonly formType: string
  readonly fields: (request: DiscoRequest) => readonly FormField[]
}
export const discoExtensions = defineCollection<ExtensionOffer>(
  'disco/extensions',
  'What the host and accounts say of themselves in forms (XEP-0128).',
)

/**
 * Nodes of the host or of an account. Sources are asked in turn until one knows the node, which it says by an answer
 * that is not `undefined`; a node that none knows is `item-not-found`. A source refuses by throwing `StanzaError`.
 * The asker of an account's node is its owner or a subscriber to its presence.
 */
export interface NodeOffer {
  readonly of: DiscoTarget
  readonly info?: (node: string, request: DiscoRequest) => DiscoInfo | undefined | Promise<DiscoInfo | undefined>
  readonly items?: (
    node: string,
    request: DiscoRequest,
  ) => readonly DiscoItem[] | undefined | Promise<readonly DiscoItem[] | undefined>
}
export const discoNodes = defineCollection<NodeOffer>(
  'disco/nodes',
  'Nodes of the host and of accounts, in service discovery.',
)
