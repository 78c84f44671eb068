import { defineSlot, type Jid, type Session, type StanzaEvent, xml } from '#api'
import type { Belonging } from '../away-store.ts'
import type { RoomAspect, Speech } from '../hooks.ts'
import type { Seat } from '../occupant.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'

const NS_RAI = 'urn:xmpp:rai:0'
/** How often the time of what was said last in a room is written, in ms; it is known in memory meanwhile. */
const TOUCH_EVERY_MS = 60_000
/** Visits in one commit, and those that may wait for one: past it a visit is not noted. */
const VISITS = 200
const WAITING_VISITS = 20_000

/** When something was last said in a room in memory, and what of it is on disk; ms since the epoch, 0 for never. */
const spoken = defineSlot<{ ms: number; savedMs: number }>('muc/spoken', () => ({ ms: 0, savedMs: 0 }))

/** A client that wants to hear of the rooms its account belongs to, where it is not in them. */
interface Watcher {
  readonly session: Session
  readonly account: Jid
}

/** Tells clients in which of their rooms something was said since they were there (XEP-0437). */
export function activity(service: RoomService): RoomAspect {
  const { store, clock, log } = service
  const watchers = new Watchers(service)
  const visits = store.away.visits({ maxItems: VISITS, maxWaiting: WAITING_VISITS, retryMs: 0, clock })
  const warn = (what: string) => (err: unknown) => log.warn({ err }, what)

  /** Writes when something was said last, now and then; all of it when the room is left. */
  function touch(room: Room, isLast: boolean): void {
    const last = room.slots.get(spoken)
    if (last.ms === last.savedMs || room.record === undefined) return
    if (!isLast && last.ms - last.savedMs < TOUCH_EVERY_MS) return
    last.savedMs = last.ms
    store.touch(room.record.id, last.ms).catch((err) => {
      // Temporary rooms end when they are left.
      if (room.record !== undefined) warn('the activity of a room was not noted')(err)
    })
  }

  return {
    name: 'activity',
    serviceFeatures: [NS_RAI],
    forbidden: [`rai ${NS_RAI}`],
    async servicePresence(event) {
      if (event.type === 'unavailable' || event.type === 'error') return watchers.forget(event.from)
      if (event.type !== '' || event.stanza.getChild('rai', NS_RAI) === undefined) return
      // What is on its way to the database is what the question is about.
      await visits.idle()
      await watchers.add(event)
    },
    entered: (room, seat) => watchers.isThere(room, seat),
    vacated(room, seat) {
      touch(room, room.seats.size === 0)
      const { account, affiliation } = seat.occupant
      if (room.record === undefined || !isAtLeast(affiliation, 'member')) return
      watchers.isAway(room, seat)
      if (room.of(account).next().done === false) return
      const visit = { room: room.record.id, jid: account.toString(), ms: clock.now() }
      visits.append(visit).catch(warn('the end of a visit was not noted'))
    },
    said(speech) {
      if (!isActivity(speech)) return
      const { room } = speech
      room.slots.get(spoken).ms = clock.now()
      touch(room, false)
      watchers.tell(room)
    },
    affiliated(room, changes) {
      for (const { jid, affiliation } of changes) watchers.belongs(room, jid, isAtLeast(affiliation, 'member'))
    },
    destroying(room) {
      room.slots.set(spoken, spoken.initial())
      watchers.ended(room)
    },
  }
}

/** Something that somebody who was away has missed. */
function isActivity({ stanza, isSubject }: Speech): boolean {
  return isSubject || stanza.getChild('body') !== undefined
}

/** Who is still to be told of what. */
class Watchers {
  readonly #service: RoomService
  readonly #all = new Map<string, Watcher>()
  readonly #byAccount = new Map<string, Set<Watcher>>()
  /** By room: those who are told when something is said there, once (XEP-0437 §4). */
  readonly #due = new Map<string, Set<Watcher>>()
  /** The rooms in which a watcher is due, to find them when it goes. */
  readonly #rooms = new Map<Watcher, Set<string>>()

