import { type RoomArchive, roomArchive } from '../../modules/muc/hooks.ts'
import type { Room } from '../../modules/muc/room.ts'
import { defineModule, Element } from '../../src/api.ts'
import type { AnyModule } from '../../src/module/define.ts'

/** Keeps what is said in rooms in memory, and takes as long for it as `wait` does. */
export function slowArchive(wait: () => Promise<void>): AnyModule {
  const kept = new Map<number, { readonly stanza: Element; readonly ms: number }[]>()
  let written: Promise<unknown> = Promise.resolve()
  const put = async (room: Room, stanza: Element): Promise<void> => {
    const all = kept.get(room.known.id) ?? []
    kept.set(room.known.id, all)
    const before = written
    const slot = wait().then(() => before)
    written = slot
    await slot
    const copy = new Element('message', { ...stanza.attrs })
    copy.children = [...stanza.children]
    all.push({ stanza: copy, ms: room.service.clock.now() })
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
    setup(ctx) {
      ctx.answer(roomArchive, () => archive)
    },
  })
}
