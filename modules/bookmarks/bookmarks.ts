import { type Element, type Host, type Jid, KeyedQueue, Lru, parseDocument, StanzaError, serialize } from '#api'
import type { PepApi } from '../pep/index.ts'
import type { PrivateElements } from '../private-storage/index.ts'
import type { NodeEvent } from '../pubsub/hooks.ts'
import type { NodeConfig } from '../pubsub/index.ts'
import { checkBookmark, merged, NODE, NS_STORAGE, OldForm, type Rooms } from './bookmark.ts'
import type { Choices } from './choices.ts'
import type { SettledStore } from './store.ts'

/** How both nodes are made: for oneself alone (XEP-0402 §5.3, XEP-0223). */
export const ownConfig: NodeConfig = { persist_items: '1', access_model: 'whitelist' }
/** Of how many accounts it is remembered that nothing older is left to be taken over. */
const REMEMBERED = 10_000
/** Under which name the older form was stored before it was this module's. */
const KEY = { name: 'storage', xmlns: NS_STORAGE }

/** What bounds the older forms, which hold everything in one element. */
export interface BookmarkLimits {
  /** Most bookmarks there, the newest. */
  readonly maxBookmarks: number
  /** Most bytes of one bookmark; 0 is no limit. */
  readonly maxSize: number
  /** Most bytes of them all; 0 is no limit. */
  readonly maxPayload: number
  /** Most items of a node; 0 is no limit. */
  readonly maxItems: number
}

/** What an account has at this moment. */
interface State {
  /** What older clients see of the bookmarks: all of them, as far as there is room. */
  readonly rooms: Rooms
  /** Whether there are more. */
  readonly isPart: boolean
  readonly copy: Copy | undefined
}

/** The item of the older node. */
interface Copy {
  readonly id: string
  readonly payload: string
}

/**
 * The bookmarks of accounts. The truth is the node of XEP-0402; the older node holds a copy of it, with what only that form
 * can hold, and private XML is made from both when it is asked for. What is done to one account's is done in order.
 */
export class Bookmarks {
  readonly #host: Host
  readonly #pep: PepApi
  readonly #stored: PrivateElements
  readonly #choices: Choices
  readonly #settledOnDisk: SettledStore
  readonly #limits: BookmarkLimits
  readonly #queue = new KeyedQueue()
  /** Accounts that have nothing older, and whose copy is as it should be. */
  readonly #settled = new Lru<string, true>(REMEMBERED)
  /** What has been removed since the server started from bookmarks that are not settled yet: they are not to come back. */
  readonly #gone = new Map<string, ReadonlySet<string> | 'all'>()
  /** Accounts whose copy is about to be looked at. */
  readonly #due = new Set<string>()

  constructor(
    host: Host,
    pep: PepApi,
    stored: PrivateElements,
    choices: Choices,
    settled: SettledStore,
    limits: BookmarkLimits,
  ) {
    this.#host = host
    this.#pep = pep
    this.#stored = stored
    this.#choices = choices
    this.#settledOnDisk = settled
    this.#limits = limits
  }

