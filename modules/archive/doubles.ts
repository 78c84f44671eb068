import { hash } from 'node:crypto'
import { Element, Lru, serialize } from '#api'

const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
const NS_SID = 'urn:xmpp:sid:0'
/** Messages of rooms that are remembered, in about 300 octets each however long they are. */
const REMEMBERED = 1000
/** For how long, in the microseconds of ids: a room sends to all clients at once, and what it says later is news. */
const REMEMBERED_US = 10_000_000

/**
 * Finds out when a room sends one message to several clients of an account, which is one message in the archive (XEP-0313
 * §6.1.1): all is the same, with an id, but the resource it is for.
 */
export class Doubles {
  readonly #seen = new Lru<string, { readonly id: number; readonly to: Set<string> }>(REMEMBERED)

  /** The id of a message: that of its double when it has one, else what `next` gives. */
  idOf(message: Element, next: () => number): number {
    if (!isOfRoom(message) || !hasId(message)) return next()
    const key = keyOf(message)
    const to = digest(message.attrs['to'] ?? '')
    const id = next()
    const seen = this.#seen.get(key)
    // Ids need not be without gaps.
    if (seen !== undefined && !seen.to.has(to) && id - seen.id < REMEMBERED_US) {
      seen.to.add(to)
      return seen.id
    }
    this.#seen.set(key, { id, to: new Set([to]) })
    return id
  }
}

function isOfRoom(message: Element): boolean {
  return message.attrs['type'] === 'groupchat' || message.getChild('x', NS_MUC_USER) !== undefined
}

function hasId(message: Element): boolean {
  return message.attrs['id'] !== undefined || message.getChild('stanza-id', NS_SID) !== undefined
}

/** The message as it is to whichever client of the account. */
function keyOf(message: Element): string {
  const to = (message.attrs['to'] ?? '').split('/', 1)[0]!
  const same = new Element(message.name, { ...message.attrs, to })
  same.children = message.children
  return digest(serialize(same))
}

/** Stands for a text without keeping it, or what it was cut from, in memory. */
function digest(text: string): string {
  return hash('sha256', text, 'base64')
}
