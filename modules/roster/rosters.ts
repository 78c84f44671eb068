import {
  type Clock,
  defineSlot,
  type Element,
  type Host,
  type Jid,
  KeyedQueue,
  Lru,
  randomId,
  type Session,
  StanzaError,
  type User,
  Wire,
  xml,
} from '#api'
import { rosterItemChanged, rosterItemRemoved, sharedContacts } from './hooks.ts'
import {
  isVoid,
  itemElement,
  looksLike,
  NS_ROSTER,
  type RosterItem,
  removedElement,
  type SharedItem,
  unknownItem,
  withShared,
} from './item.ts'
import { RememberedRosters } from './remembered.ts'
import { Roster, type RosterSize, type RosterVersion, unversioned } from './roster.ts'
import type { FoundItem, RosterStore } from './store.ts'

/** The roster of an online user; `undefined` until it is loaded. */
const rosterSlot = defineSlot<Roster | undefined>('roster/roster', () => undefined)

/** What contacts and accounts that do not exist would be to each other: so many are remembered. */
const IMAGINED = 10_000
/** Rows of nobody's roster after which they are removed. */
const NOBODYS = 1000

/** A session that has asked for the roster; `waiting` holds pushes until its answer is out. */
interface Interest {
  waiting: Wire[] | null
}
const interestSlot = defineSlot<Interest | undefined>('roster/interest', () => undefined, {
  write: () => true,
  read: () => ({ waiting: null }),
})

/**
 * Decides what becomes of an item; the same object back changes nothing. An item that is worth nothing is removed from
 * the store. It may throw {@link StanzaError} to refuse.
 */
export type RosterEdit = (was: RosterItem, size: RosterSize) => RosterItem

/**
 * The rosters of one host's accounts: resident for those online, remembered for some who have left, in the store for all.
 *
 * Loads, changes and pushes of one roster go through one queue, rows first: what a client was told is on disk, and
 * pushes come in the order of the versions they bring. It holds one job for each change that is under way.
 */
export class Rosters {
  readonly #host: Host
  readonly #store: RosterStore
  readonly #clock: Clock
  readonly #queue = new KeyedQueue()
  /** What would be kept for accounts that do not exist, by account and contact. */
  readonly #imagined = new Lru<string, RosterItem>(IMAGINED)
  /** Rows of nobody's roster, at most. */
  #nobodys = 0
  /** The last job of each account that has one. */
  readonly #last = new Map<string, Promise<unknown>>()
  /** Of accounts whose roster nothing changes: whoever does has it forgotten. */
  readonly #remembered: RememberedRosters
  /** Rosters of which it is not known whether the last change is on disk. */
  readonly #doubtful = new WeakSet<Roster>()

  /** `remembered` is how many contacts are remembered of accounts that have left. */
  constructor(host: Host, store: RosterStore, clock: Clock, remembered = 0) {
    this.#host = host
    this.#store = store
    this.#clock = clock
    this.#remembered = new RememberedRosters(remembered)
  }

  /** Makes the roster of a user resident: one that is remembered costs no query. */
  async load(user: User): Promise<void> {
    await this.#run(user.jid, async () =>
      user.slots.set(rosterSlot, this.#recall(user.jid) ?? (await this.#read(user.jid))),
    )
  }

