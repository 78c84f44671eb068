import { defineSlot, type Element, type FormField, Jid, type ReadonlyElement } from '#api'
import type { BookmarksApi } from '../../bookmarks/index.ts'
import type { OfflineApi } from '../../offline/hooks.ts'
import { isWorthWaking, type PushApi } from '../../push/hooks.ts'
import { namedAbsentees, presence } from '../absent.ts'
import { messageWithheld, type RoomAspect, type Speech } from '../hooks.ts'
import { addressedIn, mentionedIn } from '../mentions.ts'
import { NOTIFY_FIELD, type NotifyChoice } from '../notify.ts'
import { isAtLeast } from '../roles.ts'
import type { Room } from '../room.ts'
import { readdressed } from '../room.ts'
import type { RoomService } from '../service.ts'
import { forwardMentions, isForwarded } from './mention-notification.ts'

/** More than there are members of any room. */
const UNBOUNDED = 1_000_000_000
/** Members told between two turns of the event loop. */
const LOT = 200
/** Messages of a room that may wait until all are told; a member hears of one that is too much with the next. */
const MAX_WAITING = 100

/** What tells members who are away. */
export interface Outlets {
  readonly push: PushApi | undefined
  /** Where people may have said what they want to be told of. */
  readonly bookmarks: BookmarksApi | undefined
  /** Where messages are kept for those who are offline; `undefined` where the admin does not want that. */
  readonly offline: OfflineApi | undefined
  /** In rooms with more reserved nicks nothing is kept; 0 is no limit. */
  readonly maxNicks: number
}

/** What is known of the members of a room while it is in memory. Made anew when it changes. */
class Members {
  readonly room: Room
  /** What they have chosen to hear, by address, those who have. */
  choices: ReadonlyMap<string, NotifyChoice> = new Map()
  /** Those on this host who want to hear everything. */
  always: readonly Jid[] = []
  /** Those on this host who get everything when they log in. */
  keeping: readonly Jid[] = []
  isLoaded = false
  #loading: Promise<this> | undefined

  constructor(room: Room) {
    this.room = room
  }

  /** Reads them, once: a few queries a room, none a message. */
  load(outlets: Outlets): Promise<this> {
    this.#loading ??= this.#load(outlets)
    return this.#loading
  }

  async #load({ offline, bookmarks, maxNicks }: Outlets): Promise<this> {
    const { store, host } = this.room.service
    if (this.room.record === undefined) return this
    const { id } = this.room.record
    const isHere = ({ domain, local }: Jid) => domain === host.domain && local !== ''
    const bookmarked = await this.#ofMembers(await bookmarks?.choices(this.room.address))
    this.choices = new Map([...(await store.away.choices(id)), ...bookmarked])
    this.always = [...this.choices]
      .flatMap(([jid, choice]) => (choice === 'always' ? Jid.parse(jid) : []))
      .filter(isHere)
    this.isLoaded = offline === undefined
    if (offline === undefined) return this
    const limit = maxNicks === 0 ? UNBOUNDED : maxNicks
    const nicked = await store.away.nicked(id, limit + 1)
    const wants = (jid: string) => (this.choices.get(jid) ?? 'always') === 'always'
    if (nicked.length <= limit)
      this.keeping = nicked
        .filter(wants)
        .flatMap((jid) => Jid.parse(jid))
        .filter(isHere)
    this.isLoaded = true
    return this
  }

  /** What those have chosen that are members: anybody may have a bookmark. */
  async #ofMembers(choices: ReadonlyMap<string, NotifyChoice> = new Map()): Promise<[string, NotifyChoice][]> {
    const { store } = this.room.service
    const all = [...choices]
    const found: [string, NotifyChoice][] = []
    for (let start = 0; start < all.length && this.room.record !== undefined; start += LOT) {
      const some = new Map(all.slice(start, start + LOT))
      for (const { jid, affiliation } of await store.affiliations(this.room.record.id, [...some.keys()]))
        if (isAtLeast(affiliation, 'member')) found.push([jid, some.get(jid)!])
    }
    return found
  }
}

const members = defineSlot<Members | undefined>('muc/members', () => undefined)
/** What is being told, and how much waits. */
const telling = defineSlot<{ last: Promise<void> | undefined; waiting: number }>('muc/telling', () => ({
  last: undefined,
  waiting: 0,
}))

const choiceField: FormField = {
  var: NOTIFY_FIELD,
  type: 'list-single',
  label: 'What you are told of while you are away',
  options: [
    { value: 'always', label: 'Everything' },
    { value: 'on-mention', label: 'What is said to you' },
    { value: 'never', label: 'Nothing' },
  ],
}

