import {
  type Clock,
  delayElement,
  type Element,
  ownText,
  parseDocument,
  type ReadonlyElement,
  serialize,
  toDatetime,
  Wire,
  xml,
} from '#api'
import type { RoomArchive } from './hooks.ts'
import { NS_OCCUPANT_ID } from './namespaces.ts'
import type { Room } from './room.ts'

/** What somebody who enters wants to see of what was said before (XEP-0045 §7.2.14). */
export interface HistoryWish {
  readonly maxMessages: number
  /** Characters of XML. */
  readonly maxCharacters: number
  readonly sinceMs: number
}

/** A message as XML, without an addressee, with the time at which the room had it. */
interface Remembered {
  readonly ms: number
  readonly text: string
  /** About how many bytes it takes in memory once it is parsed. */
  readonly weight: number
  /** Made when somebody enters. */
  wire: Wire | undefined
}

/** Bytes that the messages of a room may take in memory, and of all rooms; past it the oldest are forgotten, or whole rooms. */
const MAX_WEIGHT = 1024 * 1024
const MAX_WEIGHT_IN_ALL = 64 * 1024 * 1024
/** What an element takes beside its characters; `<` and `</` are counted. */
const WEIGHT_OF_TAG = 128

/** The last messages of a room, oldest first. */
class Recent {
  readonly messages: Remembered[] = []
  weight = 0

  /** Adds a message behind the others, of which `max` stay. */
  push(message: Remembered, max: number): void {
    this.messages.push(message)
    this.weight += message.weight
    while (this.messages.length > max || this.weight > MAX_WEIGHT) this.weight -= this.messages.shift()!.weight
  }
}

/**
 * The last messages of rooms, for those who enter: of the rooms used last in memory, of the others in the archive. Without an
 * archive they go when other rooms are used, with the room, or with the server.
 */
export class History {
  readonly #clock: Clock
  readonly #max: number
  readonly #maxRooms: number
  /** By address; those used last come last. */
  readonly #recent = new Map<string, Recent>()
  #weight = 0
  /** Set once all modules are there. */
  archive: RoomArchive | undefined

  /** `max` messages of a room are remembered, of up to `rooms` rooms in memory. */
  constructor(clock: Clock, max: number, rooms: number) {
    this.#clock = clock
    this.#max = max
    this.#maxRooms = rooms
  }

  /** A message has been said: as all have got it. */
  add(room: Room, stanza: Element): void {
    if (this.#max === 0 || !isWorthIt(stanza)) return
    const recent = this.#recent.get(room.address)
    // What is in the archive only is read when somebody wants it.
    if (recent === undefined && this.archive !== undefined) return
    this.#keep(room, recent ?? new Recent(), [remembered(room, stanza, this.#clock.now())])
  }

  /** The messages that somebody who enters gets, oldest first. */
  async read(room: Room, wish: HistoryWish): Promise<readonly Wire[]> {
    if (wish.maxMessages === 0 || wish.maxCharacters === 0) return []
    const all = await this.#load(room)
    const wanted: Wire[] = []
    let characters = wish.maxCharacters
    for (let i = all.length - 1; i >= 0 && wanted.length < wish.maxMessages; i--) {
      const message = all[i]!
      if (message.ms < wish.sinceMs) break
      characters -= message.text.length
      if (characters < 0) break
      message.wire ??= Wire.of(parseDocument(message.text))
      wanted.unshift(message.wire)
    }
    return wanted
  }

  /** What is remembered of a room is no longer right. */
  forget(room: Room): void {
    this.#drop(room.address)
  }

  /** How many bytes all of it takes in memory, about. */
  get weight(): number {
    return this.#weight
  }

  async #load(room: Room): Promise<readonly Remembered[]> {
    const recent = this.#recent.get(room.address)
    if (recent !== undefined) this.#keep(room, recent, [])
    if (recent !== undefined || this.archive === undefined) return recent?.messages ?? []
    const kept = await this.archive.newest(room, this.#max)
    const read = kept.filter(({ stanza }) => isWorthIt(stanza)).map(({ stanza, ms }) => remembered(room, stanza, ms))
    return this.#keep(room, new Recent(), read).messages
  }

  /** Adds messages to those of a room, which is the one used last. */
  #keep(room: Room, recent: Recent, messages: readonly Remembered[]): Recent {
    this.#drop(room.address)
    for (const message of messages) recent.push(message, this.#max)
    this.#recent.set(room.address, recent)
    this.#weight += recent.weight
    for (const address of this.#recent.keys()) {
      if (this.#recent.size <= this.#maxRooms && this.#weight <= MAX_WEIGHT_IN_ALL) break
      this.#drop(address)
    }
    return recent
  }

  #drop(address: string): void {
    this.#weight -= this.#recent.get(address)?.weight ?? 0
    this.#recent.delete(address)
  }
}

/** Whether a message means something to somebody who was not there: the subject is told in any case. */
function isWorthIt(stanza: ReadonlyElement): boolean {
  return stanza.children.some((child) => typeof child !== 'string' && child.name === 'body')
}

/** XEP-0045 §7.2.13: with the time at which the room had it. */
function remembered(room: Room, stanza: Element, ms: number): Remembered {
  const copy = xml('message', stanza.attrs)
  copy.children = [...stanza.children]
  // §7.9: what an owner brings along from elsewhere has its own time.
  if (stanza.getChild('delay', NS_DELAY) === undefined) copy.append(delayElement(room.address, ms))
  const text = ownText(serialize(copy))
  return { ms, text, weight: weightOf(text), wire: undefined }
}

function weightOf(text: string): number {
  let weight = text.length
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) weight += WEIGHT_OF_TAG
  return weight
}

const NS_MUC = 'http://jabber.org/protocol/muc'
const NS_DELAY = 'urn:xmpp:delay'

/** Reads `<history/>` of somebody who enters; what is not said, or is no number, bounds nothing but by `usual` and `kept`. */
export function readHistoryWish(
  x: ReadonlyElement | undefined,
  { usual, kept }: { readonly usual: number; readonly kept: number },
  nowMs: number,
): HistoryWish {
  const attrs = x?.getChild('history', NS_MUC)?.attrs ?? {}
  const number = (name: string): number | undefined => {
    const text = attrs[name]
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
  }
  const since = attrs['since'] === undefined ? Number.NaN : Date.parse(attrs['since'])
  const seconds = number('seconds')
  const asked = number('maxstanzas')
  const isBounded = seconds !== undefined || !Number.isNaN(since) || number('maxchars') !== undefined
  return {
    maxMessages: Math.min(asked ?? (isBounded ? kept : usual), kept),
    maxCharacters: number('maxchars') ?? Number.MAX_SAFE_INTEGER,
    sinceMs: Math.max(seconds === undefined ? 0 : nowMs - seconds * 1000, Number.isNaN(since) ? 0 : since),
  }
}

/** The subject as whoever enters is told of it (XEP-0045 §7.2.15); an empty one when there is none. */
export function subjectMessage(room: Room): Element {
  const { subject } = room
  if (subject === undefined) return xml('message', { from: room.address, type: 'groupchat' }, xml('subject'))
  return xml(
    'message',
    { from: `${room.address}/${subject.nick}`, type: 'groupchat' },
    xml('subject', null, subject.text),
    xml('occupant-id', { xmlns: NS_OCCUPANT_ID, id: subject.occupantId }),
    xml('delay', { xmlns: 'urn:xmpp:delay', from: room.address, stamp: toDatetime(subject.ms) }),
  )
}
