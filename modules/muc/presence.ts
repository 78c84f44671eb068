import { type Element, Wire, xml } from '#api'
import { seesJid } from './features/anonymity.ts'
import { isShown } from './features/presence-broadcast.ts'
import { NS_MUC_USER, NS_OCCUPANT_ID } from './namespaces.ts'
import { Newcomers } from './newcomers.ts'
import type { Occupant, Role, Seat } from './occupant.ts'
import type { Room } from './room.ts'

/** What there is to tell of an occupant beside how things are. */
export interface News {
  /** The occupant, or one client of it, is not in the room any more. */
  readonly type?: 'unavailable'
  /** XEP-0045 §16.6.2: what all are told, and what only the occupant is. */
  readonly codes?: readonly number[]
  readonly ownCodes?: readonly number[]
  /** The new nick (§7.6). */
  readonly nick?: string
  /** Who did it, by nick, and why (§8.2). */
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  /** Payload in place of that of the occupant's presence, such as parting words. */
  readonly payload?: readonly Element[]
  /** Elements in `<x/>`, such as `<destroy/>` (§10.9). */
  readonly inX?: readonly Element[]
}

/** Shows everybody the presence of an occupant; its own clients learn that it is theirs (XEP-0045 §7.2.2). */
export function showToAll(room: Room, occupant: Occupant, news: News = {}): void {
  showPending(room, occupant)
  const views = new Views(room, occupant, news)
  for (const seat of room.seats.values())
    if (seat.occupant === occupant) showOwn(room, seat, news)
    else views.show(seat)
}

/** Shows everybody but an occupant's own clients its presence. */
export function showToOthers(room: Room, occupant: Occupant, news: News = {}): void {
  showPending(room, occupant)
  const views = new Views(room, occupant, news)
  for (const seat of room.seats.values()) if (seat.occupant !== occupant) views.show(seat)
}

/** Shows the clients of an occupant that it is out; what is returned shows all others, when it is called. */
export function showOut(room: Room, occupant: Occupant, news: Omit<News, 'type'>): () => void {
  const out: News = { ...news, type: 'unavailable' }
  const views = new Views(room, occupant, out)
  showPending(room, occupant)
  for (const seat of occupant.seats) showOwn(room, seat, out)
  return () => {
    for (const seat of room.seats.values()) if (seat.occupant !== occupant) views.show(seat)
  }
}

/** Shows the others somebody who has just entered with this client: in a large room after a while, together with others. */
export function showNewcomer(room: Room, seat: Seat): void {
  const { clock, settings } = room.service
  const { from, delay } = settings.newcomers
  if (from === 0 || room.seats.size < from) return showToOthers(room, seat.occupant)
  room.newcomers ??= new Newcomers(clock, delay, (newcomer, isMeant) => {
    const views = new Views(room, newcomer, {})
    for (const other of room.seats.values()) if (isMeant(other)) views.show(other)
  })
  room.newcomers.add(seat)
}

/** Whatever there is to tell of somebody, or by somebody, comes behind the presence. */
export function showPending(room: Room, occupant: Occupant): void {
  if (room.newcomers?.has(occupant) === true) room.newcomers.show()
}

/** Shows a client its own presence. */
export function showOwn(room: Room, seat: Seat, news: News = {}): void {
  const { occupant } = seat
  const codes = [...(news.codes ?? []), ...(news.ownCodes ?? []), 110]
  room.send(seat, Wire.of(presenceOf(room, occupant, { ...news, codes }, seat)), occupant.jid)
}

/**
 * Shows everybody that an occupant is something else than it was. Whoever is not to see it any more takes it for gone, and a
 * moderator sees those whom others do not.
 */
export function showChange(room: Room, occupant: Occupant, before: Role, news: News): void {
  showToAll(room, occupant, news)
  if (isShown(room, { role: before }) && !isShown(room, occupant)) hide(room, occupant)
  const isModerator = occupant.role === 'moderator'
  if (isModerator === (before === 'moderator')) return
  for (const other of room.occupants.values()) {
    if (other === occupant || isShown(room, other)) continue
    const views = new Views(room, other, isModerator ? {} : { type: 'unavailable' })
    for (const seat of occupant.seats) views.send(seat)
  }
}

