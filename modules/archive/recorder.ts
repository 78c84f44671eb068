import { type Context, defineSlot, Element, type Host, type Jid, type Sealed, type StanzaEvent, serialize } from '#api'
import type { AccountSettings, Settings } from './account-settings.ts'
import { Doubles } from './doubles.ts'
import type { ArchivedMessage, Copy } from './message.ts'
import { wanted } from './preferences.ts'
import { refusalOf } from './refusal.ts'
import type { Retractions } from './retraction.ts'
import type { Passage } from './seen-in-order.ts'
import type { SharedArchive } from './shared-archive.ts'
import { type Side, shouldArchive } from './should-archive.ts'
import { stanzaIdElement, stripResults, stripStanzaIds } from './stanza-ids.ts'

const NS_SID = 'urn:xmpp:sid:0'

/** How far a message must have come before it is delivered or acknowledged. */
export type Durability = 'ack' | 'relaxed' | 'strict'

/** What a recorder needs to know of its host. */
export interface RecorderSettings {
  readonly durability: Durability
  readonly groupchat: boolean
  readonly headlines: boolean
}

/** Whether a contact is in an account's roster. */
export type InRoster = (account: Jid, contact: Jid) => boolean | Promise<boolean>

/** Whether an archive keeps a message, or there is nobody whose archive it could be. */
type Share = boolean | 'nobody'

/** What is being archived of one message. */
class Keeping {
  readonly sender: boolean
  readonly addressee: boolean
  /** The addressee does not exist, which its sender is not to notice. */
  readonly isToNobody: boolean
  id = 0
  /** The archive's id in the live message. */
  mark: Element | undefined
  /** Its way to those who see it, when they wait for the disk. */
  passage: Passage | undefined

  constructor(sender: boolean, addressee: Share) {
    this.sender = sender
    this.addressee = addressee === true
    this.isToNobody = addressee === 'nobody'
  }
}

const keepingSlot = defineSlot<Keeping | undefined>('archive/keeping', () => undefined)

/**
 * Archives the messages of one host's accounts: decides in `guard`, gives the id in `shape`, writes in `record`.
 *
 * When sender and addressee are both on this server, all is done on the addressee's side, with one commit for both; else
 * on the side that is here.
 */
export class Recorder {
  readonly #host: Host
  readonly #shared: SharedArchive
  readonly #accounts: AccountSettings
  readonly #retractions: Retractions
  readonly #settings: RecorderSettings
  readonly #isInRoster: InRoster
  readonly #log: Context['log']
  readonly #doubles = new Doubles()

  constructor(parts: {
    readonly host: Host
    readonly shared: SharedArchive
    readonly accounts: AccountSettings
    readonly retractions: Retractions
    readonly settings: RecorderSettings
    readonly isInRoster: InRoster
    readonly log: Context['log']
  }) {
    this.#host = parts.host
    this.#shared = parts.shared
    this.#accounts = parts.accounts
    this.#retractions = parts.retractions
    this.#settings = parts.settings
    this.#isInRoster = parts.isInRoster
    this.#log = parts.log
  }