  /** Remembers the roster of a user who leaves. */
  release(user: User): void {
    const roster = this.of(user)
    if (roster !== undefined && !user.deleted && !this.#doubtful.has(roster))
      this.#remembered.put(user.jid.toString(), roster)
  }

  /** The roster of an online user; `undefined` for a moment while the first session is being bound. */
  of(user: User): Roster | undefined {
    return user.slots.get(rosterSlot)
  }

  /** What an account keeps of a contact: at once for an account that is online, else after one query. */
  item(account: Jid, contact: Jid): RosterItem | undefined | Promise<RosterItem | undefined> {
    const resident = this.#resident(account)
    if (resident !== undefined) return resident.get(contact)
    return this.#store
      .find(account.bare.toString(), contact.bare.toString())
      .then(({ item }) => withShared(item, this.shared(account, contact)))
  }

  /** Takes as long as {@link item} for an account that is not online: for an answer that must not come sooner. */
  async takeTime(account: Jid, contact: Jid): Promise<void> {
    await this.#store.find(account.bare.toString(), contact.bare.toString())
  }

  /** What some accounts of this host keep of a contact, by bare JID: those that are not online cost few queries together. */
  async items(accounts: readonly Jid[], contact: Jid): Promise<ReadonlyMap<string, RosterItem | undefined>> {
    const items = new Map<string, RosterItem | undefined>()
    const away: Jid[] = []
    for (const account of accounts) {
      const resident = this.#resident(account)
      if (resident === undefined) away.push(account)
      else items.set(account.toString(), resident.get(contact))
    }
    if (away.length === 0) return items
    const found = await this.#store.findAll(away.map(String), contact.bare.toString())
    for (const account of away)
      items.set(account.toString(), withShared(found.get(account.toString()), this.shared(account, contact)))
    return items
  }

  /** What an account has of a contact without having put it into its roster. */
  shared(account: Jid, contact: Jid): SharedItem | undefined {
    return this.#host.hooks.ask(sharedContacts, account.bare)?.of(contact.bare)
  }

  /** The roster of an account as a client sees it that knows of no versions. */
  async list(account: Jid): Promise<Element> {
    return queryOf(await this.whole(account))
  }

  /** Tells the clients of an account what a contact is to it now that something has changed in what it shares. */
  announceShared(account: Jid, contact: Jid): void {
    this.#tell(account, contact)
  }

  /** The sessions of an account that have asked for its roster ("interested resources"). */
  *interested(account: Jid): Generator<Session> {
    for (const session of this.#host.user(account)?.sessions.values() ?? [])
      if (session.slots.get(interestSlot) !== undefined) yield session
  }

  /** The whole roster of an account: at once for one that is online, else after one query. */
  whole(account: Jid): Roster | Promise<Roster> {
    const user = this.#host.user(account)
    return (user && this.of(user)) ?? this.#read(account.bare)
  }

  /**
   * Answers a session's request for its roster, and counts it as interested from now on. The payload is the whole roster,
   * or nothing when pushes tell all that is new since `known` (RFC 6121 §2.6); these follow the answer.
   */
  open(session: Session, known: string | undefined): Element | undefined {
    const roster = session.user.slots.get(rosterSlot)!
    const missed = known === undefined ? undefined : roster.since(known)
    const interest: Interest = { waiting: (missed ?? []).map(({ item, ver }) => pushOf(itemElement(item), ver)) }
    session.slots.set(interestSlot, interest)
    queueMicrotask(() => {
      for (const push of interest.waiting!) session.sendHere(push)
      interest.waiting = null
    })
    if (missed !== undefined) return undefined
    // RFC 6121 §2.6.2: the version goes only to clients that said they know what to do with it.
    return queryOf(roster, known === undefined ? undefined : roster.ver)
  }

  /**
   * Changes what an account keeps of a contact, and tells clients when there is something for them to see. `announce`
   * runs when the change is on disk and before the push. An account that does not exist keeps nothing, without a word, and
   * in the same time.
   * Rejects with what `edit` throws, or when the store fails.
   */
  async change(account: Jid, contact: Jid, edit: RosterEdit, announce?: (now: RosterItem) => void): Promise<void> {
    await this.#change(account, async () => {
      const found = await this.#find(account, contact)
      // RFC 6121 §8.5.1: nothing is kept for nobody. In here, so that an account deleted meanwhile leaves nothing behind.
      if (found.item === undefined && !(await this.#isThere(account)))
        return await this.#imagine(account, contact, edit)
      const was = found.item ?? unknownItem(contact)
      const edited = edit(was, found.size)
      if (edited === was) return
      const isSeen = edited.listed && !looksLike(was, edited)
      const at = isSeen ? this.#next(found.at) : this.#begun(found.at)
      const now = isSeen ? { ...edited, version: at.version } : edited
      if (isVoid(now)) await this.#store.remove(account.toString(), contact.toString(), at)
      else await this.#store.put(account.toString(), now, at)
      const roster = this.#resident(account)
      if (isVoid(now)) roster?.delete(contact, at)
      else roster?.put(now, at)
      announce?.(now)
      if (isSeen) this.#tell(account, contact)
      this.#host.hooks.notify(rosterItemChanged, { account, was: found.item, now })
    })
  }

  /** Removes an item that clients see, and tells them; false when there is none (RFC 6121 §2.5). */
  async remove(account: Jid, contact: Jid): Promise<boolean> {
    return await this.#change(account, async () => {
      const { item, at: before } = await this.#find(account, contact)
      // Nobody takes out what the admin has put in.
      if (this.shared(account, contact)?.listed === true)
        throw new StanzaError('not-allowed', 'This contact is in the roster by the word of the admin.')
      if (item === undefined || !item.listed) return false
      const { version } = this.#next(before)
      const at = { version, floor: version }
      await this.#store.remove(account.toString(), contact.toString(), at)
      this.#resident(account)?.delete(contact, at)
      this.#tell(account, contact)
      this.#host.hooks.notify(rosterItemRemoved, { account, was: item })
      return true
    })
  }