/**
 * What members of this host get who are not in the room: their devices are woken (XEP-0357) for what they have chosen
 * (XEP-0492) in a bookmark, or when they registered (XEP-0045 §7.10): without a word, for what mentions them. Where the admin says so, those with a
 * reserved nick find what was said when they log in.
 */
export function away(outlets: Outlets): RoomAspect {
  const forget = (room: Room): void => void room.slots.set(members, undefined)
  return {
    name: 'away',
    registrationFields: [choiceField],
    // For what reaches devices that are in the room and have lost their connection: see `wakesFor`.
    async entering({ room, creates }) {
      if (!creates) await membersOf(room).load(outlets)
    },
    said(speech) {
      const { room, stanza } = speech
      if (!isWorthWaking(stanza, 'groupchat')) return
      const told = tell(speech, outlets)
      told?.catch((err) => room.service.log.warn({ err, room: room.address }, 'members who are away were not told'))
    },
    registered: forget,
    affiliated: forget,
    destroying: forget,
  }
}

/** Somebody's bookmark says something else of a room. */
export function chosenAnew(service: RoomService, room: string): void {
  const { bare } = Jid.parse(room)
  if (bare.domain === service.domain) service.live(bare.local)?.slots.set(members, undefined)
}

function membersOf(room: Room): Members {
  const known = room.slots.get(members) ?? new Members(room)
  room.slots.set(members, known)
  return known
}

function tell(speech: Speech, outlets: Outlets): Promise<void> | undefined {
  const { room } = speech
  const state = room.slots.get(telling)
  const named = namedAbsentees(speech)
  const known = membersOf(room)
  if (named === undefined && known.isLoaded && known.always.length + known.keeping.length === 0) return undefined
  if (state.waiting >= MAX_WAITING) return undefined
  state.waiting++
  const before = state.last
  // Whoever comes while they are told was not there.
  const isPresent = presence(speech)
  const ms = room.service.clock.now()
  const now = async (): Promise<void> => {
    await before
    await known.load(outlets)
    const told = new Set<string>()
    for (const absentee of (await named) ?? []) {
      const { jid } = absentee.record
      told.add(jid)
      if (known.choices.get(jid) === 'never') continue
      if (room.get(forwardMentions) && isForwarded(absentee)) continue
      wake(speech, Jid.parse(jid), outlets)
    }
    await inLots(known.always, (jid) => {
      if (!told.has(jid.toString()) && !isPresent(jid.toString())) wake(speech, jid, outlets)
    })
    await inLots(known.keeping, (jid) => {
      if (!isPresent(jid.toString())) keep(speech, jid, outlets, ms)
    })
  }
  const done = now().finally(() => {
    state.waiting--
    if (state.waiting === 0) state.last = undefined
  })
  state.last = done.catch(() => {})
  return done
}

async function inLots(jids: readonly Jid[], work: (jid: Jid) => void): Promise<void> {
  for (let start = 0; start < jids.length; start += LOT) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve))
    for (const jid of jids.slice(start, start + LOT)) work(jid)
  }
}

function wake({ room, stanza }: Speech, account: Jid, { push }: Outlets): void {
  const { host } = room.service
  if (account.domain === host.domain && !host.hooks.ask(messageWithheld, { account, stanza }))
    push?.wake(account, stanza)
}

/** For those without a session that takes messages; the store adds when it was said. */
function keep({ room, stanza }: Speech, account: Jid, { offline }: Outlets, ms: number): void {
  const { host, log } = room.service
  if (host.hooks.ask(messageWithheld, { account, stanza })) return
  for (const session of host.user(account)?.sessions.values() ?? [])
    if (session.live && session.priority !== null && session.priority >= 0) return
  const copy: Element = readdressed(stanza, account.toString())
  offline?.keep(account, copy).catch((err) => log.warn({ err, ms, to: account.toString() }, 'a message was not kept'))
}

/**
 * Whether somebody who is in a room, with a device that has no connection at the moment, wants to be woken for a message:
 * `undefined` for those who have not said, and for what is not of this service.
 */
export function wakesFor(service: RoomService, account: Jid, message: ReadonlyElement): boolean | undefined {
  const from = message.attrs['from']
  if (from === undefined) return undefined
  const { bare } = Jid.parse(from)
  const room = bare.domain === service.domain ? service.live(bare.local) : undefined
  const choice = room?.slots.get(members)?.choices.get(account.toString())
  if (room === undefined || choice === undefined) return undefined
  return choice === 'always' || (choice === 'on-mention' && isNamed(room, account, message))
}

function isNamed(room: Room, account: Jid, message: ReadonlyElement): boolean {
  const nicks = new Set<string>()
  for (const { nick } of room.of(account)) nicks.add(nick)
  return [mentionedIn(message, room.address), addressedIn(message, room.address)].some(
    (named) => named.jids.includes(account.toString()) || named.nicks.some((nick) => nicks.has(nick)),
  )
}
