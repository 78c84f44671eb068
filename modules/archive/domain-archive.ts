import { type Clock, type Context, type Element, KeyedQueue, StanzaError } from '#api'
import type { Asker, View } from './asker.ts'
import { archiveRuns, type CommandRun } from './commands.ts'
import { eraseArchive } from './erasure.ts'
import { firstIdAt, unknownId } from './ids.ts'
import type { ArchivedMessage, KeptMessage } from './message.ts'
import { defaultPreferences, type Preferences, readPreferences } from './preferences.ts'
import { type ArchiveQuery, NS_FULLTEXT, NS_MAM, queryForm, readQuery } from './query.ts'
import { ArchiveReader } from './reader.ts'
import { refusalOf } from './refusal.ts'
import { Retention } from './retention.ts'
import type { SettingsStore } from './settings-store.ts'
import type { SharedArchive } from './shared-archive.ts'
import type { ArchiveStore } from './store.ts'

/** Messages read at a time for `newest`, and how many are looked through for those that are wanted. */
const LOT = 100
const MAX_LOOKED = 1000
/** Characters of stanzas past which `newest` ends early. */
const MAX_CHARACTERS = 1 << 22

/** How much a domain keeps in each of its archives, and what bounds requests; see the module's options of these names. */
export interface DomainSettings {
  /** In ms; 0 is for ever. */
  readonly retention: number
  /** 0 is no limit. */
  readonly maxMessages: number
  readonly maxPage: number
  readonly maxPreferences: number
  /** In ms; 0 is as long as it takes. */
  readonly searchPatience: number
}

/** What somebody may see of an archive. */
export interface Sight {
  /** How a stored stanza is shown; as it is unless given. */
  readonly view?: View
  /**
   * Whether the asker may know which messages are of `sender`, a bare JID (XEP-0313 §4.1.1); anybody's unless given.
   */
  readonly knows?: (sender: string) => boolean
  /** Nothing from before this moment is there, ms since the epoch. */
  readonly sinceMs?: number
}

/** Which of the newest messages are wanted. */
export interface Newest {
  readonly max: number
  /** Only from this moment on, ms since the epoch. */
  readonly sinceMs?: number
  /** Leaves out those for which it says no; at most 1,000 messages are looked through. */
  readonly wants?: (message: KeptMessage) => boolean
}

/** What an archive of a domain is made with. */
export interface DomainParts {
  readonly domain: string
  readonly store: ArchiveStore
  readonly shared: SharedArchive
  readonly accounts: SettingsStore
  readonly kv: Context['kv']
  readonly settings: DomainSettings
  readonly clock: Clock
  readonly log: Context['log']
}

/**
 * The archives of a domain whose addresses are no accounts, such as a service with rooms. Owners are prepared bare JIDs of
 * it. Who may read one, and what belongs into it, is for the caller to say.
 */
export class DomainArchive {
  /** What an address with an archive announces in service discovery. */
  readonly features: readonly string[] = [NS_MAM, `${NS_MAM}#extended`, NS_FULLTEXT]
  readonly #parts: DomainParts
  readonly #reader: ArchiveReader
  readonly #retention: Retention
  /** One query of an asker at a time. */
  readonly #queries = new KeyedQueue()

  constructor(parts: DomainParts) {
    this.#parts = parts
    const { store, shared, settings } = parts
    this.#reader = new ArchiveReader(store, (owner) => shared.indexing.ready(owner, settings.searchPatience))
    this.#retention = new Retention(parts)
  }

  /** Begins to remove what is too old or too much, now and then, until `stop`. */
  start(): void {
    this.#retention.start()
  }

  /** Settles when nothing is under way any more. */
  async stop(): Promise<void> {
    await this.#retention.stop()
    await this.#queries.idle()
  }

  /** The id of the next message: greater than that of any before, on all hosts, and its time in microseconds. */
  nextId(): number {
    return this.#parts.shared.ids.next()
  }

