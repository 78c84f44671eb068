import { type Context, type Element, parseDocument, type Sealed, serialize, toDatetime, xml } from '#api'
import { timeOf } from './ids.ts'
import type { ArchivedMessage } from './message.ts'
import type { ArchiveStore } from './store.ts'

export const NS_RETRACT = 'urn:xmpp:message-retract:1'
const NS_MUC_USER = 'http://jabber.org/protocol/muc#user'
const NS_SID = 'urn:xmpp:sid:0'
/** How many messages of a conversation are looked through for the one that is retracted. */
const WITHIN = 1000

/**
 * Replaces retracted messages by tombstones (XEP-0424 §4), once their retractions are on disk: a crash in between leaves a
 * message whose retraction is in the archive behind it.
 */
export class Retractions {
  readonly #store: ArchiveStore
  readonly #log: Context['log']
  readonly #running = new Set<Promise<void>>()

  constructor(store: ArchiveStore, log: Context['log']) {
    this.#store = store
    this.#log = log
  }

  /** Does what an archived message says about an earlier one, when it is `written`. */
  follow(written: Promise<void>, event: Sealed, message: ArchivedMessage): void {
    const retract = event.stanza.getChild('retract', NS_RETRACT)
    const reference = retract?.attrs['id']
    // XEP-0424 §4: a tombstone "MUST include" the id of the retraction, so one without an id leaves none.
    if (reference === undefined || reference === '' || event.stanza.attrs['id'] === undefined) return
    // The stanza is no longer ours by then: it may be on its way already.
    const retraction = parseDocument(message.stanza)
    const running = written
      .then(
        () => this.#retract(reference, retraction, message),
        () => {},
      )
      .catch((error) => this.#log.error({ err: error, archiveId: message.id }, 'a message could not be retracted'))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #retract(reference: string, retraction: Element, message: ArchivedMessage): Promise<void> {
    for (const { owner, peer } of message.copies) {
      const ids = await this.#store.findReference(owner, peer, reference, WITHIN)
      for (const kept of await this.#store.get(owner, ids)) {
        const original = parseDocument(kept.stanza)
        if (kept.id >= message.id || !isMeant(original, reference, retraction, owner)) continue
        await this.#store.replace(kept.id, serialize(tombstone(original, retraction, timeOf(message.id))))
        // Ids that clients give may repeat: the newest is meant. The other side's copy is of the same stanza.
        return
      }
    }
  }
}

/**
 * Whether a retraction is about this message, and its author's. The store compares hashes, so that the message may have
 * another id; and everybody in the conversation may ask.
 */
function isMeant(original: Element, reference: string, retraction: Element, owner: string): boolean {
  if (authorOf(original) !== authorOf(retraction)) return false
  // XEP-0424 §5: the archive "MUST store the retraction message", also when that is retracted.
  if (
    original.getChild('retracted', NS_RETRACT) !== undefined ||
    original.getChild('retract', NS_RETRACT) !== undefined
  )
    return false
  // XEP-0424 §5: "from the same bare-JID (in a one-on-one conversation) or full-JID".
  const ofRoom = isOfRoom(original) || isOfRoom(retraction)
  if (ofRoom && authorOf(retraction) !== owner && original.attrs['from'] !== retraction.attrs['from']) return false
  if (original.attrs['type'] !== 'groupchat') return original.attrs['id'] === reference
  return original.getChildren('stanza-id', NS_SID).some((mark) => mark.attrs['id'] === reference)
}

function isOfRoom(message: Element): boolean {
  return message.attrs['type'] === 'groupchat' || message.getChild('x', NS_MUC_USER) !== undefined
}

function authorOf(message: Element): string {
  return (message.attrs['from'] ?? '').split('/', 1)[0]!
}

/** What is left of a retracted message (XEP-0424 §4): who, to whom, when. */
export function tombstone(original: Element, retraction: Element, retractedMs: number): Element {
  const stamp = toDatetime(retractedMs)
  const { id } = retraction.attrs
  return xml('message', original.attrs, xml('retracted', { xmlns: NS_RETRACT, stamp, id }))
}
