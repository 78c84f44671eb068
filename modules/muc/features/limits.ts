import { type Element, type Jid, Lru, StanzaError, type StanzaEvent } from '#api'
import type { Entry, RoomAspect } from '../hooks.ts'
import { NS_MUC_USER } from '../namespaces.ts'
import type { Seat } from '../occupant.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { type Flow, TokenBucket } from '../token-bucket.ts'

/** Accounts whose entries are counted; past it, the one heard from least recently is forgotten. */
const REMEMBERED = 20_000
/** How much more a moderator may do in a room. */
const OF_MODERATORS = 10
/** Characters of an occupant's presence, which the room keeps, and as how many an element counts: each takes its memory. */
const MAX_PRESENCE = 8192
const PER_ELEMENT = 32
/** For how long, in seconds, somebody who was quiet may do more than the rate says. */
const BURST_S = 4

/** What a client does in a room. */
type Doing = 'messages' | 'nicks' | 'presences'

/** Bounds of what one may do, in rooms and in all of a service (XEP-0045 §14.6). */
export function limits(service: RoomService): RoomAspect {
  const { settings, clock } = service
  const bounds = settings.limits
  const perSecond = (rate: number): Flow => ({ perMs: rate / 1000, capacity: rate * BURST_S })
  const perMinute = (rate: number): Flow => ({ perMs: rate / 60_000, capacity: rate })
  const flows: Readonly<Record<Doing, Flow>> = {
    messages: perSecond(bounds.messages),
    presences: perSecond(bounds.presences),
    nicks: perMinute(bounds.nicks),
  }
  const forModerators = scaled(flows)
  const entries = new Lru<string, TokenBucket>(REMEMBERED)
  const told = new Lru<string, TokenBucket>(REMEMBERED)
  const buckets = new WeakMap<Seat, Partial<Record<Doing, TokenBucket>>>()
  /** Rooms that a client is in, by its full JID. */
  const places = new Map<string, number>()

  function spend(seat: Seat, doing: Doing, times = 1): void {
    if (bounds[doing] === 0) return
    const flow = (seat.occupant.role === 'moderator' ? forModerators : flows)[doing]
    const own = buckets.get(seat) ?? {}
    buckets.set(seat, own)
    own[doing] ??= new TokenBucket(flow, clock.now())
    if (!own[doing].take(flow, clock.now(), times)) throw tooFast()
  }

  const say = (_room: Room, seat: Seat, { stanza }: Pick<StanzaEvent, 'stanza'>): void => {
    spend(seat, 'messages', timesOf(stanza, flows.messages))
    if (bounds.messageSize !== 0 && isLonger(stanza, bounds.messageSize))
      throw new StanzaError('policy-violation', `A message has ${bounds.messageSize} characters at most here.`)
  }

  return {
    name: 'limits',
    showing({ stanza }) {
      if (lengthOf(stanza, MAX_PRESENCE, PER_ELEMENT) > MAX_PRESENCE)
        throw new StanzaError('policy-violation', 'That is too much for a presence in a room.', { type: 'modify' })
    },
    async entering(entry) {
      const { seat, from, creates } = entry
      if (seat !== undefined) return spend(seat, 'nicks')
      countEntry(from)
      if (bounds.entered !== 0 && (places.get(from.toString()) ?? 0) >= bounds.entered)
        throw new StanzaError('resource-constraint', 'You are in as many rooms as you may.')
      if (creates) await mayCreate(entry)
    },
    entered: (_room, { address }) => void places.set(address, (places.get(address) ?? 0) + 1),
    vacated(_room, { address }) {
      const left = (places.get(address) ?? 1) - 1
      if (left > 0) places.set(address, left)
      else places.delete(address)
    },
    updating(_room, seat, isAgain) {
      spend(seat, 'presences')
      if (isAgain) countEntry(seat.jid)
    },
    speaking: ({ room, seat, stanza }) => say(room, seat, { stanza }),
    whispering: say,
    asking: (_room, seat) => spend(seat, 'messages'),
    telling: (account, people) => count(told, bounds.told, account, people),
    message(room, event) {
      const seat = room.seat(event.from)
      if (seat !== undefined) say(room, seat, event)
      return false
    },
  }

  function countEntry(client: Jid): void {
    count(entries, bounds.entries, client, 1)
  }

  function count(buckets: Lru<string, TokenBucket>, rate: number, client: Jid, times: number): void {
    if (rate === 0) return
    const account = client.bare.toString()
    const flow = perMinute(rate)
    const bucket = buckets.get(account) ?? new TokenBucket(flow, clock.now())
    buckets.set(account, bucket)
    if (!bucket.take(flow, clock.now(), Math.min(times, flow.capacity))) throw tooFast()
  }

  async function mayCreate({ from }: Entry): Promise<void> {
    if (bounds.rooms === 0 || service.isAdmin(from)) return
    // What two make of the last one at once is one too many, which does no harm.
    if ((await service.store.countOf(from.bare.toString())) >= bounds.rooms)
      throw new StanzaError('resource-constraint', 'You have made as many rooms as you may.')
  }
}

/** As how many messages one counts: as many as it has invitations, each of which goes to somebody else. */
function timesOf(stanza: Element, { capacity }: Flow): number {
  const invitations = stanza.getChild('x', NS_MUC_USER)?.getChildren('invite').length ?? 0
  return Math.min(Math.max(1, invitations), capacity)
}

function scaled(flows: Readonly<Record<Doing, Flow>>): Readonly<Record<Doing, Flow>> {
  const more = ({ perMs, capacity }: Flow): Flow => ({
    perMs: perMs * OF_MODERATORS,
    capacity: capacity * OF_MODERATORS,
  })
  return { messages: more(flows.messages), presences: more(flows.presences), nicks: more(flows.nicks) }
}

function tooFast(): StanzaError {
  return new StanzaError('policy-violation', 'Not so fast: try again in a moment.', { type: 'wait' })
}

/** Whether a stanza is longer than so many characters, about: without counting the marks between them. */
export function isLonger(stanza: Element, bound: number): boolean {
  return lengthOf(stanza, bound) > bound
}

function lengthOf({ name, attrs, children }: Element, bound: number, perElement = 0): number {
  let length = name.length + perElement
  for (const attribute in attrs) length += attribute.length + (attrs[attribute]?.length ?? 0)
  for (const child of children) {
    length += typeof child === 'string' ? child.length : lengthOf(child, bound - length, perElement)
    if (length > bound) return length
  }
  return length
}
