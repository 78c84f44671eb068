import type { Element } from '../../src/api.ts'
import type { Fault } from './check.ts'

const NS_RETRACT = 'urn:xmpp:message-retract:1'

/** A message of a room, as somebody got it or as the room's archive has it. */
export interface RoomMessage {
  /** XEP-0359, by the room; `undefined` when it bears not just one. */
  readonly archiveId: string | undefined
  /** The id that its sender gave it, no two the same. */
  readonly key: string
  /** What it says; nothing once it was taken back. */
  readonly text: string
}

/** What one occupant heard in a room without a break, oldest first. */
export interface Stretch {
  readonly who: string
  /** Whether it is what the room said of earlier times, when somebody entered. */
  readonly isHistory: boolean
  readonly heard: RoomMessage[]
  /** Whether it is not in the room any more. */
  isOver: boolean
}

/** Reads a message: its text is that of its body or subject, or names the message that it takes back. */
export function readMessage(message: Element, archiveId: string | undefined): RoomMessage {
  const taken = message.getChild('retract', NS_RETRACT)?.attrs['id']
  const text = message.getChildText('body') ?? message.getChildText('subject') ?? ''
  return { archiveId, key: message.attrs['id'] ?? '', text: taken === undefined ? text : retraction(taken) }
}

/** The text of a message by which another was taken back. */
export function retraction(archiveId: string): string {
  return `takes back ${archiveId}`
}

/** What became of something that somebody wanted changed. */
export type Outcome = 'made' | 'open' | 'refused'

interface Attempt<T> {
  readonly value: T
  outcome: Outcome
}

/** A state that is changed by one person, one change after the other: what it may be now. */
export class Register<T> {
  readonly name: string
  /** How many changes were made, as far as it is known. */
  made = 0
  #attempts: Attempt<T>[]

  constructor(name: string, initial: T) {
    this.name = name
    this.#attempts = [{ value: initial, outcome: 'made' }]
  }

  /** What was announced last. */
  get value(): T {
    return this.#attempts.findLast(({ outcome }) => outcome === 'made')!.value
  }

  attempts(value: T): void {
    this.#attempts.push({ value, outcome: 'open' })
  }

  /** The last attempt has succeeded, or failed, says the answer. */
  ends(outcome: Exclude<Outcome, 'open'>): Fault[] {
    const last = this.#attempts.at(-1)!
    if (outcome === 'made') return this.#isMade(last)
    if (last.outcome === 'made') return [this.#blame(`${last.value} was announced, then refused`)]
    last.outcome = 'refused'
    return []
  }

  /** Somebody is told of a value. */
  isAnnounced(value: T): Fault[] {
    const last = this.#attempts.at(-1)!
    return last.value === value ? this.#isMade(last) : []
  }

  /** Somebody is told so often that there is another value. */
  isAnnouncedFor(times: number): Fault[] {
    return times > this.made ? this.#isMade(this.#attempts.at(-1)!) : []
  }

  #isMade(last: Attempt<T>): Fault[] {
    const before = last.outcome
    if (before === 'made') return []
    last.outcome = 'made'
    this.made++
    return before === 'refused' ? [this.#blame(`${last.value} was refused, then announced`)] : []
  }

  /**
   * Looks at the value that is kept: the one announced last, or one that was wanted since and of which nobody knows. A
   * refusal may come of a database that went away having done it.
   */
  check(value: T): Fault[] {
    const from = this.#attempts.findLastIndex(({ outcome }) => outcome === 'made')
    const isPossible = this.#attempts.slice(from).some((attempt) => attempt.value === value)
    const { value: announced } = this.#attempts[from]!
    this.#attempts = [{ value, outcome: 'made' }]
    return isPossible ? [] : [{ wrong: 'lost', where: `${this.name} is ${value}; ${announced} was announced` }]
  }

  #blame(what: string): Fault {
    return { wrong: 'broken', where: `${this.name}: ${what}` }
  }
}

/** All that was said in a room, and what became of it. Nothing is forgotten. */
export class RoomLedger {
  readonly address: string
  /** Texts by key. */
  readonly sent = new Map<string, string>()
  /** Keys that the server acknowledged to the sender without refusing them. */
  readonly acknowledged = new Set<string>()
  readonly refused = new Set<string>()
  readonly stretches: Stretch[] = []
  /** Messages that somebody wanted taken back, by the id in the archive; `made` once that was announced. */
  readonly takenBack = new Map<string, Outcome>()

  constructor(address: string) {
    this.address = address
  }

  begins(who: string, isHistory = false): Stretch {
    const stretch: Stretch = { who, isHistory, heard: [], isOver: false }
    this.stretches.push(stretch)
    return stretch
  }
}

