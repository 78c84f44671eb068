import type { Cancel } from '#api'
import { persistent } from './features/persistence.ts'
import type { Room } from './room.ts'
import type { RoomService } from './service.ts'

/** How long after a failure it is tried again to remove what is left of rooms. */
const AGAIN_MS = 60_000

/**
 * Ends a room. Once this resolves there is none, not after a restart either; when it rejects the room is as it was, with all
 * that was said in it. What cannot be removed at once is removed later.
 */
export async function end(room: Room): Promise<void> {
  const { service } = room
  const { id, locked } = room.known
  // What does not stay ends with the server at the latest: only whoever is there still needs to know for certain.
  if (room.seats.size > 0 || (room.get(persistent) && !locked)) await service.store.condemn(id)
  service.history.forget(room)
  try {
    await remove(room)
  } catch (err) {
    service.log.warn({ err, room: room.address }, 'not all that was kept of a room could be removed: it is tried again')
    service.remains.add(room.jid.local)
  }
  room.record = undefined
}

async function remove(room: Room): Promise<void> {
  for (const aspect of room.service.aspects) await aspect.destroying?.(room)
  await room.service.store.destroy(room.known.id)
}

/** What is still on disk of rooms that are no more. It is bounded by the rooms there are: each ends once. */
export class Remains {
  readonly #service: RoomService
  /** Local parts. */
  readonly #rooms = new Set<string>()
  #cancel: Cancel | undefined

  constructor(service: RoomService) {
    this.#service = service
  }

  /** Whether what is on disk under this address is not to be taken for a room. */
  has(local: string): boolean {
    return this.#rooms.has(local)
  }

  add(local: string): void {
    this.#rooms.add(local)
    this.#cancel ??= this.#service.clock.after(AGAIN_MS, () => void this.#removeAll())
  }

  /** Removes what there is under the address of a room, before there is another; alone in its queue. */
  async clear(room: Room): Promise<void> {
    const { local } = room.jid
    if (!this.#rooms.has(local)) return
    room.record = await this.#service.store.load(local)
    try {
      if (room.record !== undefined) await remove(room)
    } finally {
      room.record = undefined
    }
    this.#rooms.delete(local)
  }

  stop(): void {
    this.#cancel?.()
  }

  async #removeAll(): Promise<void> {
    for (const local of [...this.#rooms])
      try {
        await this.#service.with(local, false, (room) => this.clear(room))
      } catch (err) {
        this.#service.log.warn(
          { err, room: `${local}@${this.#service.domain}` },
          'what is left of a room could not be removed: it is tried again',
        )
      }
    this.#cancel = undefined
    for (const local of this.#rooms) this.add(local)
  }
}