/** Takes an occupant who stays from the sight of all who are no moderators. */
export function hide(room: Room, occupant: Occupant): void {
  showPending(room, occupant)
  const views = new Views(room, occupant, { type: 'unavailable' })
  for (const seat of room.seats.values()) if (isCommon(seat, occupant)) views.send(seat)
}

/** Shows an occupant who was hidden to all who are no moderators. */
export function reveal(room: Room, occupant: Occupant): void {
  showPending(room, occupant)
  const views = new Views(room, occupant, {})
  for (const seat of room.seats.values()) if (isCommon(seat, occupant)) views.send(seat)
}

function isCommon(seat: Seat, occupant: Occupant): boolean {
  return seat.occupant !== occupant && seat.occupant.role !== 'moderator'
}

/** Shows a client who else is in the room (XEP-0045 §7.2.2). */
export function showOthers(room: Room, seat: Seat): void {
  for (const occupant of room.occupants.values())
    if (occupant !== seat.occupant) new Views(room, occupant, {}).show(seat)
}

/** Shows one client somebody else in the room. */
export function showOther(room: Room, seat: Seat, occupant: Occupant): void {
  new Views(room, occupant, {}).show(seat)
}

/** The presence of an occupant as others see it, made once for those who see its real JID and once for the others. */
class Views {
  readonly #room: Room
  readonly #occupant: Occupant
  readonly #news: News
  readonly #isPlain: boolean
  /** The client whose address is shown. */
  readonly #named: Seat | undefined
  #full: Wire | undefined
  #anonymous: Wire | undefined

  constructor(room: Room, occupant: Occupant, news: News) {
    this.#room = room
    this.#occupant = occupant
    this.#news = news
    this.#named = occupant.seats[0]
    this.#isPlain = Object.keys(news).length === 0
    this.#full = this.#isPlain ? occupant.shown?.full : undefined
    this.#anonymous = this.#isPlain ? occupant.shown?.anonymous : undefined
  }

  show(seat: Seat): void {
    const occupant = this.#occupant
    // Those who are not shown come and go unseen; whoever may see real JIDs runs the room.
    if (!isShown(this.#room, occupant) && seat.occupant.role !== 'moderator') return
    this.send(seat)
  }

  /** Whether the occupant is shown to all or not. */
  send(seat: Seat): void {
    const occupant = this.#occupant
    this.#room.send(seat, seesJid(this.#room, seat, occupant) ? this.#withJid() : this.#withoutJid(), occupant.jid)
  }

  #withJid(): Wire {
    this.#full ??= Wire.of(presenceOf(this.#room, this.#occupant, this.#news, this.#named))
    this.#keep()
    return this.#full
  }

  #withoutJid(): Wire {
    this.#anonymous ??= Wire.of(presenceOf(this.#room, this.#occupant, this.#news, undefined))
    this.#keep()
    return this.#anonymous
  }

  #keep(): void {
    if (this.#isPlain) this.#occupant.shown = { full: this.#full, anonymous: this.#anonymous }
  }
}

/** `<presence/>` of an occupant; with the real JID of `named`, when that is given. */
function presenceOf(room: Room, occupant: Occupant, news: News, named: Seat | undefined): Element {
  const { type, codes, nick, actor, reason, payload, inX } = news
  const item = xml('item', {
    affiliation: occupant.affiliation,
    role: type === 'unavailable' && nick === undefined ? 'none' : occupant.role,
    jid: named?.address,
    nick,
  })
  if (actor !== undefined) item.append(xml('actor', { nick: actor }))
  if (reason !== undefined && reason !== '') item.append(xml('reason', null, reason))
  const x = xml('x', { xmlns: NS_MUC_USER }, item, ...(inX ?? []))
  for (const code of [...new Set(codes)].sort((a, b) => a - b)) x.append(xml('status', { code: String(code) }))
  const presence = xml('presence', { from: occupant.address, type })
  presence.children.push(...(payload ?? (type === undefined ? occupant.presence.children : [])))
  if (type === undefined) presence.append(...room.service.presencePayload(room, occupant))
  presence.append(x, xml('occupant-id', { xmlns: NS_OCCUPANT_ID, id: occupant.id }))
  return presence
}
