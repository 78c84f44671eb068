import { type RoomArchive, roomArchive } from '../../modules/muc/hooks.ts'
import type { Room } from '../../modules/muc/room.ts'
import { defineModule, Element } from '../../src/api.ts'
import type { AnyModule } from '../../src/module/define.ts'

/** Keeps what is said in rooms in memory, many at a time; each time takes as long as `wait` does. */
export function slowArchive(wait: () => Promise<void>): AnyModule {
  const kept = new Map<number, { readonly stanza: Element; readonly ms: number }[]>()
  const batch: (() => void)[] = []

  async function write(): Promise<void> {
    while (batch.length > 0) {
      const count = batch.length
      await wait()
      for (const done of batch.splice(0, count)) done()
    }
  }

  function put(room: Room, stanza: Element): Promise<void> {
    const { id } = room.known
    const ms = room.service.clock.now()
    return new Promise((resolve) => {
      batch.push(() => {
        const copy = new Element('message', { ...stanza.attrs })
        copy.children = [...stanza.children]
        kept.set(id, [...(kept.get(id) ?? []), { stanza: copy, ms }])
        resolve()
      })
      if (batch.length === 1) void write()
    })
  }

  const archive: RoomArchive = {
    keeps: ({ stanza }) => stanza.getChild('body') !== undefined,
    append: ({ room, stanza }) => put(room, stanza),
    appendOwn: put,
    has: async () => false,
    retract: async () => false,
    async newest(room, max) {
      await wait()
      return (kept.get(room.known.id) ?? []).slice(-max)
    },
  }
  return defineModule({
    name: 'slow-archive',
    summary: 'Keeps what is said in rooms, slowly.',
    implements: [],
    setup: (ctx) => ctx.answer(roomArchive, () => archive),
  })
}
