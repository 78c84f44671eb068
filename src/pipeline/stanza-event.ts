import type { Jid } from '../jid/jid.ts'
import type { Host } from '../session/host.ts'
import type { Turn } from '../session/inbox.ts'
import type { Session } from '../session/session.ts'
import type { User } from '../session/user.ts'
import { type Slot, Slots } from '../util/slot.ts'
import type { Element } from '../xml/element.ts'
import { Wire } from '../xml/wire.ts'
import { Handover } from './handover.ts'

export type StanzaKind = 'iq' | 'message' | 'presence'

/** An element nobody may edit. A type only; at run time it is the same object. */
export interface ReadonlyElement {
  readonly name: string
  readonly attrs: Readonly<Record<string, string | undefined>>
  readonly children: readonly (ReadonlyElement | string)[]
  is(name: string, xmlns?: string): boolean
  getNS(): string | undefined
  getChild(name: string, xmlns?: string): ReadonlyElement | undefined
  getChildren(name: string, xmlns?: string): readonly ReadonlyElement[]
  getChildText(name: string, xmlns?: string): string | null
  getText(): string
  toString(): string
}

/** One stanza on its way through one flow: the stanza, its addresses, and whose side is being looked at. */
export class StanzaEvent {
  /** The stanza; its `from`, and outside presence broadcasts its `to`, are stamped and prepared. */
  readonly stanza: Element
  readonly kind: StanzaKind
  /** The value of `type`; for messages without one `normal` (RFC 6121 §5.2.2), for presence `''` is "available". */
  readonly type: string
  readonly from: Jid
  /** The addressee; without a `to`, the sender's own account (RFC 6120 §10.3). */
  readonly to: Jid
  /** Whether the stanza carries a `to`: presence without one is a broadcast. */
  readonly directed: boolean
  /** The local client session it came from; `null` for what the server or another server sent. */
  readonly origin: Session | null
  /** The host whose side of the conversation this flow is. */
  readonly host: Host
  /** The online local user of this side: the sender in `leaving`, the addressee in `arriving`. */
  readonly user: User | undefined
  /**
   * What must have ended, too, before the stanza counts as handled (XEP-0198 §4), though its flow goes on meanwhile; when
   * it rejects, the sender gets the error.
   */
  pending: Promise<void> | undefined
  /**
   * How the stanza stands to the one before it: what is visible of it waits for `turn.before`, and `turn.recorded` lets the
   * next be taken up.
   */
  turn: Turn | undefined
  /** When the stanza was first handed to a client, ms since the epoch, for one that comes back from there. */
  readonly sinceMs: number | undefined
  #wire: Wire | undefined
  #slots: Slots | undefined
  #handover: Handover | undefined
  #reached = false

  constructor(
    stanza: Element,
    kind: StanzaKind,
    type: string,
    from: Jid,
    to: Jid,
    directed: boolean,
    origin: Session | null,
    host: Host,
    user: User | undefined,
    sinceMs?: number,
  ) {
    this.stanza = stanza
    this.kind = kind
    this.type = type
    this.from = from
    this.to = to
    this.directed = directed
    this.origin = origin
    this.host = host
    this.user = user
    this.sinceMs = sinceMs
  }

  /** The stanza as it goes on the wire, serialised once; asked for after the last edit. */
  get wire(): Wire {
    this.#wire ??= Wire.of(this.stanza)
    return this.#wire
  }

  /** What a module notes on the event, for a later phase; the slot's initial value when it noted nothing. */
  get<T>(slot: Slot<T>): T {
    return this.#slots === undefined ? slot.initial() : this.#slots.get(slot)
  }

  set<T>(slot: Slot<T>, value: T): void {
    this.#slots ??= new Slots()
    this.#slots.set(slot, value)
  }

  /** The outcome that all clients who are handed the stanza share; made when the first of them acknowledges. */
  handover(): Handover {
    if (this.#handover === undefined) {
      this.#handover = new Handover(this.wire.text(), this.sinceMs ?? this.host.clock.now())
      this.#handover.reached = this.#reached
    }
    return this.#handover
  }

  /** Somebody got the stanza who acknowledges nothing: it is out of our hands. */
  reached(): void {
    this.#reached = true
    if (this.#handover !== undefined) this.#handover.reached = true
  }
}

/** An event whose stanza may be looked at but not touched. */
export type Sealed<E extends StanzaEvent = StanzaEvent> = Omit<E, 'stanza'> & { readonly stanza: ReadonlyElement }
