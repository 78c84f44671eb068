import assert from 'node:assert/strict'
import { type Element, Jid } from '../../src/api.ts'
import { codesOf, DELAY, itemOf, MUC_USER, OCCUPANT_ID } from './room.ts'
import type { Affiliation, Order, Person, Resident, Role, RoomModel } from './room-model.ts'

/** An occupant as a client sees it. */
export interface Seen {
  readonly affiliation: Affiliation
  readonly role: Role
  /** XEP-0421. */
  readonly id: string
}

/** What a client's view of a room asks of the play that it is part of. */
export interface Play {
  /** The order of this id. */
  order(id: string): Order | undefined
  /** The orders of a room whose outcome is not known yet, in the order in which they were sent. */
  open(room: string): Iterable<Order>
  /** It has been done; fails when it must not be. */
  accept(order: Order): void
}

/**
 * What a client knows of a room, from what it has heard alone. Each stanza must make sense after those before it, and be in
 * keeping with the model as far as that is sure.
 */
export class RoomView {
  readonly #me: Person
  readonly #room: string
  readonly #model: RoomModel
  readonly #play: Play
  /** `greeted` between one's own presence and the subject. */
  phase: 'greeted' | 'in' | 'out' = 'out'
  nick = ''
  /** By nick, oneself too. */
  readonly roster: Map<string, Seen> = new Map()
  /** The ids of the messages that were heard in one go, history and what came after. */
  spans: string[][] = []
  /** What was heard before one's own presence. */
  #before: Element[] = []
  /** The history that comes for somebody who is there already. */
  #again: string[] | undefined
  /** The turn of what was said last. */
  #turn = 0
  /** After a change of nick the new one comes next. */
  #next: string | undefined

  constructor(me: Person, room: string, model: RoomModel, play: Play) {
    this.#me = me
    this.#room = room
    this.#model = model
    this.#play = play
  }

  /** The connection is gone. */
  cut(): void {
    this.phase = 'out'
    this.roster.clear()
    this.#before = []
    this.#again = undefined
    this.#next = undefined
  }

