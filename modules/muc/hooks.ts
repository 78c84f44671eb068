import {
  defineCollection,
  defineQuestion,
  type Element,
  type FormField,
  type Jid,
  type ReadonlyElement,
  type StanzaEvent,
} from '#api'
import type { Occupant, Seat } from './occupant.ts'
import type { Affiliation } from './records.ts'
import type { Room } from './room.ts'
import type { AnySetting } from './setting.ts'

type Awaitable<T> = T | Promise<T>

export { mustRead, seesJids } from './access.ts'
export type { Affiliation } from './records.ts'
export type { Room } from './room.ts'
export { flagSetting } from './setting.ts'

/** Somebody who wants to enter a room, or to have another nick in it. */
export interface Entry {
  readonly room: Room
  /** The real full JID. */
  readonly from: Jid
  /** An aspect may give somebody who enters another; the room says so (XEP-0045 §7.2.2, code 210). */
  nick: string
  readonly affiliation: Affiliation
  /** `<x xmlns='http://jabber.org/protocol/muc'/>`; absent with clients of old (XEP-0045 §7.2.1). */
  readonly x: ReadonlyElement | undefined
  /** Set for somebody who is in the room already, as somebody else. */
  readonly seat: Seat | undefined
  /** Whether the room is being created. */
  readonly creates: boolean
}

/** Something an occupant says to all. */
export interface Speech {
  readonly room: Room
  readonly occupant: Occupant
  readonly seat: Seat
  /** As the sender gave it until the room has shaped it, then as all get it. */
  readonly stanza: Element
  /** Whether it is a change of the subject (XEP-0045 §8.1): a subject, and neither body nor thread. */
  readonly isSubject: boolean
}

/** An IQ request to a room, to its service or, past an occupant, to a room. */
export interface RoomRequest {
  readonly room: Room
  /** The real full JID. */
  readonly from: Jid
  /** The asker's place in the room. */
  readonly seat: Seat | undefined
  readonly event: StanzaEvent
  /** The asker's affiliation, whether in the room or not. */
  affiliation(): Promise<Affiliation>
  /** Has something done once the asker has the result, before anything else happens in the room. */
  afterwards(work: () => void | Promise<void>): void
}

/** A request that a room answers: returns the payload of the result or nothing, throws `StanzaError` to refuse. */
export interface RoomIq {
  readonly type: 'get' | 'set'
  readonly name: string
  readonly xmlns: string
  /** Whether other things go on in the room while it is answered: for what changes nothing. `get` is so unless told. */
  readonly isShared?: boolean
  /** Whether it is answered for a room that does not exist. */
  readonly isForNoRoom?: boolean
  readonly handler: (query: Element, request: RoomRequest) => Element | void | Promise<Element | void>
}

/** A change of a room's configuration. */
export interface Reconfiguration {
  readonly room: Room
  /** The value of a setting before. */
  was<T>(setting: { readonly key: string; readonly initial: T }): T
  /** XEP-0045 §10.2.1: what the occupants are told beside 104. */
  readonly codes: Set<number>
}

/**
 * One capability of rooms, such as their passwords: its settings, and what it does at the points that rooms offer. What it guards it
 * refuses by throwing `StanzaError`. Whatever is not said to be awaited must not take time.
 */
