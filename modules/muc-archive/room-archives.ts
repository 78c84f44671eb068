import { defineSlot, type Element, parseDocument } from '#api'
import {
  type ArchivedMessage,
  type DomainArchive,
  type Preferences,
  readId,
  shouldArchive,
  timeOf,
  wanted,
} from '../archive/hooks.ts'
import type { Room, RoomArchive, RoomRetraction, Speech } from '../muc/hooks.ts'
import { logging } from './logging.ts'
import { pastMessage, stanzaId } from './past-message.ts'
import { isOf, storedText } from './stored-message.ts'
import { canBeRetracted, tombstoneText } from './tombstone.ts'

/** What the owners want kept; read before anybody is in the room. */
export const preferencesSlot = defineSlot<Preferences | undefined>('muc-archive/preferences', () => undefined)

const kinds = { groupchat: true, headlines: false }

/** The archives of the rooms of a service: what goes in, and what is taken back. */
export class RoomArchives implements RoomArchive {
  readonly #archive: DomainArchive

  constructor(archive: DomainArchive) {
    this.#archive = archive
  }

  keeps({ room, stanza, occupant }: Speech): boolean {
    if (!room.get(logging) || !shouldArchive(stanza, 'groupchat', 'received', kinds).keep) return false
    const preferences = room.slots.get(preferencesSlot)
    if (preferences === undefined) return true
    const answer = wanted(preferences, occupant.account)
    // XEP-0441 §2: to a room, whoever it knows is whoever has an affiliation with it.
    return answer === 'roster' ? occupant.affiliation !== 'none' : answer
  }

  append({ room, stanza, occupant, seat }: Speech): Promise<void> {
    const { affiliation, role } = occupant
    return this.#append(room, stanza, {
      text: storedText(stanza, { affiliation, role, jid: seat.address }),
      peer: occupant.account.toString(),
      resource: seat.jid.resource,
    })
  }

  appendOwn(room: Room, stanza: Element): Promise<void> {
    return this.#append(room, stanza, { text: storedText(stanza, undefined), peer: room.address, resource: '' })
  }

  #append(
    room: Room,
    stanza: Element,
    { text, peer, resource }: { readonly text: string; readonly peer: string; readonly resource: string },
  ): Promise<void> {
    const id = this.#archive.nextId()
    // XEP-0359: the id is that of the archive, live, too.
    stanza.append(stanzaId(room.address, id))
    const message: ArchivedMessage = {
      id,
      stanza: text,
      groupchat: true,
      reference: undefined,
      copies: [{ owner: room.address, peer, resource }],
    }
    return this.#archive.append(message)
  }

  async has(room: Room, id: string): Promise<boolean> {
    const found = await this.#find(room, id)
    return found !== undefined && canBeRetracted(found.stanza)
  }

  async retract(room: Room, { id, author, retracted }: RoomRetraction): Promise<boolean> {
    const found = await this.#find(room, id)
    if (found === undefined || !canBeRetracted(found.stanza)) return false
    if (author !== undefined && !isOf(found.stanza, author)) return false
    return await this.#archive.replace(found.id, tombstoneText(found.stanza, retracted))
  }

  async #find(room: Room, text: string): Promise<{ readonly id: number; readonly stanza: Element } | undefined> {
    const id = readId(text)
    // What was said in an earlier room of the same address is not this room's.
    if (id === undefined || timeOf(id) < room.known.createdMs) return undefined
    const kept = await this.#archive.find(room.address, id)
    return kept && { id, stanza: parseDocument(kept.stanza) }
  }

  async newest(room: Room, max: number): Promise<readonly { readonly stanza: Element; readonly ms: number }[]> {
    const kept = await this.#archive.newest(room.address, { max, sinceMs: room.known.createdMs, wants: hasBody })
    return kept.map((message) => pastMessage(room.address, message))
  }
}

/** Whether a message says something to somebody who was not there; of the text, since few are not. */
function hasBody({ stanza }: { readonly stanza: string }): boolean {
  return stanza.includes('<body>') || stanza.includes('<body ')
}