  /** Takes a presence or a message that came from an address of the room and is no error. */
  take(stanza: Element): void {
    const nick = Jid.parse(stanza.attrs['from']!).resource
    if (stanza.name === 'message') return this.#message(stanza, nick)
    const isOwn = codesOf(stanza).includes(110)
    const isRenamed = this.#next !== undefined
    if (isRenamed) assert.equal(nick, this.#next, 'after a change of nick the new one comes next')
    this.#next = undefined
    if (stanza.attrs['type'] === 'unavailable') return this.#unavailable(stanza, nick, isOwn)
    assert.notEqual(this.phase, 'greeted', 'a presence before the subject')
    if (this.phase === 'in') return this.#available(stanza, nick, isOwn, isRenamed)
    this.#before.push(stanza)
    if (isOwn) this.#entered(stanza, nick)
  }

  #entered(own: Element, nick: string): void {
    const marked = this.#orderOf(own)
    // A client that joins another of its account is shown what that one has sent.
    const isMine = marked?.by.jid === this.#me.jid && !marked.isSeen
    const order = isMine ? marked : (this.#sent('appear', nick) ?? assert.fail('entered without having asked for it'))
    const creates = !this.#model.exists
    this.#play.accept(order)
    order.isSeen = true
    this.nick = nick
    for (const stanza of this.#before.splice(0)) {
      const of = Jid.parse(stanza.attrs['from']!).resource
      assert.ok(!this.roster.has(of), `${of} twice`)
      this.#see(stanza, of, stanza === own)
    }
    this.phase = 'greeted'
    this.spans.push([])
    if (this.#model.isUnsure) return
    // XEP-0045 §7.2.2, §10.1.1; 170 is of the archive
    const codes = codesOf(own).filter((code) => code !== 170)
    assert.deepEqual(codes, [...(this.#model.settings.whois ? [100] : []), 110, ...(creates ? [201] : [])])
  }

  #available(stanza: Element, nick: string, isOwn: boolean, isRenamed: boolean): void {
    const order = this.#evidence(stanza)
    this.#see(stanza, nick, isOwn)
    const extra = codesOf(stanza).filter((code) => ![100, 110, 170].includes(code))
    assert.deepEqual(extra, [])
    if (!isOwn || order?.by.jid !== this.#me.jid || order.isSeen) return
    order.isSeen = true
    // Whoever is there already and enters again is told all again.
    if (order.deed.kind !== 'appear' || !order.deed.withX || isRenamed) return
    this.phase = 'greeted'
    this.#again = []
  }

  #see(stanza: Element, nick: string, isOwn: boolean): void {
    assert.equal(nick === this.nick, isOwn, '110 is for one’s own presence')
    const { affiliation, role } = itemOf(stanza).attrs as { affiliation: Affiliation; role: Role }
    const id = stanza.getChild('occupant-id', OCCUPANT_ID)?.attrs['id'] ?? ''
    this.roster.set(nick, { affiliation, role, id })
    if (this.#explained(() => this.#differs(stanza, nick)) !== undefined)
      assert.fail(`${nick} ${this.#differs(stanza, nick)}`)
  }

  /** What is other than it must be. */
  #differs(stanza: Element, nick: string): string | undefined {
    const resident = this.#model.residents.get(nick)
    if (resident === undefined) return 'is not in the room'
    const { affiliation, role, jid } = itemOf(stanza).attrs
    if (affiliation !== resident.affiliation) return `is ${resident.affiliation}, not ${affiliation}`
    if (role !== resident.role) return `is ${resident.role}, not ${role}`
    return this.#jidDiffers(jid, resident)
  }

  #jidDiffers(jid: string | undefined, resident: Resident): string | undefined {
    if (resident.account === this.#me.account) return undefined
    const own = this.#model.placeOf(this.#me.jid)?.[1]
    // §4.2, §13.2.2
    const isMeant = own?.role === 'moderator' || this.#model.settings.whois
    if (isMeant !== (jid !== undefined)) return isMeant ? 'has no address' : `shows its address ${jid}`
    return jid === undefined || Jid.parse(jid).bare.toString() === resident.account ? undefined : `is not ${jid}`
  }

  /**
   * The answer of a look at the model, `undefined` when nothing is wrong. A changed configuration tells itself by what it
   * brings about: it counts as done when that explains what is wrong.
   */
  #explained(look: () => string | undefined): string | undefined {
    if (this.#model.isUnsure) return undefined
    if (look() === undefined) return undefined
    const pending = [...this.#play.open(this.#room)].find(({ deed }) => deed.kind === 'configure')
    if (pending !== undefined) this.#play.accept(pending)
    return look()
  }

  #unavailable(stanza: Element, nick: string, isOwn: boolean): void {
    assert.notEqual(this.phase, 'greeted', 'somebody goes before the subject')
    assert.equal(isOwn, this.phase === 'in' && nick === this.nick, '110 is for one’s own presence')
    const role = this.roster.get(this.nick)?.role
    assert.ok(this.roster.delete(nick), `${nick} goes, who never came`)
    const codes = codesOf(stanza).filter((code) => code !== 110)
    if (codes.includes(303)) this.#renamed(stanza, nick, isOwn, codes)
    else this.#goes(stanza, nick, isOwn, codes)
    if (!isOwn) this.#mayShow(stanza, nick, role)
  }

  #goes(stanza: Element, nick: string, isOwn: boolean, codes: readonly number[]): void {
    this.#evidence(stanza)
    assert.equal(itemOf(stanza).attrs['role'], 'none')
    // XEP-0045 §10.1.3: a room that was never configured goes with its owner.
    const isDropped = this.#model.locked && isOwn && this.#sent('leave') !== undefined
    const isDestroyed = stanza.getChild('x', MUC_USER)!.getChild('destroy') !== undefined && !isDropped
    const isForced = codes.length > 0 || isDestroyed
    if (isOwn && !isForced) this.#play.accept(this.#sent('leave') ?? assert.fail('out of the room without a reason'))
    const wanted = () => (isOwn ? this.#model.removed.get(this.#me.jid) : this.#model.left.get(nick)?.codes)
    const wrong = () => (String(wanted()) === String(codes) ? undefined : `goes with ${codes}, not ${wanted()}`)
    if (this.#explained(wrong) !== undefined) assert.fail(`${nick} ${wrong()}`)
    if (!isOwn) return
    this.#model.removed.delete(this.#me.jid)
    this.phase = 'out'
    this.roster.clear()
  }

  /** XEP-0045 §4.2: real addresses are for moderators, unless they are for all. */
  #mayShow(stanza: Element, nick: string, role: Role | undefined): void {
    const { jid } = itemOf(stanza).attrs
    if (jid === undefined || role === 'moderator' || Jid.parse(jid).bare.toString() === this.#me.account) return
    const wrong = () => (this.#model.left.get(nick)?.whois === true ? undefined : `shows the address ${jid} in going`)
    if (this.#explained(wrong) !== undefined) assert.fail(`${nick} ${wrong()}`)
  }

  #renamed(stanza: Element, nick: string, isOwn: boolean, codes: readonly number[]): void {
    assert.deepEqual(codes, [303])
    const next = itemOf(stanza).attrs['nick'] ?? assert.fail('303 without the nick')
    this.#next = next
    if (isOwn) this.nick = next
    if (this.#model.isUnsure) return
    for (const order of this.#play.open(this.#room)) {
      const { deed, by } = order
      if (deed.kind !== 'appear' || deed.nick !== next || this.#model.placeOf(by.jid)?.[0] !== nick) continue
      if (!isOwn || by.jid === this.#me.jid) return this.#play.accept(order)
    }
    // Or others have heard of it first.
    assert.deepEqual(this.#model.left.get(nick)?.codes, [303], `${nick} has another nick without having asked for it`)
  }

  #message(stanza: Element, nick: string): void {
    if (stanza.attrs['type'] !== 'groupchat') return this.#whisper(stanza, nick)
    assert.notEqual(this.phase, 'out', 'a message to somebody who is not in the room')
    const isSubject = stanza.getChild('subject') !== undefined
    if (this.phase === 'greeted') {
      if (isSubject) return this.#settled(stanza)
      assert.ok(stanza.getChild('delay', DELAY), 'a message before the subject')
      const history = this.#again ?? this.spans.at(-1)!
      history.push(stanza.attrs['id']!)
      return
    }
    assert.equal(stanza.getChild('delay', DELAY), undefined, 'history of which nobody asked')
    if (nick === '') return
    assert.ok(this.roster.has(nick), `a message from ${nick}, who is not in the room`)
    const order = this.#evidence(stanza) ?? assert.fail('a message that nobody sent')
    if (!this.#model.isUnsure) assert.equal(this.#model.placeOf(order.by.jid)?.[0], nick, 'somebody else’s nick')
    assert.ok(order.turn > this.#turn, `${order.id} comes after what others have heard later`)
    this.#turn = order.turn
    if (order.deed.kind === 'say') this.spans.at(-1)!.push(order.id)
  }

  /** XEP-0045 §7.2.15: the subject ends what one is told on entering. */
  #settled(stanza: Element): void {
    if (!this.#model.isUnsure) assert.equal(stanza.getChildText('subject'), this.#model.subject, 'not the subject')
    const again = this.#again
    this.#again = undefined
    this.phase = 'in'
    if (again === undefined) return
    const known = this.spans.at(-1)!
    const most = Math.min(known.length, again.length)
    assert.deepEqual(again.slice(again.length - most), known.slice(known.length - most), 'another history')
  }

  #whisper(stanza: Element, nick: string): void {
    // An invitation, of a new member.
    if (nick === '') return
    const order = this.#evidence(stanza) ?? assert.fail('a private message that nobody sent')
    assert.equal(order.deed.kind, 'whisper')
    // It may come when either has left: it goes through what the addressee's account has for messages.
    const id = stanza.getChild('occupant-id', OCCUPANT_ID)?.attrs['id']
    const seen = this.roster.get(nick)
    if (seen?.id === id) assert.notEqual(id, undefined)
  }

  /** Takes a stanza for proof that what it is the effect of has been done. */
  #evidence(stanza: Element): Order | undefined {
    const order = this.#orderOf(stanza)
    if (order !== undefined) this.#play.accept(order)
    return order
  }

  /** The order that a stanza is the effect of, the last one where there are two. */
  #orderOf(stanza: Element): Order | undefined {
    const x = stanza.getChild('x', MUC_USER)
    const words = [
      stanza.name === 'message' ? stanza.attrs['id'] : undefined,
      x?.getChild('item')?.getChildText('reason'),
      x?.getChild('destroy')?.getChildText('reason'),
      stanza.getChildText('status'),
    ]
    for (const word of words) {
      const order = word ? this.#play.order(word) : undefined
      if (order !== undefined) return order
    }
    return undefined
  }

  /** The first order of one's own that is open. */
  #sent(kind: 'appear' | 'leave', nick?: string): Order | undefined {
    for (const order of this.#play.open(this.#room)) {
      const { by, deed } = order
      if (by.jid !== this.#me.jid || deed.kind !== kind) continue
      if (deed.kind !== 'appear' || deed.nick === nick) return order
    }
    return undefined
  }
}

/** All have heard the same messages of a room, in the same order, over the time that they were there; what is over is forgotten. */
export function mustAgree(room: string, views: readonly RoomView[]): void {
  const spans = views.flatMap((view) => view.spans)
  for (const [index, one] of spans.entries())
    for (const other of spans.slice(index + 1)) {
      const start = [one.findIndex((id) => other.includes(id)), other.findIndex((id) => one.includes(id))] as const
      if (start[0] < 0) continue
      assert.ok(start[0] === 0 || start[1] === 0, `messages of ${room}: ${one} and ${other}`)
      const length = Math.min(one.length - start[0], other.length - start[1])
      const common = (span: string[], at: number) => span.slice(at, at + length)
      assert.deepEqual(common(one, start[0]), common(other, start[1]), `messages of ${room}`)
    }
  for (const view of views) view.spans = view.phase === 'out' ? [] : view.spans.slice(-1)
}
