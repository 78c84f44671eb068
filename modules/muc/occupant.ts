import type { Element, Jid, Session, Wire } from '#api'
import type { Affiliation } from './records.ts'

/** XEP-0045 §5.1. */
export type Role = 'moderator' | 'none' | 'participant' | 'visitor'

/** One client in a room: an account's session, on this server or elsewhere. */
export class Seat {
  /** The real full JID. */
  readonly jid: Jid
  readonly address: string
  /** The session on this server; `undefined` for somebody from elsewhere. */
  readonly session: Session | undefined
  /** Grows with each client that enters the room. */
  readonly number: number
  /** Whom it is in the room; a change of nick gives it another. */
  occupant: Occupant

  constructor(jid: Jid, session: Session | undefined, number: number, occupant: Occupant) {
    this.jid = jid
    this.address = jid.toString()
    this.session = session
    this.number = number
    this.occupant = occupant
  }
}

/** Who is in a room under one nick: one account, with one or several clients. */
export class Occupant {
  /** `room@service/nick`. */
  readonly jid: Jid
  readonly address: string
  /** The real bare JID. */
  readonly account: Jid
  /** XEP-0421. */
  readonly id: string
  affiliation: Affiliation
  role: Role
  /** In the order in which they came. */
  readonly seats: Seat[] = []
  /** The last presence of one of the clients, of which only the payload is shown. */
  presence: Element
  /** That presence as others see it: with and without the real JID. Made when it is wanted. */
  shown: { readonly full: Wire | undefined; readonly anonymous: Wire | undefined } | undefined

  constructor(jid: Jid, account: Jid, id: string, affiliation: Affiliation, role: Role, presence: Element) {
    this.jid = jid
    this.address = jid.toString()
    this.account = account
    this.id = id
    this.affiliation = affiliation
    this.role = role
    this.presence = presence
  }

  get nick(): string {
    return this.jid.resource
  }
}
