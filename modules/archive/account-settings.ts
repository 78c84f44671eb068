import {
  asJson,
  type Clock,
  type Context,
  defineSlot,
  type Host,
  type Jid,
  KeyedQueue,
  Lru,
  type Session,
  type User,
} from '#api'
import { defaultPreferences, type Preferences } from './preferences.ts'
import type { SettingsStore } from './settings-store.ts'

/** Accounts that are not online whose settings are remembered; the others cost a query a message. */
const REMEMBERED = 10_000
/** For how long they are believed, in ms: another node may change them. */
const BELIEVED_MS = 60_000
/** Resources of an account that are known to read the archive; past it the one longest ago is forgotten. */
const MAX_READERS = 20

/** What is resident of an account. */
export interface Settings {
  preferences: Preferences
  /** Resources whose clients read the archive, the one longest ago first, and when they did, ms since the epoch. */
  readonly readers: Map<string, number>
}

const settingsSlot = defineSlot<Settings | undefined>('archive/settings', () => undefined)
/** Whether the session's client has asked its archive for something. */
const readsSlot = defineSlot('archive/reads', () => false, asJson)

/**
 * What the accounts of a host say of their archives: resident for those online, remembered for a bounded number of others.
 *
 * Loads and changes of one account go through one queue, rows first.
 */
export class AccountSettings {
  readonly #host: Host
  readonly #store: SettingsStore
  readonly #clock: Clock
  readonly #log: Context['log']
  readonly #queue = new KeyedQueue()
  readonly #offline = new Lru<string, { readonly settings: Settings; readonly untilMs: number }>(REMEMBERED)

  constructor(host: Host, store: SettingsStore, clock: Clock, log: Context['log']) {
    this.#host = host
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /** Makes the settings of a user resident: what is remembered costs no query. */
  async load(user: User): Promise<void> {
    const account = user.jid.toString()
    await this.#queue.run(account, async () => {
      user.slots.set(settingsSlot, this.#known(user.jid) ?? (await this.#read(account)))
      this.#offline.delete(account)
    })
  }

  /** Remembers the settings of a user who leaves. */
  release(user: User): void {
    const settings = user.slots.get(settingsSlot)
    if (settings !== undefined && !user.deleted) this.#remember(user.jid.toString(), settings)
  }

  /** The settings of an account: at once when they are in memory. Undefined when there is no such account. */
  of(account: Jid): Settings | Promise<Settings | undefined> {
    return this.#known(account) ?? this.#queue.run(account.toString(), () => this.#fetch(account))
  }

  /** Sets the preferences of an account that exists. */
  async setPreferences(account: Jid, preferences: Preferences): Promise<void> {
    await this.#queue.run(account.toString(), async () => {
      await this.#store.setPreferences(account.toString(), preferences)
      const known = this.#known(account)
      if (known !== undefined) known.preferences = preferences
    })
  }

  /** The client of a session asks its archive: what is stored in it needs not be delivered to that client. */
  noteReader(session: Session): void {
    if (session.slots.get(readsSlot)) return
    session.slots.set(readsSlot, true)
    const account = session.user.jid.toString()
    const { resource } = session.jid
    this.#inBackground(account, async () => {
      await this.#store.putReader(account, resource, this.#clock.now())
      const readers = this.#known(session.user.jid)?.readers
      if (readers === undefined) return
      readers.delete(resource)
      readers.set(resource, this.#clock.now())
      const surplus = [...readers.keys()].slice(0, Math.max(0, readers.size - MAX_READERS))
      if (surplus.length === 0) return
      await this.#store.removeReaders(account, surplus)
      for (const old of surplus) readers.delete(old)
    })
  }

  /** A session is over: when its client never asked, the next one of that name is not taken for a reader any more. */
  noteEnd(session: Session): void {
    const account = session.user.jid.toString()
    const { resource } = session.jid
    const readers = session.user.slots.get(settingsSlot)?.readers
    if (session.slots.get(readsSlot) || session.user.deleted || readers?.delete(resource) !== true) return
    this.#inBackground(account, () => this.#store.removeReaders(account, [resource]))
  }

  /** Notes that the client of a session was told where its archive ends, and so reads on from what it knows (XEP-0386). */
  noteTold(session: Session): void {
    session.slots.set(readsSlot, true)
  }

  /** Whether the client of a session reads the archive: it has asked, or the client of that name did in its last session. */
  isReader(session: Session): boolean {
    return (
      session.slots.get(readsSlot) || session.user.slots.get(settingsSlot)?.readers.has(session.jid.resource) === true
    )
  }

  /** Forgets all that an account has said. */
  async forget(account: Jid): Promise<void> {
    await this.#queue.run(account.toString(), async () => {
      await this.#store.forget(account.toString())
      this.#offline.delete(account.toString())
    })
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  #inBackground(account: string, work: () => Promise<void>): void {
    this.#queue.run(account, work).catch((error) => {
      this.#log.warn({ err: error, account }, 'it could not be noted whether a client reads the archive')
    })
  }

  async #fetch(account: Jid): Promise<Settings | undefined> {
    const known = this.#known(account)
    if (known !== undefined) return known
    if (!(await this.#host.accounts.exists(account.local))) return undefined
    const settings = await this.#read(account.toString())
    const user = this.#host.user(account)
    if (user === undefined) this.#remember(account.toString(), settings)
    return settings
  }

  #known(account: Jid): Settings | undefined {
    const user = this.#host.user(account)
    const resident = user?.slots.get(settingsSlot)
    if (resident !== undefined) return resident
    const remembered = this.#offline.get(account.toString())
    return remembered !== undefined && remembered.untilMs > this.#clock.now() ? remembered.settings : undefined
  }

  #remember(account: string, settings: Settings): void {
    this.#offline.set(account, { settings, untilMs: this.#clock.now() + BELIEVED_MS })
  }

  async #read(account: string): Promise<Settings> {
    const { preferences, readers } = await this.#store.find(account)
    return { preferences: preferences ?? defaultPreferences, readers }
  }
}