  constructor(service: RoomService) {
    this.#service = service
  }

  /** XEP-0437 §4: tells at once where something was said since the account was there, and of the other rooms later. */
  async add({ origin, from }: StanzaEvent): Promise<void> {
    // XEP-0437 §6: only clients of this server, whose end is certain to be heard of.
    if (origin === null) return
    const account = from.bare
    const found = await this.#service.store.away.belongings(account.toString())
    // Everything is told anew to who asks again.
    this.forget(from)
    if (!origin.live) return
    const watcher: Watcher = { session: origin, account }
    this.#all.set(from.toString(), watcher)
    const own = this.#byAccount.get(account.toString()) ?? new Set()
    this.#byAccount.set(account.toString(), own.add(watcher))
    this.#rooms.set(watcher, new Set())
    const news: string[] = []
    for (const room of found) {
      const live = this.#service.live(room.local)
      if (live?.seat(from) !== undefined) continue
      if (hasMissed(account, room, live)) news.push(room.local)
      else this.#await(watcher, room.local)
    }
    this.#send(watcher, news)
  }

  forget(client: Jid): void {
    const watcher = this.#all.get(client.toString())
    if (watcher === undefined) return
    this.#all.delete(client.toString())
    const key = watcher.account.toString()
    const own = this.#byAccount.get(key)
    own?.delete(watcher)
    if (own?.size === 0) this.#byAccount.delete(key)
    for (const local of this.#rooms.get(watcher) ?? []) this.#remove(watcher, local)
    this.#rooms.delete(watcher)
  }

  isThere(room: Room, { address }: Seat): void {
    const watcher = this.#all.get(address)
    if (watcher !== undefined) this.#remove(watcher, room.jid.local)
  }

  isAway(room: Room, { address }: Seat): void {
    const watcher = this.#all.get(address)
    if (watcher !== undefined) this.#await(watcher, room.jid.local)
  }

  /** An account has come to belong to a room, or does so no longer (XEP-0437 §4: it must hear nothing then). */
  belongs(room: Room, jid: string, does: boolean): void {
    for (const watcher of this.#byAccount.get(jid) ?? []) {
      if (!does) this.#remove(watcher, room.jid.local)
      else if (room.seat(watcher.session.jid) === undefined) this.#await(watcher, room.jid.local)
    }
  }

  tell({ jid }: Room): void {
    const due = this.#due.get(jid.local)
    if (due === undefined) return
    this.#due.delete(jid.local)
    for (const watcher of due) {
      this.#rooms.get(watcher)?.delete(jid.local)
      this.#send(watcher, [jid.local])
    }
  }

  ended({ jid }: Room): void {
    for (const watcher of this.#due.get(jid.local) ?? []) this.#rooms.get(watcher)?.delete(jid.local)
    this.#due.delete(jid.local)
  }

  #await(watcher: Watcher, local: string): void {
    this.#due.set(local, (this.#due.get(local) ?? new Set()).add(watcher))
    this.#rooms.get(watcher)?.add(local)
  }

  #remove(watcher: Watcher, local: string): void {
    const due = this.#due.get(local)
    due?.delete(watcher)
    if (due?.size === 0) this.#due.delete(local)
    this.#rooms.get(watcher)?.delete(local)
  }

  /** XEP-0437 §3.1 */
  #send({ session }: Watcher, locals: readonly string[]): void {
    if (locals.length === 0) return
    const { domain } = this.#service
    const rooms = locals.map((local) => xml('activity', null, `${local}@${domain}`))
    session.send(xml('message', { from: domain, to: session.address }, xml('rai', { xmlns: NS_RAI }, ...rooms)))
  }
}

/** Whether an account has missed something in a room. */
function hasMissed(account: Jid, { activeMs, seenMs }: Belonging, live: Room | undefined): boolean {
  // With another client it is there.
  if (live !== undefined && live.of(account).next().done === false) return false
  return Math.max(activeMs, live?.slots.get(spoken).ms ?? 0) >= seenMs
}