  /** Decides, in the sender's flow, about a message whose addressee has no archive here. */
  decideLeaving(event: Sealed): void | Promise<void> {
    if (this.#shared.recorders.has(event.to.domain)) return
    return note(event, this.keepsSent(event), false)
  }

  /** Decides, in the addressee's flow, for both. */
  decideArriving(event: Sealed): void | Promise<void> {
    const { from, to, origin } = event
    if (to.local === '') return
    const received = this.#keepsReceived(event)
    // A message to oneself is in the archive once (XEP-0313 §6.1.1).
    if (origin === null || from.bare.equals(to.bare)) return note(event, false, received)
    return note(event, this.#shared.recorders.get(origin.host.domain)?.keepsSent(event) ?? false, received)
  }

  /** Whether the sender's archive, which is on this host, keeps a message. */
  keepsSent(event: Sealed): boolean | Promise<boolean> {
    return this.#isWorthIt(event, 'sent') && this.#isWanted(event.from.bare, event.to, false)
  }

  #keepsReceived(event: Sealed): Share | Promise<Share> {
    return this.#isWorthIt(event, 'received') && this.#isWanted(event.to.bare, event.from, 'nobody')
  }

  #isWorthIt({ stanza, type, from, to }: Sealed, side: Side): boolean {
    const verdict = shouldArchive(stanza, type, side, this.#settings)
    if (!verdict.keep && this.#log.debug())
      this.#log.debug({ from: from.toString(), to: to.toString(), because: verdict.because }, 'not archived')
    return verdict.keep
  }

  /** `stranger` is the answer for an account that does not exist. */
  #isWanted<T extends Share>(account: Jid, peer: Jid, stranger: T): boolean | T | Promise<boolean | T> {
    const look = (settings: Settings | undefined): boolean | T | Promise<boolean> => {
      if (settings === undefined) return stranger
      const answer = wanted(settings.preferences, peer)
      return answer === 'roster' ? this.#isInRoster(account, peer.bare) : answer
    }
    const settings = this.#accounts.of(account)
    if (!(settings instanceof Promise)) return look(settings)
    return settings.then(look).catch((error) => {
      throw refusalOf(error)
    })
  }

  /** What a client sends loses the ids that only the server gives. */
  shapeLeaving(event: StanzaEvent): void {
    stripStanzaIds(event.stanza, event.from.bare, this.#host.domain)
    stripResults(event.stanza)
    const keeping = event.get(keepingSlot)
    if (keeping !== undefined) keeping.id = this.#shared.ids.next()
  }

  /** The message gets its id, and its addressee is told (XEP-0313 §3.5, XEP-0359 §3). */
  shapeArriving(event: StanzaEvent): void {
    const { stanza, to } = event
    if (to.local === '') return
    stripStanzaIds(stanza, to.bare, this.#host.domain)
    const keeping = event.get(keepingSlot)
    if (keeping === undefined) return
    // What a client writes comes from no room.
    const next = () => this.#shared.ids.next()
    keeping.id = event.origin === null ? this.#doubles.idOf(stanza, next) : next()
    if (!keeping.addressee) return
    keeping.mark = stanzaIdElement(to.bare.toString(), keeping.id)
    stanza.append(keeping.mark)
  }

  /** Writes what was decided; the promise, with `durability: strict`, settles when it is on disk. */
  record(event: Sealed): void | Promise<void> {
    const keeping = event.get(keepingSlot)
    if (keeping === undefined) return
    const message = this.#messageOf(event, keeping)
    // RFC 6121 §8.5.1: to the sender, an account that does not exist looks like one whose owner is away, by the time it takes
    // and by what happens when nothing can be stored, too.
    if (message.copies.length === 0 && !keeping.isToNobody) return
    const written = this.#shared.append(message).catch((error) => {
      throw refusalOf(error)
    })
    this.#retractions.follow(written, event, message)
    switch (this.#settings.durability) {
      case 'strict':
        keeping.passage = this.#shared.order.follow(
          event,
          message.copies.map(({ owner }) => owner),
          written,
        )
        return keeping.passage.recorded
      case 'ack':
        // Whatever becomes of the message itself, this is heard.
        written.catch(() => {})
        event.pending = event.pending === undefined ? written : Promise.all([event.pending, written]).then(() => {})
        return
      case 'relaxed':
        written.catch((error) =>
          this.#log.error({ err: error, archiveId: message.id }, 'a message could not be archived'),
        )
    }
  }

  /** A message goes out to those who see it. */
  seen(event: Sealed): void {
    const passage = event.get(keepingSlot)?.passage
    if (passage !== undefined) this.#shared.order.seen(passage)
  }

  /** What tells the sender's own clients of the id in the sender's archive (XEP-0313 §3.5). */
  sentMark(event: Sealed): Element | undefined {
    const keeping = event.get(keepingSlot)
    const isKept = keeping?.sender === true || (keeping?.addressee === true && event.from.bare.equals(event.to.bare))
    return isKept ? stanzaIdElement(event.from.bare.toString(), keeping.id) : undefined
  }

  #messageOf({ stanza, from, to, type }: Sealed, { id, mark, sender, addressee }: Keeping): ArchivedMessage {
    const copies: Copy[] = []
    const add = (owner: string, peer: Jid): void => {
      // What was decided before an account's end would outlive it.
      if (!this.#shared.deleting.has(owner)) copies.push({ owner, peer: peer.bare.toString(), resource: peer.resource })
    }
    if (sender) add(from.bare.toString(), to)
    if (addressee) add(to.bare.toString(), from)
    return {
      id,
      stanza: serialize(without(stanza as Element, mark)),
      groupchat: type === 'groupchat',
      reference: referenceOf(stanza as Element, from, type),
      copies,
    }
  }
}

/** Notes what is kept, if anything is, once it is known. */
function note(event: Sealed, sender: boolean | Promise<boolean>, addressee: Share | Promise<Share>) {
  if (!(sender instanceof Promise) && !(addressee instanceof Promise)) {
    if (sender || addressee) event.set(keepingSlot, new Keeping(sender, addressee))
    return
  }
  return Promise.all([sender, addressee]).then(([sent, received]) => {
    if (sent || received) event.set(keepingSlot, new Keeping(sent, received))
  })
}

/** The message without one of its children, which it keeps. */
function without(message: Element, mark: Element | undefined): Element {
  if (mark === undefined) return message
  const copy = new Element(message.name, message.attrs)
  copy.children = message.children.filter((child) => child !== mark)
  return copy
}

/** What a later message calls this one by (XEP-0424 §5.1): in a room, the id that the room has given. */
function referenceOf(message: Element, from: Jid, type: string): string | undefined {
  if (type === 'groupchat')
    for (const mark of message.getChildren('stanza-id', NS_SID))
      if (mark.attrs['by'] === from.bare.toString()) return mark.attrs['id']
  return message.attrs['id']
}