/**
 * What is wrong with the archive of a room, oldest first: all that anybody heard, and all that was acknowledged, must be in
 * it once, in the order in which everybody heard it, under the id heard, unchanged unless it was taken back. When `whole`,
 * all that was acknowledged must have been heard, by everybody who is there.
 */
export function checkRoom(room: RoomLedger, archive: readonly RoomMessage[], whole: boolean): Fault[] {
  const places = new Map(archive.map(({ archiveId }, place) => [archiveId, place]))
  const keys = new Set(archive.map(({ key }) => key))
  const faults = [...checkKept(room, archive), ...checkGaps(room, places, whole)]
  for (const stretch of room.stretches) faults.push(...checkStretch(room, stretch, archive, places))
  for (const key of room.acknowledged)
    if (!keys.has(key)) faults.push({ wrong: 'lost', where: `${key}, acknowledged, in the archive of ${room.address}` })
  if (whole) faults.push(...checkHeard(room))
  return faults
}

function checkHeard(room: RoomLedger): Fault[] {
  const heard = new Set(
    room.stretches.filter(({ isHistory }) => !isHistory).flatMap((one) => one.heard.map(({ key }) => key)),
  )
  const unheard = [...room.acknowledged].filter((key) => !heard.has(key))
  return unheard.map((key) => ({ wrong: 'lost', where: `${key}, acknowledged, which nobody heard in ${room.address}` }))
}

function checkKept(room: RoomLedger, archive: readonly RoomMessage[]): Fault[] {
  const faults: Fault[] = []
  const before = new Set<string>()
  const orders = new Set([...room.takenBack.keys()].map(retraction))
  let newest = 0
  for (const { archiveId, key, text } of archive) {
    const where = `${key} (${archiveId}) in the archive of ${room.address}`
    if (before.has(key)) faults.push({ wrong: 'doubled', where })
    before.add(key)
    if (!(Number(archiveId) > newest)) faults.push({ wrong: 'reordered', where })
    newest = Number(archiveId)
    const said = room.sent.get(key)
    const taken = room.takenBack.get(archiveId!)
    if (said === undefined && !orders.has(text)) faults.push({ wrong: 'strange', where })
    if (said !== undefined && text !== said && !(text === '' && taken !== undefined))
      faults.push({ wrong: 'changed', where })
    if (taken === 'made' && text !== '') faults.push({ wrong: 'lost', where: `the retraction of ${where}` })
  }
  return faults
}

function checkStretch(
  room: RoomLedger,
  { who, isHistory, heard }: Stretch,
  archive: readonly RoomMessage[],
  places: ReadonlyMap<string | undefined, number>,
): Fault[] {
  const faults: Fault[] = []
  let last = -1
  for (const { archiveId, key, text } of heard) {
    const where = `${key} (${archiveId}), heard by ${who} in ${room.address}`
    const place = archiveId === undefined ? undefined : places.get(archiveId)
    if (archiveId === undefined) faults.push({ wrong: 'renamed', where: `${where}: no id by the room, or several` })
    else if (place === undefined) faults.push({ wrong: 'lost', where })
    if (place === undefined) continue
    const kept = archive[place]!
    if (kept.key !== key) faults.push({ wrong: 'renamed', where: `${where}: the archive has ${kept.key}` })
    if (room.sent.get(key) !== undefined && text !== room.sent.get(key)) faults.push({ wrong: 'changed', where })
    if (place === last) faults.push({ wrong: 'doubled', where })
    else if (place < last) faults.push({ wrong: 'reordered', where })
    last = Math.max(last, place)
  }
  return isHistory ? faults.map((fault) => ({ ...fault, where: `${fault.where}, as history` })) : faults
}

/** What one occupant heard no other misses who was there before and after. */
function checkGaps(room: RoomLedger, places: ReadonlyMap<string | undefined, number>, whole: boolean): Fault[] {
  const live = room.stretches.filter(({ isHistory }) => !isHistory)
  const placesOf = ({ heard }: Stretch) =>
    heard.map(({ archiveId }) => places.get(archiveId)).filter((place) => place !== undefined)
  const all = [...new Set(live.flatMap(placesOf))].sort((a, b) => a - b)
  const faults: Fault[] = []
  for (const stretch of live) {
    const own = new Set(placesOf(stretch))
    const first = Math.min(...own)
    const last = whole && !stretch.isOver ? Number.POSITIVE_INFINITY : Math.max(...own)
    for (const place of all)
      if (place > first && place < last && !own.has(place))
        faults.push({
          wrong: 'lost',
          where: `message ${place} of ${room.address}, which others heard, for ${stretch.who}`,
        })
  }
  return faults
}
