import { defineCollection, type Element, type Jid } from '#api'

/** An address that a client asked to block. */
export interface NamedItem {
  /** Prepared. */
  readonly jid: string
  /** As the client sent it, with whatever is in it (XEP-0377 §5). To be looked at only. */
  readonly element: Element
}

/**
 * Hears what an account has blocked, once it is blocked and before its client has the result. What it throws or rejects with is
 * logged, and unblocks nothing.
 */
export type BlockWitness = (account: Jid, items: readonly NamedItem[]) => void | Promise<void>
export const blockWitnesses = defineCollection<BlockWitness>(
  'blocking/witnesses',
  'Who hears of what an account has blocked, with what its client said of it.',
)
