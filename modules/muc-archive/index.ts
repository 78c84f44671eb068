import { defineModule, option, soft, xep } from '#api'
import type { DomainArchive } from '../archive/hooks.ts'
import archive from '../archive/index.ts'
import { type RoomAspect, roomArchive, roomAspects } from '../muc/hooks.ts'
import muc from '../muc/index.ts'
import { logging, loggingCodes, tellLogging } from './logging.ts'
import { archiveIqs } from './protocol.ts'
import { preferencesSlot, RoomArchives } from './room-archives.ts'

const NS_SID = 'urn:xmpp:sid:0'

export default defineModule({
  name: 'muc-archive',
  summary: 'Keeps what is said in rooms.',
  implements: [
    xep(313, '1.1.3', 'Archives of rooms.'),
    xep(359, '0.7.0', 'One id live and archived.'),
    xep(441, '0.2.0', 'For the owners of a room.'),
  ],
  options: {
    retention: option.duration().min('1h').orOff().default(0).describe('How long messages of rooms are kept.'),
    maxMessages: option
      .int()
      .min(1)
      .orOff()
      .default(1_000_000)
      .describe('How many messages the archive of a room keeps; the oldest go first.'),
  },
  depends: { archive: soft(archive), muc },

  setup(ctx) {
    const { host, config, deps, log } = ctx
    if (deps.archive === undefined) {
      log.info('rooms keep nothing of what is said, since the module archive is off')
      return
    }
    const archives = new Map<string, DomainArchive>()
    for (const service of deps.muc.services) {
      const own = deps.archive.forDomain(service.domain, config)
      archives.set(service.domain, own)
      const exists = async (local: string): Promise<boolean> => (await service.store.load(local)) !== undefined
      for (const [name, run] of Object.entries(own.commands(exists))) ctx.command(name, run, service.domain)
    }
    const archiveOf = (domain: string): DomainArchive => archives.get(domain)!
    const rooms = new Map([...archives].map(([domain, own]) => [domain, new RoomArchives(own)]))
    ctx.answer(roomArchive, ({ service }) => rooms.get(service))

    const aspect: RoomAspect = {
      name: 'archive',
      settings: [logging],
      features: (room) => [...archiveOf(room.service.domain).features, NS_SID],
      iqs: archiveIqs(host, archiveOf),
      async entering({ room }) {
        // Before anybody can say something.
        if (room.slots.get(preferencesSlot) !== undefined || room.record === undefined) return
        room.slots.set(preferencesSlot, await archiveOf(room.service.domain).preferences(room.address))
      },
      codes: loggingCodes,
      configured: tellLogging,
      async destroying(room) {
        await archiveOf(room.service.domain).erase(room.address)
        room.slots.set(preferencesSlot, undefined)
      },
    }
    ctx.add(roomAspects, aspect)
  },
})
