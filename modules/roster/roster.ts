import type { Jid } from '#api'
import { isSubscribed, isWatched, type RosterItem } from './item.ts'

/** Where a roster stands. */
export interface RosterVersion {
  /** Rises with every change that clients are told of; 0 when there was none. */
  readonly version: number
  /** The oldest version from which the way to the present one can be told item by item. */
  readonly floor: number
}

/** A roster nobody has ever changed. */
export const unversioned: RosterVersion = { version: 0, floor: 0 }

/** How much an account keeps. */
export interface RosterSize {
  /** Items that clients see. */
  readonly listed: number
  /** Requests that wait for an answer. */
  readonly requests: number
}

/** The whole roster of an account, in memory while the account is online. */
export class Roster {
  readonly #items = new Map<string, RosterItem>()
  #at: RosterVersion

  constructor(at: RosterVersion = unversioned, items: Iterable<RosterItem> = []) {
    this.#at = at
    for (const item of items) this.#items.set(item.jid.toString(), item)
  }

  get at(): RosterVersion {
    return this.#at
  }

  /** Everything kept of contacts, in no order that means anything. */
  get items(): Iterable<RosterItem> {
    return this.#items.values()
  }

  /** Counted anew at each call. */
  get size(): RosterSize {
    let listed = 0
    let requests = 0
    for (const item of this.#items.values()) {
      if (item.listed) listed++
      if (hasRequest(item)) requests++
    }
    return { listed, requests }
  }

  /** What is kept of a contact, of whose JID the bare part counts; a text is a prepared bare JID. */
  get(contact: Jid | string): RosterItem | undefined {
    return this.#items.get(typeof contact === 'string' ? contact : contact.bare.toString())
  }

  /** Sets an item and the version it brings about. */
  put(item: RosterItem, at: RosterVersion): void {
    this.#items.set(item.jid.toString(), item)
    this.#at = at
  }

  /** Forgets a contact. */
  delete(contact: Jid, at: RosterVersion): void {
    this.#items.delete(contact.toString())
    this.#at = at
  }

  /** Forgets everything. */
  clear(): void {
    this.#items.clear()
    this.#at = unversioned
  }

  /** The items that clients see. */
  *listed(): Generator<RosterItem> {
    for (const item of this.#items.values()) if (item.listed) yield item
  }

  /** The contacts who see the account's presence. */
  *subscribers(): Generator<Jid> {
    for (const item of this.#items.values()) if (isSubscribed(item)) yield item.jid
  }

  /** The contacts whose presence the account sees. */
  *watched(): Generator<Jid> {
    for (const item of this.#items.values()) if (isWatched(item)) yield item.jid
  }

  /** The contacts whose request waits for an answer. */
  *requests(): Generator<RosterItem & { readonly request: string }> {
    for (const item of this.#items.values()) if (hasRequest(item)) yield item
  }

  /**
   * What a client that has version `known` has missed, oldest change first; `undefined` when it cannot be told, because
   * the version is none of this roster's or an item has been removed since.
   */
  since(known: string): RosterItem[] | undefined {
    if (!/^\d{1,16}$/.test(known)) return undefined
    const version = Number(known)
    if (version < this.#at.floor || version > this.#at.version) return undefined
    return [...this.listed()].filter((item) => item.version > version).sort((a, b) => a.version - b.version)
  }
}

function hasRequest(item: RosterItem): item is RosterItem & { readonly request: string } {
  return item.request !== null
}
