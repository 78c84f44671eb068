import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type Element, Jid, serialize } from '../../src/api.ts'
import type { Bed } from './bed.ts'
import { FORM, MUC_OWNER, STANZAS } from './room.ts'
import { stanzaOf } from './room-deeds.ts'
import { Guest, PASSWORD, Patience } from './room-guest.ts'
import { type Affiliation, type Deed, type Order, RoomModel } from './room-model.ts'
import { readLists, readSettings, readSubject } from './room-survey.ts'
import { mustAgree, type Play, RoomView } from './room-view.ts'

const SERVICE_ADMIN = 'root@localhost'

/** Some who do things in rooms, all at once, and what must come of it. */
export class RoomPlay implements Play {
  readonly #bed: Bed
  readonly #guests: readonly Guest[]
  /** Knows all, and looks at the rooms when all rest. */
  readonly #root: Guest = new Guest('root/1')
  readonly #models: Map<string, RoomModel> = new Map()
  readonly #orders: Map<string, Order> = new Map()
  readonly #open: Map<string, Set<Order>> = new Map()
  readonly #rooms: readonly string[]
  #failure: unknown
  #isOver = false
  #count = 0
  #turns = 0
  /** The number of the last order that was done of each client in each room. */
  readonly #last: Map<string, number> = new Map()
  accepted = 0
  refused = 0
  /** What was sent and heard, for whoever looks for a mistake. */
  readonly log: string[] = []