  /**
   * Resolves once the message is on disk, in the order of calls; many share a commit, with those of accounts, too.
   *
   * @throws StanzaError `internal-server-error` (wait) when the database is away or too much waits for it.
   */
  append(message: ArchivedMessage): Promise<void> {
    return this.#parts.shared.append(message).catch((error) => {
      throw refusalOf(error)
    })
  }

  /** Settles when what was appended so far is on disk, or has failed. */
  async settled(): Promise<void> {
    await this.#parts.shared.settled()
  }

  /**
   * Sends the messages that somebody asks an archive for with `query`, in order, and resolves with the `<fin/>` that ends
   * them (XEP-0313 §4). Queries of one asker wait for one another.
   *
   * @throws StanzaError also `forbidden` for a sender of whom the asker may not know, and `feature-not-implemented` for a
   * sender named by an address in the room.
   */
  async answer(owner: string, asker: Asker, query: Element, sight: Sight = {}): Promise<Element> {
    // XEP-0313 §3.3: nodes are those of other archives, such as XEP-0060's.
    if (query.attrs['node'] !== undefined) throw new StanzaError('item-not-found', 'The archive has no nodes.')
    const asked = readQuery(query, this.#parts.settings.maxPage)
    const { peer } = asked.filter
    if (peer === owner)
      throw new StanzaError(
        'feature-not-implemented',
        'Name who wrote the messages by the address outside of the room.',
      )
    // XEP-0313 §4.1.1: "only be available to entities that would already have been allowed to know the publisher".
    if (peer !== undefined && sight.knows?.(peer) === false)
      throw new StanzaError('forbidden', 'You may not know who wrote what.')
    const bounded = since(asked, floorOf(sight.sinceMs))
    return await this.#queries.run(asker.address, () => this.#reader.answer(owner, asker, bounded, sight.view))
  }

  /** The fields that a query can have (XEP-0313 §4.1.5). */
  form(): Element {
    return queryForm(true)
  }

  /** The ends of an archive (XEP-0313 §5). */
  async metadata(owner: string, { sinceMs }: Pick<Sight, 'sinceMs'> = {}): Promise<Element> {
    return await this.#reader.metadata(owner, floorOf(sinceMs))
  }

  /** The newest messages of an archive, oldest first; fewer when they are long. */
  async newest(owner: string, { max, sinceMs, wants }: Newest): Promise<KeptMessage[]> {
    const { store } = this.#parts
    const found: KeptMessage[] = []
    let characters = 0
    let before = Number.MAX_SAFE_INTEGER
    for (let looked = 0; found.length < max && looked < MAX_LOOKED; ) {
      const limit = Math.min(LOT, wants === undefined ? max - found.length : MAX_LOOKED - looked)
      const page = await store.page(owner, { fromId: floorOf(sinceMs) }, { limit, last: true, before })
      for (const message of page.messages.toReversed()) {
        if (found.length === max) break
        if (wants?.(message) === false) continue
        characters += message.stanza.length
        if (characters > MAX_CHARACTERS) return found.reverse()
        found.push(message)
      }
      if (page.complete) break
      if (wants !== undefined) looked += page.messages.length
      before = page.messages[0]!.id
    }
    return found.reverse()
  }

  /** A message of an archive, by its id. */
  async find(owner: string, id: number): Promise<KeptMessage | undefined> {
    return (await this.#parts.store.get(owner, [id]))[0]
  }

  /** Puts another stanza in the place of one; it is found by no words any more. False when it is not there. */
  async replace(id: number, stanza: string): Promise<boolean> {
    return await this.#parts.store.replace(id, stanza)
  }

  /** What is to be kept in an archive (XEP-0441 §2); everything until somebody says otherwise. */
  async preferences(owner: string): Promise<Preferences> {
    return (await this.#parts.accounts.find(owner)).preferences ?? defaultPreferences
  }

  /**
   * Sets from `<prefs/>` what is to be kept in an archive, and resolves with it.
   *
   * @throws StanzaError `bad-request`, `jid-malformed` or `policy-violation`.
   */
  async setPreferences(owner: string, prefs: Element): Promise<Preferences> {
    const preferences = readPreferences(prefs, this.#parts.settings.maxPreferences)
    await this.#parts.accounts.setPreferences(owner, preferences)
    return preferences
  }

  /**
   * Removes what was appended to an archive so far, in bounded lots with others' turns in between, and what was said of it;
   * resolves with the number of messages. What is appended meanwhile stays.
   */
  async erase(owner: string): Promise<number> {
    const { store, shared, accounts } = this.#parts
    const end = shared.ids.next()
    await shared.settled()
    const removed = await eraseArchive(store, owner, end)
    await accounts.forget(owner)
    return removed
  }

  /** The work of the commands `archive …` for this domain, by name; `exists` is asked for a local part. */
  commands(exists: (local: string) => Promise<boolean>): Record<string, CommandRun> {
    const { domain, store, accounts, settings } = this.#parts
    return archiveRuns({ kind: 'room', domain, store, accounts, retention: settings.retention, exists })
  }
}

/** Makes the archives of domains, each of which goes on until the module stops. */
export function domainArchives(parts: Omit<DomainParts, 'domain'>, { onStop }: Pick<Context, 'onStop'>) {
  const domains = new Set<string>()
  return {
    forDomain(domain: string, settings: Partial<DomainSettings> = {}): DomainArchive {
      if (domains.has(domain)) throw new Error(`${domain} has its archives already`)
      domains.add(domain)
      const archive = new DomainArchive({ ...parts, domain, settings: { ...parts.settings, ...settings } })
      archive.start()
      onStop(() => archive.stop())
      return archive
    },
  }
}

function floorOf(sinceMs: number | undefined): number {
  return sinceMs === undefined ? 0 : firstIdAt(sinceMs)
}

/** The query without what is before `floor`: it is as if that had never been there. */
function since(query: ArchiveQuery, floor: number): ArchiveQuery {
  if (floor === 0) return query
  if ([...query.named, ...(query.ids ?? [])].some((id) => id < floor)) throw unknownId()
  return { ...query, filter: { ...query.filter, fromId: Math.max(query.filter.fromId ?? 0, floor) } }
}
