/** What ties an address to a room for good (XEP-0045 §5.2). */
export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast'

/** Longest local part of a room's address, in octets (RFC 7622 §3.3). */
export const MAX_ROOM_BYTES = 1023
/** Longest nickname, in octets: a resource (RFC 7622 §3.4). */
export const MAX_NICK_BYTES = 1023
/** Longest URI of a hat, in octets, so that it fits into an index beside an address. */
export const MAX_HAT_URI_BYTES = 512
/** Longest tag of a language, in octets. */
export const MAX_LANG_BYTES = 255
/** Rooms, affiliations or hats on a page of a list at most; more is cut. */
export const MAX_PAGE = 1000

/** The subject of a room, and who set it. */
export interface SubjectRecord {
  readonly text: string
  readonly nick: string
  readonly occupantId: string
  readonly ms: number
  /** The message that set it, as XML. */
  readonly stanza?: string
}

/** A room as it is stored, without its affiliations. */
export interface RoomRecord {
  /** Never given to another room. */
  readonly id: number
  readonly local: string
  /** What its owners have said. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly subject: SubjectRecord | undefined
  readonly createdMs: number
  /** A bare JID; `''` once this account was deleted. */
  readonly creator: string
  readonly locked: boolean
  /**
   * Of its affiliations (XEP-0463): rises with each change. It begins at `createdMs`, so that no version of an earlier
   * room of the same address is taken for one of this.
   */
  readonly version: number
  /** Random; occupant ids are made with it. */
  readonly secret: string
}

/** What is needed to create a room. */
export type NewRoom = Pick<RoomRecord, 'local' | 'settings' | 'creator' | 'locked' | 'createdMs' | 'secret'>

/** What lists and searches know of a room without loading it: columns beside its settings. */
export interface RoomIndex {
  readonly name: string
  readonly description: string
  /** At most {@link MAX_LANG_BYTES} octets; `''` for none. */
  readonly lang: string
  /** Public rooms are in lists and searches, unless they are locked. */
  readonly isPublic: boolean
  readonly isPersistent: boolean
  /** Anybody may join: no password, and not for members only. */
  readonly isOpen: boolean
  /** Everybody sees the addresses of everybody. */
  readonly isNonAnonymous: boolean
}

/** A room in a list. */
export interface RoomSummary extends RoomIndex {
  readonly local: string
  /** When something last happened there, as far as it was noted. */
  readonly activeMs: number
}

/** What ties one address to a room. */
export interface AffiliationRecord {
  /** A bare JID or a domain. */
  readonly jid: string
  readonly affiliation: Affiliation
  /** The nickname reserved for this address. */
  readonly nick?: string
  readonly reason?: string
  /** The form of XEP-0045 §7.10, as it was filled in. */
  readonly registration?: Readonly<Record<string, string>>
}

/**
 * What an affiliation is to become. Nickname and registration stay as they are where they are left out, and go with the
 * affiliation when it becomes `none` or `outcast`; the nickname `''` sets the old one free. A reason that is left out is
 * forgotten when the affiliation changes.
 */
export type AffiliationChange = AffiliationRecord

/** An affiliation and the version with which it became what it is; `none` for one that was taken away. */
export interface VersionedAffiliation extends AffiliationRecord {
  readonly version: number
}

/** A page of a list of addresses: the first `limit` after `after`; from the start without it. */
export interface AddressPage {
  readonly after?: string
  readonly limit: number
}

/** What has changed since a version (XEP-0463). */
export interface AffiliationChanges {
  /** The version of now. */
  readonly until: number
  /** By version, then address; as many as were asked for. */
  readonly items: readonly VersionedAffiliation[]
}

/** A place in {@link AffiliationChanges}: that of the last item seen. */
export type ChangePosition = Pick<VersionedAffiliation, 'version' | 'jid'>

/** A room in which an address has an affiliation. */
export interface RoomAffiliation {
  readonly id: number
  readonly local: string
  readonly affiliation: Affiliation
}

/** A room in which an address had an affiliation until it was forgotten. */
export interface ForgottenAffiliation extends RoomAffiliation {
  /** The version of the room's affiliations since. */
  readonly version: number
}

/**
 * A page of rooms, by address, in the manner of XEP-0059: the first `limit` after `after`, or, when there is `before`, the
 * last `limit` before it; `''` stands before the first and after the last room. In ascending order either way.
 */
export interface RoomPage {
  readonly after?: string
  readonly before?: string
  readonly limit: number
  /** Besides public rooms, those that are not public but this bare JID is a member, admin or owner of. */
  readonly visibleTo?: string
}

/** A search for public rooms (XEP-0433). */
export interface RoomSearch {
  /** Words that must all be found, each in any of the fields; all rooms when there is none. See `searchTerms`. */
  readonly terms: readonly string[]
  readonly fields: readonly SearchField[]
  readonly sort: 'name' | 'address'
  /** The last room seen, as it was then. */
  readonly after?: Pick<RoomSummary, 'local' | 'name'>
  readonly limit: number
}

/** Where words are looked for. */
export type SearchField = 'name' | 'description' | 'address'

/** A hat that somebody may wear in a room (XEP-0317). */
export interface Hat {
  /** At most {@link MAX_HAT_URI_BYTES} octets. */
  readonly uri: string
  readonly title: string
  /** An angle as its creator wrote it. */
  readonly hue?: string
}

/** A hat on somebody. */
export interface WornHat extends Hat {
  readonly jid: string
}

/** The vCard of a room (XEP-0486). */
export interface RoomVcard {
  /** XML. */
  readonly vcard: string
  /** SHA-1 of each photo in hex, with spaces between; `''` when there is none. */
  readonly hash: string
}

/** A change was refused that would have left a room without an owner (XEP-0045 §10.4). */
export class LastOwnerError extends Error {
  override readonly name = 'LastOwnerError'
}

/** A nickname was not reserved, since it is for somebody else (XEP-0045 §7.10). */
export class NickTakenError extends Error {
  override readonly name = 'NickTakenError'
}

/** What was to be changed is of a room that is no more. */
export class RoomGoneError extends Error {
  override readonly name = 'RoomGoneError'
}