  constructor(bed: Bed, guests: readonly string[], rooms: number) {
    this.#bed = bed
    this.#guests = guests.map((name) => new Guest(name))
    this.#rooms = Array.from({ length: rooms }, (_, index) => `room${index}@conference.localhost`)
    for (const room of this.#rooms) {
      const model = new RoomModel(SERVICE_ADMIN)
      this.#models.set(room, model)
      this.#open.set(room, new Set())
      for (const guest of this.#all) guest.views.set(room, new RoomView(guest, room, model, this))
    }
  }

  get #all(): readonly Guest[] {
    return [...this.#guests, this.#root]
  }

  async begin(): Promise<void> {
    const { accounts } = this.#bed.server.hosts.get('localhost')!
    for (const local of new Set(this.#all.map((guest) => guest.local))) await accounts.create(local, PASSWORD)
  }

  /** Those who have no connection get one. Nothing that this has begun is under way afterwards. */
  async connects(): Promise<void> {
    const others = this.#all.filter(({ client }) => client === undefined)
    for (const guest of others) await this.#connects(guest)
    if (others.length > 0) await this.#fence()
  }

  /** Everybody goes, and the rooms have done what that brings about. */
  async end(): Promise<void> {
    this.#isOver = true
    for (const { client } of this.#guests) client?.transport.cut()
    await this.#gone(this.#guests)
    if (this.#failure === undefined) await this.#inTurn()
    this.#root.client?.transport.cut()
    await this.#gone([this.#root])
  }

  async #connects(guest: Guest): Promise<void> {
    await guest.connects(
      this.#bed,
      (stanza) => this.#heard(guest, stanza),
      (error) => this.#fail(error),
    )
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  // ---- doing ----

  /** Somebody sends something, and does not wait for what comes of it. */
  does(who: number, room: number, deed: Deed): void {
    this.#sends(this.#guests[who]!, this.#rooms[room]!, deed)
  }

  #sends(by: Guest, room: string, deed: Deed): void {
    if (this.#failure !== undefined) throw this.#failure
    const open = this.#open.get(room)!
    if (by.client === undefined) return
    // A configuration tells itself by what it brings about: there must not be two.
    if (deed.kind === 'configure' && [...open].some((order) => order.deed.kind === 'configure')) return
    const number = ++this.#count
    const id = `${deed.kind}-${number}`
    const { isUnsure } = this.#models.get(room)!
    const fresh = { state: 'open', turn: 0, possible: new Set<string>(), isPossible: false, isSeen: false } as const
    const order: Order = { id, by, deed, number, ...fresh, isSure: !isUnsure }
    this.#orders.set(id, order)
    open.add(order)
    this.#reconsider(room)
    const text = stanzaOf(id, room, deed, by.views.get(room)!.nick)
    this.log.push(`${by.jid} > ${text}`)
    by.send(text)
  }

  /** Somebody's connection is cut: nobody knows what became of what was sent before. */
  cuts(who: number): void {
    if (this.#failure !== undefined) throw this.#failure
    const guest = this.#guests[who]!
    if (guest.client === undefined) return
    this.log.push(`${guest.jid} is cut`)
    guest.client.transport.cut()
    guest.client = undefined
    // What it has not seen by now it never sees, and others may be shown it long after.
    for (const order of this.#orders.values()) if (order.by === guest) order.isSeen = true
    for (const [room, view] of guest.views) {
      const open = [...this.#open.get(room)!]
      const own = open.filter((order) => order.by === guest)
      if (view.phase !== 'out' || own.length > 0) {
        this.#models.get(room)!.isUnsure = true
        for (const order of open) order.isSure = false
      }
      for (const order of own) this.#close(room, order, 'lost')
      view.cut()
    }
  }

  #close(room: string, order: Order, state: Order['state']): void {
    order.state = state
    this.#open.get(room)!.delete(order)
  }

  /** Keeps for each open order how it may be refused by what the room is now. */
  #reconsider(room: string): void {
    const model = this.#models.get(room)!
    for (const order of this.#open.get(room)!) {
      const refusals = model.refusals(order)
      if (refusals.length === 0) order.isPossible = true
      for (const one of refusals) order.possible.add(one)
    }
  }

  #roomOf(order: Order): string {
    for (const [room, open] of this.#open) if (open.has(order)) return room
    throw new Error(`${order.id} is not open`)
  }

  // ---- hearing ----

  #heard(guest: Guest, stanza: Element): void {
    if (this.#failure !== undefined) return
    const text = serialize(stanza)
    this.log.push(`${guest.jid} < ${text}`)
    try {
      this.#take(guest, stanza)
    } catch (error) {
      const { message } = error as Error
      this.#fail(new Error(`${guest.jid}: ${message}\n  ${text}`, { cause: error }))
    }
  }

  #take(guest: Guest, stanza: Element): void {
    const { id = '', type, from } = stanza.attrs
    const waiting = guest.asked.get(id)
    if (stanza.name === 'iq' && waiting !== undefined) {
      guest.asked.delete(id)
      return waiting(stanza)
    }
    if (this.#isOver) return
    const order = this.#orders.get(id)
    if (type === 'error' || stanza.name === 'iq') {
      assert.ok(order !== undefined && order.by === guest, 'an answer to nothing')
      if (type !== 'error') return this.accept(order)
      return this.#refuse(order, stanza.getChild('error')!.getChildElements()[0]!.name, stanza)
    }
    const view = guest.views.get(Jid.parse(from!).bare.toString())
    assert.ok(view, 'a stanza from elsewhere')
    view.take(stanza)
  }

  order(id: string): Order | undefined {
    return this.#orders.get(id)
  }

  open(room: string): Iterable<Order> {
    return this.#open.get(room)!
  }

  accept(order: Order): void {
    order.turn ||= ++this.#turns
    if (order.state === 'accepted' || order.state === 'lost') return
    assert.notEqual(order.state, 'refused', `${order.id} was refused, and has an effect`)
    const room = this.#roomOf(order)
    this.#close(room, order, 'accepted')
    this.accepted++
    this.#mustFollow(room, order)
    const model = this.#models.get(room)!
    if (model.isUnsure) return
    // What goes to one alone takes a way of its own, and comes when it comes.
    if (order.deed.kind === 'whisper') return assert.ok(order.isPossible, `${order.id} must be refused`)
    assert.deepEqual(model.refusals(order), [], `${order.id} must be refused`)
    model.apply(order)
    this.#reconsider(room)
  }

  /** What one sends to a room is done in the order in which it was sent, but for what goes to one alone. */
  #mustFollow(room: string, { id, by, deed, number }: Order): void {
    // Which of several like these was done cannot always be told.
    if (deed.kind === 'appear' || deed.kind === 'leave' || deed.kind === 'whisper') return
    const key = `${by.jid} ${room}`
    assert.ok(number > (this.#last.get(key) ?? 0), `${id} is done after what was sent later`)
    this.#last.set(key, number)
  }

  #refuse(order: Order, condition: string, stanza: Element): void {
    assert.ok(stanza.getChild('error')!.getChild(condition, STANZAS))
    if (order.state === 'accepted' && order.isSure) {
      // Of several entries under one nick it was another that was done: an error may come a little late.
      const isAlike = ({ by, deed }: Order) =>
        by === order.by && deed.kind === 'appear' && order.deed.kind === 'appear' && deed.nick === order.deed.nick
      for (const [room, open] of this.#open)
        for (const other of open)
          if (isAlike(other)) {
            this.#close(room, other, 'accepted')
            other.isSeen = order.isSeen
            order.state = 'refused'
            return
          }
      assert.fail(`${order.id} was done, and is refused`)
    }
    if (order.state !== 'open') return
    this.#close(this.#roomOf(order), order, 'refused')
    this.refused++
    if (order.isSure)
      assert.ok(order.possible.has(condition), `${order.id}: ${condition}, not ${[...order.possible].join(' or ')}`)
  }

  // ---- resting ----

  /** Waits until all is over, and looks whether all know the same. */
  async rests(): Promise<void> {
    await this.#until(
      () => this.#unanswered().length === 0,
      () => `no answer to ${this.#unanswered().join(', ')}`,
    )
    await this.#gone(this.#guests.filter(({ client }) => client === undefined))
    await this.#fence()
    for (const room of this.#rooms) await this.#look(room)
    assert.deepEqual(this.#bed.errors, [], 'the server logged errors')
  }

  #unanswered(): string[] {
    const open = [...this.#open.values()].flatMap((orders) => [...orders])
    const isAwaited = ({ deed, isSure }: Order) => deed.kind !== 'leave' && (deed.kind !== 'whisper' || isSure)
    return open.filter(isAwaited).map(({ id }) => id)
  }

  async #until(isSo: () => boolean, what: () => string): Promise<void> {
    const patience = new Patience()
    while (!isSo()) {
      if (this.#failure !== undefined) throw this.#failure
      if (patience.isOver) throw new Error(what())
      await setImmediate()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async #gone(guests: readonly Guest[]): Promise<void> {
    const host = this.#bed.server.hosts.get('localhost')!
    const isThere = ({ jid }: Guest) => host.user(Jid.parse(jid))?.sessions.get(Jid.parse(jid).resource) !== undefined
    const patience = new Patience()
    while (guests.some(isThere)) {
      if (patience.isOver) throw new Error('sessions do not end')
      await setImmediate()
    }
  }

  /** Waits until the rooms have done all that was sent, and everybody has heard it. */
  async #fence(): Promise<void> {
    await this.#pings()
    for (const { inbox } of this.#all) await inbox?.idle()
    await this.#inTurn()
    await this.#pings()
    for (const [room, open] of this.#open) for (const order of [...open]) this.#close(room, order, 'lost')
  }

  /** Waits until all that was sent has been taken up, and all that there is to hear was heard. */
  async #pings(): Promise<void> {
    for (const guest of this.#all) await this.#asks(guest, 'get', 'localhost', `<ping xmlns='urn:xmpp:ping'/>`)
  }

  /** Waits until the rooms have done all that they were told to. */
  async #inTurn(): Promise<void> {
    // Refused, but in its turn.
    for (const room of this.#rooms) await this.#asks(this.#root, 'set', room, `<query xmlns='${MUC_OWNER}'/>`)
  }

  async #asks(guest: Guest, type: string, to: string, payload: string): Promise<Element | undefined> {
    if (guest.client === undefined) return undefined
    const id = `ask-${++this.#count}`
    let answer: Element | undefined
    const asked = guest.asks(id, `<iq type='${type}' id='${id}' to='${to}'>${payload}</iq>`)
    asked.then((element) => (answer = element))
    await this.#until(
      () => answer !== undefined,
      () => `no answer to ${payload}`,
    )
    return answer
  }

  readonly #reads = async (to: string, payload: string) => (await this.#asks(this.#root, 'get', to, payload))!

  async #look(room: string): Promise<void> {
    const model = this.#models.get(room)!
    const lists = await readLists(this.#reads, room)
    if (model.isUnsure) await this.#learn(room, lists)
    assert.equal(lists !== undefined, model.exists, `${room} ${model.exists ? 'is not' : 'is'} there`)
    if (lists !== undefined) {
      assert.deepEqual(sorted(lists), sorted(model.affiliations), `the lists of ${room}`)
      if (!model.locked)
        assert.deepEqual(await readSettings(this.#reads, room), model.settings, `the settings of ${room}`)
      await this.#enters(room)
    }
    this.#compare(room)
    if (lists === undefined) return
    this.#sends(this.#root, room, { kind: 'leave' })
    await this.#fence()
    this.#compare(room)
  }

  /** Somebody new must be told what the others know. */
  async #enters(room: string): Promise<void> {
    this.#sends(this.#root, room, { kind: 'appear', nick: 'root', withX: true })
    await this.#until(
      () => this.#unanswered().length === 0,
      () => 'nobody new comes in',
    )
    await this.#fence()
  }

  #compare(room: string): void {
    const model = this.#models.get(room)!
    const residents = [...model.residents].map(([nick, { affiliation, role }]) => [nick, affiliation, role])
    const ids = new Map<string, string>()
    const last = new Set<string | undefined>()
    for (const { jid, client, views } of this.#all) {
      const view = views.get(room)!
      const isIn = client !== undefined && model.placeOf(jid) !== undefined
      assert.equal(view.phase, isIn ? 'in' : 'out', `${jid} in ${room}`)
      if (!isIn) continue
      assert.equal(view.nick, model.placeOf(jid)![0], `the nick of ${jid} in ${room}`)
      const seen = [...view.roster].map(([nick, { affiliation, role }]) => [nick, affiliation, role])
      assert.deepEqual(seen.sort(), residents.sort(), `the occupants of ${room} as ${jid} knows them`)
      for (const [nick, { id }] of view.roster) assert.equal(ids.get(nick) ?? id, id, `the id of ${nick}`)
      for (const [nick, { id }] of view.roster) ids.set(nick, id)
      last.add(view.spans.at(-1)!.at(-1))
    }
    assert.ok(last.size <= 1, `the last message of ${room} is one of ${[...last].join(', ')}`)
    const unheard = [...model.removed.keys()]
    assert.deepEqual(unheard, [], `out of ${room} and not told`)
    mustAgree(
      room,
      this.#all.map(({ views }) => views.get(room)!),
    )
  }

  /** Finds out what a room is like in which somebody's connection was cut. */
  async #learn(room: string, lists: ReadonlyMap<string, Affiliation> | undefined): Promise<void> {
    const model = this.#models.get(room)!
    if (lists === undefined) return model.learn(undefined)
    const open = `<query xmlns='${MUC_OWNER}'><x xmlns='${FORM}' type='submit'/></query>`
    await this.#asks(this.#root, 'set', room, open)
    const settings = await readSettings(this.#reads, room)
    await this.#fence()
    model.learn({ settings, affiliations: lists })
    for (const { jid, account, views } of this.#all) {
      const { nick, phase, roster } = views.get(room)!
      if (phase === 'out') continue
      const { affiliation, role } = roster.get(nick)!
      const resident = model.residents.get(nick) ?? { account, affiliation, role, seats: new Set() }
      assert.equal(resident.account, account, `${nick} is two`)
      resident.seats.add(jid)
      model.residents.set(nick, resident)
    }
    model.subject = await readSubject(this.#reads, room)
  }
}

function sorted(map: ReadonlyMap<string, unknown>): unknown[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}
