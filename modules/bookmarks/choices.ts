import { type Database, type Element, type Host, serverWide } from '#api'
import { choicesIn, type NotifyChoice } from './choice.ts'
import { choiceChanged } from './hooks.ts'
import { ChoiceStore } from './store.ts'

/** The hosts of each server. */
const hostsOf = serverWide(() => new Set<Host>())

/** What the bookmarks of accounts say of what they want to be told (XEP-0492), for the rooms to know. */
export class Choices {
  readonly #store: ChoiceStore
  /** The hosts of the server: a room may be on another one. */
  readonly #hosts: Set<Host>
  readonly #host: Host

  constructor(db: Database, host: Host) {
    this.#store = new ChoiceStore(db)
    this.#hosts = hostsOf(db).add(host)
    this.#host = host
  }

  /** Of a room, by account. */
  forRoom(room: string): Promise<ReadonlyMap<string, NotifyChoice>> {
    return this.#store.forRoom(room)
  }

  /** The bookmarks of an account are these now; `before` is what they were, where that is certain. */
  async follow(account: string, now: Element, before: Element | undefined): Promise<void> {
    const kept = before === undefined ? await this.#store.of(account) : choicesIn(before)
    const chosen = choicesIn(now)
    const changes = new Map<string, NotifyChoice | undefined>()
    for (const room of new Set([...kept.keys(), ...chosen.keys()]))
      if (kept.get(room) !== chosen.get(room)) changes.set(room, chosen.get(room))
    if (changes.size === 0) return
    await this.#store.save(account, changes)
    for (const room of changes.keys())
      for (const host of this.#hosts) host.hooks.notify(choiceChanged, { account, room })
  }

  forget(account: string): Promise<void> {
    return this.#store.clear(account)
  }

  stop(): void {
    this.#hosts.delete(this.#host)
  }
}
