import { type Cancel, Element, type Jid, randomId, StanzaError, type StanzaEvent, xml } from '#api'
import { NS_INFO, NS_ITEMS } from '../../disco/index.ts'
import type { RoomAspect } from '../hooks.ts'
import { NS_MUC } from '../namespaces.ts'
import type { Occupant, Seat } from '../occupant.ts'
import type { Room } from '../room.ts'
import type { RoomService } from '../service.ts'
import { anonymousError } from './private-messages.ts'

const NS_PING = 'urn:xmpp:ping'
/** What accounts answer rather than their clients: XEP-0054 §3.2, XEP-0060 §5. */
const OF_ACCOUNT = ['vcard-temp', 'http://jabber.org/protocol/pubsub']
/** How long an answer is waited for. */
const PATIENCE_MS = 120_000
/** Requests that wait for their answers: of one account, in whatever rooms, and of all. */
const MOST = 100
const MOST_IN_ALL = 20_000

/** Requests from one occupant to another, through the room (XEP-0045 §17.4), and to oneself (XEP-0410). */
export function relaying(service: RoomService): RoomAspect {
  const relay = new Relay(service)
  service.relay = (room, event) => relay.take(room, event)
  service.serviceIqs.set(`get ping ${NS_PING}`, () => {})
  return {
    name: 'relay',
    serviceFeatures: [NS_PING],
    features: () => [`${NS_MUC}#self-ping-optimization`],
    iqs: [{ type: 'get', name: 'ping', xmlns: NS_PING, handler: () => {} }],
    vacated: (_room, seat) => relay.forget(seat),
  }
}

/** A request on its way. */
interface Asked {
  /** Who asked, and with which id. */
  readonly asker: Seat
  readonly id: string
  /** The occupant address that was asked. */
  readonly to: Jid
  /** The real address that is to answer. */
  readonly answerer: string
  readonly cancel: Cancel
}

/**
 * Carries requests and answers between occupants, so that neither learns the other's real address. A request goes to one
 * client of the occupant, or to its account.
 */
class Relay {
  readonly #service: RoomService
  /** By the id that the request has on its second leg. */
  readonly #asked = new Map<string, Asked>()
  /** Those of a client in a room. */
  readonly #ofSeat = new Map<Seat, Set<string>>()
  /** How many an account waits for, by bare JID. */
  readonly #ofAccount = new Map<string, number>()

  constructor(service: RoomService) {
    this.#service = service
  }

  take(room: Room, event: StanzaEvent): void {
    if (event.type === 'get' || event.type === 'set') return this.#ask(room, event)
    this.#answer(event)
  }

  #ask(room: Room, event: StanzaEvent): void {
    const { to, stanza } = event
    const query = stanza.getChildElements()[0]!
    const seat = room.seat(event.from)
    if (seat === undefined) throw strangerRefused(query)
    const occupant = room.occupants.get(to.resource)
    if (occupant === undefined) throw new StanzaError('item-not-found', 'Nobody of this nick is in the room.')
    // XEP-0410 §3.3: the room knows best.
    if (occupant === seat.occupant && event.type === 'get' && query.is('ping', NS_PING))
      return void this.#service.reply(event, undefined)
    for (const aspect of this.#service.doing('asking')) aspect.asking(room, seat, event)
    const own = this.#ofSeat.get(seat) ?? new Set()
    const waiting = this.#waiting(seat)
    if (waiting >= MOST || this.#asked.size >= MOST_IN_ALL)
      throw new StanzaError('resource-constraint', 'Too many requests wait for their answers.')
    const isForAccount = event.type === 'get' && OF_ACCOUNT.includes(query.attrs['xmlns'] ?? '')
    const answerer = isForAccount ? occupant.account.toString() : clientOf(occupant).address
    const id = randomId()
    this.#ofSeat.set(seat, own.add(id))
    this.#ofAccount.set(seat.occupant.account.toString(), waiting + 1)
    const cancel = this.#service.clock.after(PATIENCE_MS, () => this.#expire(id))
    this.#asked.set(id, { asker: seat, id: stanza.attrs['id']!, to, answerer, cancel })
    this.#service.host.route(xml('iq', { type: event.type, id, from: seat.occupant.address, to: answerer }, query))
  }

  #answer({ from, type, stanza }: StanzaEvent): void {
    const id = stanza.attrs['id'] ?? ''
    const asked = this.#asked.get(id)
    // Whoever was not asked does not answer.
    if (asked === undefined || asked.answerer !== from.toString()) return
    this.#settle(id, asked)
    const children = stanza.children.map((child) =>
      type === 'error' && typeof child !== 'string' && child.name === 'error' ? anonymousError(child) : child,
    )
    this.#reply(asked, type, children)
  }

  #expire(id: string): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#settle(id, asked)
    const late = new StanzaError('remote-server-timeout', 'No answer has come.', { by: asked.to.bare })
    this.#reply(asked, 'error', [late.toElement()])
  }

  #reply({ asker, id, to }: Asked, type: string, children: Element['children']): void {
    const reply = new Element('iq', { type, id, from: to.toString(), to: asker.address })
    reply.children = children
    this.#service.host.route(reply)
  }

  #settle(id: string, { asker, cancel }: Asked): void {
    cancel()
    this.#asked.delete(id)
    const own = this.#ofSeat.get(asker)
    own?.delete(id)
    if (own?.size === 0) this.#ofSeat.delete(asker)
    const account = asker.occupant.account.toString()
    const waiting = this.#waiting(asker) - 1
    if (waiting > 0) this.#ofAccount.set(account, waiting)
    else this.#ofAccount.delete(account)
  }

  #waiting({ occupant }: Seat): number {
    return this.#ofAccount.get(occupant.account.toString()) ?? 0
  }

  /** A client has left: nobody waits for the answers to what it asked any more. */
  forget(seat: Seat): void {
    for (const id of [...(this.#ofSeat.get(seat) ?? [])]) this.#settle(id, this.#asked.get(id)!)
  }
}

/** The client that answers for an occupant: one that is connected, if there is one. */
function clientOf({ seats }: Occupant): Seat {
  return seats.find(({ session }) => session?.resting !== true) ?? seats[0]!
}

/** XEP-0045 §6.6, XEP-0410 §3.2; also where there is no room, of which a client may think that it is in it. */
function strangerRefused(query: Element): StanzaError {
  if (query.is('query', NS_INFO) || query.is('query', NS_ITEMS))
    return new StanzaError('bad-request', 'Only those who are in the room may ask its occupants.')
  return new StanzaError('not-acceptable', 'You are not in this room.', { type: 'cancel' })
}