export interface RoomAspect {
  readonly name: string
  readonly settings?: readonly AnySetting[]
  /** Features of the service (XEP-0030). */
  readonly serviceFeatures?: readonly string[]
  /** Features of a room. */
  features?(room: Room): readonly string[]
  /** Fields of a room's `muc#roominfo` form; awaited. `isInside` is false for those who may not know what goes on in it. */
  info?(room: Room, isInside: boolean): readonly FormField[] | Promise<readonly FormField[]>
  /** The answer of service discovery for a node of a room, `undefined` for one that is none of the aspect's; awaited. */
  node?(node: string, of: 'info' | 'items', request: RoomRequest): Awaitable<Element | undefined>
  readonly iqs?: readonly RoomIq[]
  /** Guards the presence of whoever enters or is in the room, before all else. */
  showing?(event: StanzaEvent): void
  /** Guards an entry and a change of nick; awaited. */
  entering?(entry: Entry): void | Promise<void>
  /** What whoever enters is sent before all else, once nothing can keep it out; awaited. */
  welcoming?(entry: Entry): Awaitable<readonly Element[]>
  /** Elements in the `<x/>` of the own presence of whoever enters. */
  ownX?(room: Room): readonly Element[]
  /**
   * Guards presence of somebody who is in the room already (XEP-0045 §7.7); `isAgain` when the client enters once more and
   * wants to be told everything.
   */
  updating?(room: Room, seat: Seat, isAgain: boolean): void
  /** XEP-0045 §7.2.2: status codes of one's own presence. */
  codes?(room: Room, occupant: Occupant): readonly number[]
  /** An occupant, or another client of one, is in; everybody has heard. */
  entered?(room: Room, seat: Seat): void
  /** A client is out, by itself or not; its occupant may still be in with others. Everybody has heard, or will. */
  vacated?(room: Room, seat: Seat): void
  /** An occupant has left with its last client; everybody has heard. */
  left?(room: Room, occupant: Occupant): void
  /** Payload that an occupant's presence bears beside what the client gave. */
  presence?(room: Room, occupant: Occupant): readonly Element[]
  /** Names of payload, `name xmlns`, that only the room gives and so is taken out of what occupants send. */
  readonly forbidden?: readonly string[]
  /** Guards what is said to all. */
  speaking?(speech: Speech): void
  /** Guards what an occupant writes to another alone (XEP-0045 §7.5). */
  whispering?(room: Room, seat: Seat, event: StanzaEvent): void
  /** A client has answered what it was sent by an error. */
  bounced?(room: Room, seat: Seat, event: StanzaEvent): void
  /** Guards what an occupant asks another (XEP-0045 §17.4). */
  asking?(room: Room, seat: Seat, event: StanzaEvent): void
  /** Guards a change by which the room writes to up to so many who are not in it. */
  telling?(account: Jid, people: number): void
  /** Edits what is said to all, before it is kept. */
  shaping?(speech: Speech): void
  /** What is to be done once it is on disk, before anybody hears it; a rejection refuses it. */
  following?(speech: Speech): (() => Promise<void>) | undefined
  /** It has been said. */
  said?(speech: Speech): void
  /**
   * Takes a message that is addressed to the room and is not of type `groupchat`: true when it was meant. Awaited, and
   * alone.
   */
  message?(room: Room, event: StanzaEvent): boolean | Promise<boolean>
  /** The configuration has changed, and is on disk. */
  configured?(change: Reconfiguration): void
  /** Guards what owners configure, before anything is changed. */
  configuring?(room: Room, values: Readonly<Record<string, unknown>>): void
  /** Affiliations have changed, are on disk, and have been announced. */
  affiliated?(room: Room, changes: readonly { readonly jid: string; readonly affiliation: Affiliation }[]): void
  /** The room is no more: removes what is kept of it; awaited, and done again when it was not done. */
  destroying?(room: Room): void | Promise<void>
  /** What members may say of themselves when they register (XEP-0045 §7.10) beside a nick; nothing of it is required. */
  readonly registrationFields?: readonly FormField[]
  /** What somebody registered has changed, or is no more, and is on disk. */
  registered?(room: Room, jid: string): void
  /** Hears presence that is sent to the service itself. */
  servicePresence?(event: StanzaEvent): void | Promise<void>
}

/** What other modules add to rooms. Made for each service. */
export const roomAspects = defineCollection<RoomAspect>('muc/aspects', 'Capabilities of rooms.')

/** That a message of a room was taken back (XEP-0424, XEP-0425). */
export interface RoomRetraction {
  /** The id of the message, as the room gave it (XEP-0359). */
  readonly id: string
  /** Whose message it must be, a real bare JID; anybody's when it is not given. */
  readonly author?: string
  /** `<retracted/>`, which is put in the place of all that the message said; not to be changed. */
  readonly retracted: Element
}

/** Where the messages of rooms are kept. */
export interface RoomArchive {
  /** Whether a message is to be kept; after it is shaped. */
  keeps(speech: Speech): boolean
  /**
   * Takes a message as it will be sent out; it may add to it at once, such as the id. Resolves once it is on disk, in the order of
   * calls; rejects with `StanzaError` when it cannot be put there.
   */
  append(speech: Speech): Promise<void>
  /** Takes a message of the room's own, such as that something was retracted; as `append`, and also where `keeps` says no. */
  appendOwn(room: Room, stanza: Element): Promise<void>
  /** Whether there is a message of this id, which says something still: no tombstone, and no retraction. */
  has(room: Room, id: string): Promise<boolean>
  /**
   * Puts a tombstone in the place of a message (XEP-0424 §4): of what it bore only its addresses, its id and its occupant id
   * stay. False, and nothing is done, when `has` says no or it is not the author's.
   */
  retract(room: Room, retraction: RoomRetraction): Promise<boolean>
  /** The newest messages of a room, oldest first, for those who enter (XEP-0045 §7.2.13): each with its time, ms since the epoch. */
  newest(room: Room, max: number): Promise<readonly { readonly stanza: Element; readonly ms: number }[]>
}
/** Asked once all modules are set up. */
export const roomArchive = defineQuestion<{ readonly service: string }, RoomArchive | undefined>(
  'muc/archive',
  undefined,
  'Who keeps the messages of the rooms of a service?',
)

/** A message of a room, on its way to an account that does not hear it in the room. */
export interface PastMessage {
  /** A bare JID. */
  readonly account: Jid
  readonly stanza: ReadonlyElement
}
/** Whoever says yes, such as a policy of who may know what, keeps it from the account; messages that are heard pass its flow. */
export const messageWithheld = defineQuestion<PastMessage, boolean>(
  'muc/message-withheld',
  false,
  'An account is about to get a message of a room from an archive, or while away: is it kept from it?',
)