  /** Runs what is done to an account's bookmarks in its turn. When it fails the copy may be out of step: it is looked at again. */
  #inTurn<T>(account: Jid, work: () => Promise<T>): Promise<T> {
    const key = account.toString()
    return this.#queue.run(key, async () => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof StanzaError)) this.#settled.delete(key)
        throw error
      }
    })
  }

  /** Settles when all that has happened to the bookmarks so far is in all their forms. */
  ready(account: Jid): Promise<void> {
    return this.#inTurn(account, () => this.#takeOver(account))
  }

  /** Takes over what was stored before, for one whose client wants to hear of bookmarks and may never ask for them. */
  async announce(account: Jid): Promise<void> {
    if (this.#settled.get(account.toString()) === undefined && (await this.#stored.find(account, KEY)) !== undefined)
      await this.ready(account)
  }

  /** The older form, for private XML. */
  shown(account: Jid): Promise<Element> {
    return this.#inTurn(account, async () => {
      await this.#takeOver(account)
      const { rooms, copy } = await this.#read(account)
      return this.#formOf(copy).with(rooms)
    })
  }

  /** Takes what an older client has written to private XML. */
  store(account: Jid, storage: Element): Promise<void> {
    return this.write(account, storage, async (form, copy) => {
      if (isNews(form, copy)) await this.#keep(account, form, copy)
    })
  }

  /**
   * Takes what an older client has written, and has the items of the node follow. `keep` has the copy kept in place of an
   * earlier one, and refuses when it cannot be; nothing is changed then.
   */
  write<T>(account: Jid, storage: Element, keep: (form: Element, before: Copy | undefined) => Promise<T>): Promise<T> {
    return this.#inTurn(account, async () => {
      await this.#takeOver(account)
      const { rooms, isPart, copy } = await this.#read(account)
      const form = new OldForm(storage, this.#limits.maxSize)
      const entries = form.entries(rooms)
      const { maxItems } = this.#limits
      if (maxItems > 0 && entries.size > maxItems)
        throw new StanzaError('not-acceptable', `There is room for ${maxItems} bookmarks.`)
      const now = new Map(rooms)
      const changed = new Map<string, Element>()
      for (const [room, entry] of entries) {
        const current = rooms.get(room) ?? (isPart ? await this.#room(account, room) : undefined)
        const next = merged(current, entry)
        if (next !== undefined) {
          checkBookmark(room, next, this.#limits.maxSize)
          changed.set(room, next)
        }
        if (next !== undefined || current !== undefined) now.set(room, next ?? current!)
      }
      const gone = [...rooms.keys()].filter((room) => !entries.has(room))
      for (const room of gone) now.delete(room)
      // XEP-0411 §5: bookmarks are copied to where nobody else sees them.
      await this.#pep.configure(account, NS_STORAGE, ownConfig)
      const shown = form.with(now)
      const kept = await keep(shown, copy)
      await this.#makeRoom(account, now.size)
      await this.#publish(account, changed)
      // One at a time, like what is published: some clients read no more than one of a notification.
      for (const room of gone) await this.#pep.retract(account, NODE, [room])
      await this.#choices.follow(account.toString(), shown, elementOf(copy))
      return kept
    })
  }

  /** Something has happened at one of the nodes: has the copy follow, however often this is said before it does. */
  changed({ service: account, ...event }: NodeEvent, onFailure: (error: unknown) => void): void {
    const key = account.toString()
    // The copy itself, made in the account’s name.
    if (event.node === NS_STORAGE && event.kind === 'published' && event.by.isBare) return
    if (this.#settled.get(key) === undefined && event.node === NODE) this.#noteGone(key, event)
    if (this.#due.has(key) || this.#host.isBeingDeleted(account.local)) return
    this.#due.add(key)
    const follow = async () => {
      this.#due.delete(key)
      if (this.#settled.get(key) === undefined) await this.#takeOver(account)
      else await this.#follow(account)
    }
    this.#inTurn(account, follow).catch(onFailure)
  }

  /** The copy of an account's bookmarks may be out of step with them: it is looked at when they are asked for next. */
  doubt(account: Jid): void {
    this.#settled.delete(account.toString())
  }

  /** Forgets an account that is being deleted, once all that was to be done is done. */
  forget(account: Jid): Promise<void> {
    const key = account.toString()
    return this.#queue.run(key, async () => {
      this.#settled.delete(key)
      this.#gone.delete(key)
      await this.#choices.forget(key)
      await this.#settledOnDisk.remove(key)
    })
  }

  idle(): Promise<void> {
    return this.#queue.idle()
  }

  /**
   * Brings together what was in separate places before this module kept it; after that the copy only follows, also when a
   * server that was killed left it out of step. What is at the node of XEP-0402 stays as it is there.
   */
  async #takeOver(account: Jid): Promise<void> {
    const key = account.toString()
    if (this.#settled.get(key) !== undefined || this.#host.isBeingDeleted(account.local)) return
    const [stored, isOnDisk] = await Promise.all([this.#stored.find(account, KEY), this.#settledOnDisk.has(key)])
    // What is stored although nothing was left there was written while this module was away, as the copy may have been.
    if (isOnDisk && stored === undefined) await this.#follow(account)
    else await this.#bringTogether(account, stored)
    if (!isOnDisk) await this.#settledOnDisk.add(key)
    this.#settled.set(key, true)
    this.#gone.delete(key)
  }

  async #bringTogether(account: Jid, stored: Element | undefined): Promise<void> {
    const state = await this.#read(account)
    const forms = [this.#formOf(state.copy), new OldForm(stored, this.#limits.maxSize)]
    const gone = this.#gone.get(account.toString())
    const added = new Map<string, Element>()
    for (const form of forms)
      for (const [room, entry] of form.entries(state.rooms)) {
        if (state.rooms.has(room) || added.has(room) || gone === 'all' || gone?.has(room)) continue
        if (state.isPart && (await this.#room(account, room)) !== undefined) continue
        added.set(room, merged(undefined, entry)!)
      }
    await this.#makeRoom(account, state.rooms.size + added.size)
    await this.#publish(account, added)
    await this.#follow(account, forms[1]!.others(state.rooms))
    if (stored !== undefined) await this.#stored.remove(account, KEY)
  }

  #noteGone(key: string, event: Pick<NodeEvent, 'kind'> & { readonly ids?: readonly string[] }): void {
    const before = this.#gone.get(key)
    if (event.kind === 'purged' || event.kind === 'deleted') this.#gone.set(key, 'all')
    else if (event.ids !== undefined && before !== 'all')
      this.#gone.set(key, new Set([...(before ?? []), ...event.ids]))
  }

  /** Makes the copy anew where it is not what it should be; `more` is to be in it as well. */
  async #follow(account: Jid, more: readonly Element[] = []): Promise<void> {
    const { rooms, copy } = await this.#read(account)
    const form = this.#formOf(copy).with(rooms, more)
    for (const node of [NODE, NS_STORAGE]) await this.#pep.configure(account, node, ownConfig)
    const isSettled = this.#settled.get(account.toString()) !== undefined
    if (!isNews(form, copy) && isSettled) return
    await this.#choices.follow(account.toString(), form, isSettled ? elementOf(copy) : undefined)
    if (!isNews(form, copy)) return
    try {
      await this.#keep(account, form, copy)
    } catch (error) {
      // Such as an account that may have no more nodes: its bookmarks are where they were.
      if (!(error instanceof StanzaError)) throw error
    }
  }

  /** Publishes the copy, for what did not come by its node. A deleted account stays without. */
  async #keep(account: Jid, form: Element, before: Copy | undefined): Promise<void> {
    if (this.#host.isBeingDeleted(account.local)) return
    await this.#pep.publish(account, NS_STORAGE, [{ id: before?.id ?? 'current', payload: form }], ownConfig)
  }

  #formOf(copy: Copy | undefined): OldForm {
    const storage = elementOf(copy)
    return new OldForm(storage?.is('storage', NS_STORAGE) ? storage : undefined, this.#limits.maxSize)
  }

  async #read(account: Jid): Promise<State> {
    const { maxBookmarks, maxPayload } = this.#limits
    const [items, [copy]] = await Promise.all([
      this.#pep.items(account, NODE, maxBookmarks + 1),
      this.#pep.items(account, NS_STORAGE, 1),
    ])
    const newest = items.slice(-maxBookmarks).reverse()
    const rooms: [string, Element][] = []
    let left = maxPayload === 0 ? Number.POSITIVE_INFINITY : maxPayload - this.#bytesOfOthers(copy)
    for (const { id, payload } of newest) {
      // What the older form adds: the address.
      left -= Buffer.byteLength(payload) + Buffer.byteLength(id)
      if (left < 0) break
      const conference = elementOf({ payload })
      if (conference?.is('conference', NODE)) rooms.push([id, conference])
    }
    return { rooms: new Map(rooms.reverse()), isPart: left < 0 || items.length > maxBookmarks, copy }
  }

  #bytesOfOthers(copy: Copy | undefined): number {
    const others = this.#formOf(copy).others(new Map())
    return others.reduce((bytes, other) => bytes + Buffer.byteLength(serialize(other)), 200)
  }

  async #room(account: Jid, room: string): Promise<Element | undefined> {
    const item = await this.#pep.item(account, NODE, room)
    return elementOf(item)
  }

  /** Has the node of XEP-0402 hold so many, and be nobody else’s, before something is copied there (XEP-0411 §5). */
  async #makeRoom(account: Jid, count: number): Promise<void> {
    const settings = await this.#pep.settings(account, NODE)
    if (settings === undefined) return
    const isSmall = settings.maxItems < count
    await this.#pep.configure(account, NODE, { ...ownConfig, ...(isSmall && { max_items: 'max' }) })
  }

  async #publish(account: Jid, rooms: Rooms): Promise<void> {
    for (const [id, payload] of rooms)
      if (!this.#host.isBeingDeleted(account.local)) await this.#pep.publish(account, NODE, [{ id, payload }])
  }
}

/** Whether a copy is another than before; one without anything in it need not be made. */
function isNews(form: Element, before: Copy | undefined): boolean {
  return before === undefined ? form.children.length > 0 : serialize(form) !== before.payload
}

/** What an item holds; from before this module looked, that may be nothing. */
function elementOf(item: Pick<Copy, 'payload'> | undefined): Element | undefined {
  return item === undefined || item.payload === '' ? undefined : parseDocument(item.payload)
}
