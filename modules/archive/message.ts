/** One account's share in an archived message. Addresses are prepared bare JIDs. */
export interface Copy {
  /** Whose archive. */
  readonly owner: string
  /** The other side of the conversation. */
  readonly peer: string
  /** The other side's resource, or `''`. */
  readonly resource: string
}

/** A message to be archived: one stanza, and a copy for each archive it belongs to. */
export interface ArchivedMessage {
  /**
   * Its id in every archive (XEP-0359): microseconds since the epoch, unique and growing on this server. The time of the
   * message is `Math.floor(id / 1000)` ms.
   */
  readonly id: number
  /** The stanza as XML, without the ids this server has put in it. */
  readonly stanza: string
  /** Whether it is a room's message. */
  readonly groupchat: boolean
  /** The id its sender gave it, by which a later one may refer to it (XEP-0424, XEP-0308). */
  readonly reference: string | undefined
  /** One for each archive: one, or two of which each is the other's peer; none when it is to nobody. */
  readonly copies: readonly Copy[]
}

/** Which messages of an archive are asked for; all conditions hold together. */
export interface Filter {
  /** Prepared bare JID of the other side. */
  readonly peer?: string
  /** Only messages to and from this resource of `peer`. */
  readonly resource?: string
  /** Smallest and greatest id, both included. */
  readonly fromId?: number
  readonly toId?: number
  /** False leaves out the messages of rooms. */
  readonly groupchat?: boolean
  /** Words that must all be in the message. */
  readonly words?: string
}

/** Where a page of an archive begins and how long it is. */
export interface PageRequest {
  /** Up to so many messages. */
  readonly limit: number
  /** Only messages after this id, oldest first. */
  readonly after?: number
  /** Only messages before this id, or, with `last`, from the end: the newest of them, still given oldest first. */
  readonly before?: number
  readonly last?: boolean
  /** So many messages are skipped (XEP-0059 §2.5); the one way whose cost grows. */
  readonly skip?: number
}

/** A message as it is kept. */
export interface KeptMessage {
  readonly id: number
  readonly stanza: string
}

/** A page of an archive, oldest first. */
export interface Page {
  readonly messages: readonly KeptMessage[]
  /** Whether nothing that matches lies beyond it in the direction of reading. */
  readonly complete: boolean
}
