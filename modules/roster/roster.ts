import type { Jid } from '#api'
import { isSubscribed, isWatched, type RosterItem, type SharedView, type Subscription, withShared } from './item.ts'

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

/** Which contacts: all, or, where it is about presence, of those that are only shared just the ones `online`. */
export type Which = 'all' | 'online'

/** An item that is news to a client, and the version it has once it knows of it. */
export interface RosterNews {
  readonly item: RosterItem
  readonly ver: string
}

/**
 * The whole roster of an account, in memory while the account is online: what the account keeps itself, and laid over it
 * what it shares, which takes no memory of its own.
 */
export class Roster {
  readonly #items = new Map<string, RosterItem>()
  readonly #shared: SharedView | undefined
  #at: RosterVersion

  constructor(at: RosterVersion = unversioned, items: Iterable<RosterItem> = [], shared?: SharedView) {
    this.#at = at
    this.#shared = shared
    for (const item of items) this.#items.set(item.jid.toString(), item)
  }

  /** Where what the account keeps itself stands. */
  get at(): RosterVersion {
    return this.#at
  }

  /** The version of all of it, as clients are told it. */
  get ver(): string {
    return this.#verOf(this.#at.version, this.#shared?.at().version)
  }

  #verOf(own: number, shared: number | undefined): string {
    return shared === undefined ? String(own) : `${own}.${shared}`
  }

  /** How many contacts the account itself keeps something of. */
  get count(): number {
    return this.#items.size
  }

  /** Everything the account itself keeps of contacts, in no order that means anything. */
  get items(): Iterable<RosterItem> {
    return this.#items.values()
  }

  /** What the account itself keeps of a contact, of whose JID the bare part counts. */
  ownOf(contact: Jid): RosterItem | undefined {
    return this.#items.get(contact.bare.toString())
  }

  *#all(): Generator<RosterItem> {
    yield* this.#merged()
    for (const shared of this.#shared?.all() ?? [])
      if (!this.#items.has(shared.jid.toString())) yield withShared(undefined, shared)!
  }

  /** What the account itself keeps, each with what it shares. */
  *#merged(): Generator<RosterItem> {
    if (this.#shared === undefined) return yield* this.#items.values()
    for (const item of this.#items.values()) yield withShared(item, this.#shared.of(item.jid))!
  }

  *#near(isNear: (item: { readonly subscription: Subscription }) => boolean, which: Which): Generator<Jid> {
    for (const item of this.#merged()) if (isNear(item)) yield item.jid
    for (const shared of (which === 'all' ? this.#shared?.all() : this.#shared?.online()) ?? [])
      if (isNear(shared) && !this.#items.has(shared.jid.toString())) yield shared.jid
  }

  /** Of what the account itself keeps; counted anew at each call. */
  get size(): RosterSize {
    let listed = 0
    let requests = 0
    for (const item of this.#items.values()) {
      if (item.listed) listed++
      if (hasRequest(item)) requests++
    }
    return { listed, requests }
  }

  /** What there is of a contact, of whose JID the bare part counts; a text is a prepared bare JID. */
  get(contact: Jid | string): RosterItem | undefined {
    const jid = typeof contact === 'string' ? contact : contact.bare.toString()
    const item = this.#items.get(jid)
    return this.#shared === undefined ? item : withShared(item, this.#shared.of(jid))
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
    for (const item of this.#all()) if (item.listed) yield item
  }

  /** The contacts who see the account's presence. */
  subscribers(which: Which = 'all'): Iterable<Jid> {
    return this.#near(isSubscribed, which)
  }

  /** The contacts whose presence the account sees. */
  watched(which: Which = 'all'): Iterable<Jid> {
    return this.#near(isWatched, which)
  }

  /** The contacts whose request waits for an answer. */
  *requests(): Generator<RosterItem & { readonly request: string }> {
    for (const item of this.#items.values()) if (hasRequest(item)) yield item
  }

  /**
   * What a client that has version `known` has missed, oldest change first; `undefined` when it cannot be told, because
   * the version is none of this roster's or an item has been removed since.
   */
  since(known: string): RosterNews[] | undefined {
    const match = /^(\d{1,16})(?:\.(\d{1,16}))?$/.exec(known)
    if (match === null || (match[2] !== undefined) !== (this.#shared !== undefined)) return undefined
    const version = Number(match[1])
    if (version < this.#at.floor || version > this.#at.version) return undefined
    const sharedVersion = match[2] === undefined ? undefined : Number(match[2])
    const shared = this.#sharedSince(sharedVersion)
    if (shared === undefined) return undefined
    const own = [...this.#items.values()]
      .filter((item) => item.version > version && item.listed)
      .sort((a, b) => a.version - b.version)
      .map((item) => ({ item: this.get(item.jid)!, ver: this.#verOf(item.version, sharedVersion) }))
    return [...own, ...shared]
  }

  #sharedSince(known: number | undefined): RosterNews[] | undefined {
    const view = this.#shared
    if (view === undefined || known === undefined) return []
    const { version, floor } = view.at()
    if (known < floor || known > version) return undefined
    if (known === version) return []
    return [...view.all()]
      .filter((shared) => shared.listed && shared.version > known)
      .sort((a, b) => a.version - b.version)
      .map((shared) => ({ item: this.get(shared.jid)!, ver: this.#verOf(this.#at.version, shared.version) }))
  }
}

function hasRequest(item: RosterItem): item is RosterItem & { readonly request: string } {
  return item.request !== null
}
