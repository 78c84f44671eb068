import { type OutgoingFilter, ownText, type Session, type Wire } from '#api'
import { bareOf, type Weight, weigh } from './weigh.ts'

interface Held {
  readonly sender: string
  readonly kind: Weight['kind']
  readonly text: string
}

/** How much is held back for a client at most; 0 is no limit. */
export interface HoldingLimits {
  readonly stanzas: number
  /** In characters. */
  readonly size: number
}

/**
 * What is held back from a client that is inactive: of each sender the last presence and the last chat state.
 *
 * Everything from one sender stays in order (RFC 6120 §10.1): what waits goes before what cannot wait, but for a chat
 * state that a message replaces. Past its limits all that is held goes out, and holding begins anew.
 */
export class HeldStanzas implements OutgoingFilter {
  readonly #session: Session
  readonly #account: string
  readonly #limits: HoldingLimits
  /** By kind and sender, in the order in which they were sent. */
  readonly #held = new Map<string, Held>()
  #size = 0

  constructor(session: Session, limits: HoldingLimits) {
    this.#session = session
    this.#account = session.user.jid.toString()
    this.#limits = limits
  }

  holds(stanza: Wire, text: string): boolean {
    const { kind, sender } = weigh(stanza.element, this.#account)
    if (kind === 'urgent' || kind === 'text') {
      if (this.#held.size > 0) this.#makeWay(stanza, kind, sender)
      return false
    }
    const key = keyOf(kind, sender)
    this.#take(key)
    this.#held.set(ownText(key), { sender: ownText(sender), kind, text: ownText(text) })
    this.#size += text.length
    const { stanzas, size } = this.#limits
    if ((stanzas > 0 && this.#held.size > stanzas) || (size > 0 && this.#size > size)) this.release()
    return true
  }

  /** Sends all that is held, in order. */
  release(): void {
    const all = [...this.#held.values()]
    this.#held.clear()
    this.#size = 0
    for (const { text } of all) this.#session.pass(text)
  }

  /** Sends what must go before a stanza that cannot wait. */
  #makeWay({ name }: Wire, kind: Weight['kind'], sender: string): void {
    // XEP-0045 §7.2.2: whoever is in a room is heard of before oneself.
    if (name === 'presence') return this.#passRoom(bareOf(sender), sender)
    if (kind === 'text') this.#take(keyOf('chat-state', sender))
    this.#passFrom(sender)
  }

  #passRoom(room: string, sender: string): void {
    for (const [key, held] of this.#held)
      if (held.sender === sender || (held.kind === 'presence' && bareOf(held.sender) === room)) this.#pass(key)
  }

  #passFrom(sender: string): void {
    const presence = keyOf('presence', sender)
    const chatState = keyOf('chat-state', sender)
    if (!this.#held.has(presence)) this.#pass(chatState)
    else if (!this.#held.has(chatState)) this.#pass(presence)
    else for (const [key, held] of this.#held) if (held.sender === sender) this.#pass(key)
  }

  #pass(key: string): void {
    const held = this.#take(key)
    if (held !== undefined) this.#session.pass(held.text)
  }

  #take(key: string): Held | undefined {
    const held = this.#held.get(key)
    if (held === undefined) return undefined
    this.#held.delete(key)
    this.#size -= held.text.length
    return held
  }
}

function keyOf(kind: Weight['kind'], sender: string): string {
  return `${kind} ${sender}`
}
