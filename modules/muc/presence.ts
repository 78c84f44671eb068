import { type Element, Wire, xml } from '#api'
import { seesJid } from './features/anonymity.ts'
import { isShown } from './features/presence-broadcast.ts'
import { NS_MUC_USER, NS_OCCUPANT_ID } from './namespaces.ts'
import type { Occupant, Seat } from './occupant.ts'
import type { Room } from './room.ts'

/** What there is to tell of an occupant beside how things are. */
export interface News {
  /** The occupant, or one client of it, is not in the room any more. */
  readonly type?: 'unavailable'
  /** XEP-0045 §15.6.2: what all are told, and what only the occupant is. */
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
  const views = new Views(room, occupant, news)
  for (const seat of room.seats.values())
    if (seat.occupant === occupant) showOwn(room, seat, news)
    else views.show(seat)
}

/** Shows everybody but an occupant's own clients its presence. */
export function showToOthers(room: Room, occupant: Occupant, news: News = {}): void {
  const views = new Views(room, occupant, news)
  for (const seat of room.seats.values()) if (seat.occupant !== occupant) views.show(seat)
}

/** Shows a client its own presence. */
export function showOwn(room: Room, seat: Seat, news: News = {}): void {
  const { occupant } = seat
  const codes = [...(news.codes ?? []), ...(news.ownCodes ?? []), 110]
  room.send(seat, Wire.of(presenceOf(room, occupant, { ...news, codes }, seat)), occupant.jid)
}

/** Shows a client who else is in the room (XEP-0045 §7.2.2). */
export function showOthers(room: Room, seat: Seat): void {
  for (const occupant of room.occupants.values())
    if (occupant !== seat.occupant) new Views(room, occupant, {}).show(seat)
}

/** The presence of an occupant as others see it, made once for those who see its real JID and once for the others. */
class Views {
  readonly #room: Room
  readonly #occupant: Occupant
  readonly #news: News
  readonly #isPlain: boolean
  #full: Wire | undefined
  #anonymous: Wire | undefined

  constructor(room: Room, occupant: Occupant, news: News) {
    this.#room = room
    this.#occupant = occupant
    this.#news = news
    this.#isPlain = Object.keys(news).length === 0
    this.#full = this.#isPlain ? occupant.shown?.full : undefined
    this.#anonymous = this.#isPlain ? occupant.shown?.anonymous : undefined
  }

  show(seat: Seat): void {
    const occupant = this.#occupant
    // Those who are not shown come and go unseen; whoever may see real JIDs runs the room.
    if (!isShown(this.#room, occupant) && seat.occupant.role !== 'moderator') return
    this.#room.send(seat, seesJid(this.#room, seat, occupant) ? this.#withJid() : this.#withoutJid(), occupant.jid)
  }

  #withJid(): Wire {
    this.#full ??= Wire.of(presenceOf(this.#room, this.#occupant, this.#news, this.#occupant.seats[0]))
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