  /** Removes an account's whole roster, and tells who listens of each item. */
  async forget(account: Jid): Promise<void> {
    await this.#change(account, async () => {
      const roster = await this.#store.load(account.toString())
      await this.#store.clear(account.toString())
      this.#resident(account)?.clear()
      for (const was of roster.items) this.#host.hooks.notify(rosterItemRemoved, { account, was })
    })
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  /** The end of all that is under way for an account's roster; `undefined` when nothing is. Never rejects. */
  changing(account: Jid): Promise<unknown> | undefined {
    return this.#last.get(account.toString())
  }

  #run<T>(account: Jid, work: () => Promise<T>): Promise<T> {
    const key = account.toString()
    const job = this.#queue.run(key, work)
    const forget = (): void => {
      if (this.#last.get(key) === end) this.#last.delete(key)
    }
    const end: Promise<void> = job.then(forget, forget)
    this.#last.set(key, end)
    return job
  }

  /** Like `#run`, for work that changes rows. */
  #change<T>(account: Jid, work: () => Promise<T>): Promise<T> {
    return this.#run(account, async () => {
      try {
        return await work()
      } catch (error) {
        const roster = this.#resident(account)
        if (roster !== undefined) this.#doubtful.add(roster)
        throw error
      } finally {
        // Also when the account left meanwhile, with a roster that the change has not come to.
        this.#remembered.take(account.toString())
      }
    })
  }

  #resident(account: Jid): Roster | undefined {
    return this.#host.user(account)?.slots.get(rosterSlot)
  }

  /** Writes to nobody's roster what {@link change} would write to that of an account, so that it takes as long. */
  async #imagine(account: Jid, contact: Jid, edit: RosterEdit): Promise<void> {
    const key = `${account}\n${contact}`
    const was = this.#imagined.get(key) ?? unknownItem(contact)
    const now = edit(was, { listed: 0, requests: 0 })
    if (now === was) return
    const nobody = this.#host.nobody.toString()
    const at = this.#begun(unversioned)
    if (isVoid(now)) {
      this.#imagined.delete(key)
      await this.#store.remove(nobody, contact.toString(), at)
    } else {
      this.#imagined.set(key, now)
      await this.#store.put(nobody, { ...now, request: null }, at)
      if (++this.#nobodys % NOBODYS === 0) await this.#store.clear(nobody)
    }
  }

  /** Whether there is such an account; whoever is online is there. */
  async #isThere(account: Jid): Promise<boolean> {
    return this.#host.user(account) !== undefined || (await this.#host.accounts.exists(account.local))
  }

  async #find(account: Jid, contact: Jid): Promise<FoundItem> {
    const roster = this.#resident(account)
    if (roster !== undefined) return { at: roster.at, size: roster.size, item: roster.ownOf(contact) }
    return await this.#store.find(account.toString(), contact.toString())
  }

  #next(at: RosterVersion): RosterVersion {
    const { version, floor } = this.#begun(at)
    return { version: version + 1, floor }
  }

  /** Versions begin at the time of the first change, so that those of a deleted account of the same name are not known. */
  #begun(at: RosterVersion): RosterVersion {
    if (at.version > 0) return at
    const now = this.#clock.now()
    return { version: now, floor: now }
  }

  #read(account: Jid): Promise<Roster> {
    return this.#store.load(account.toString(), this.#host.hooks.ask(sharedContacts, account))
  }

  #recall(account: Jid): Roster | undefined {
    const known = this.#remembered.take(account.toString())
    return known && new Roster(known.at, known.items, this.#host.hooks.ask(sharedContacts, account))
  }

  /** Pushes what there is of a contact now. */
  #tell(account: Jid, contact: Jid): void {
    const roster = this.#resident(account)
    if (roster === undefined) return
    const item = roster.get(contact)
    const push = pushOf(item?.listed === true ? itemElement(item) : removedElement(contact), roster.ver)
    for (const session of this.interested(account)) {
      const { waiting } = session.slots.get(interestSlot)!
      if (waiting === null) session.sendHere(push)
      else waiting.push(push)
    }
  }
}

/** All of a roster that clients see. */
function queryOf(roster: Roster, ver?: string): Element {
  const query = xml('query', { xmlns: NS_ROSTER, ver })
  for (const item of roster.listed()) query.append(itemElement(item))
  return query
}

/** A roster push (RFC 6121 §2.1.6): without `from`, it can only be the account's own server's. */
function pushOf(item: Element, ver: string): Wire {
  const query = xml('query', { xmlns: NS_ROSTER, ver }, item)
  return Wire.of(xml('iq', { type: 'set', id: randomId() }, query))
}
