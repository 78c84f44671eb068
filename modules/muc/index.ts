import { defineModule, xep } from '#api'
import { aspectsOf } from './aspects.ts'
import { History } from './history.ts'
import { roomArchive, roomAspects } from './hooks.ts'
import { options } from './options.ts'
import { RoomService } from './service.ts'
import { RoomStore } from './store.ts'

/** Rooms whose last messages are in memory. */
const REMEMBERED_ROOMS = 200

export default defineModule({
  name: 'muc',
  summary: 'Rooms in which many talk.',
  implements: [xep(45, '1.35.1')],
  options,

  setup(ctx) {
    const { host, config, clock, log } = ctx
    const services = config.services.map((name) => {
      const domain = name.includes('.') ? name : `${name}.${host.domain}`
      const service = new RoomService({
        domain,
        host,
        store: new RoomStore(ctx.db, domain),
        clock,
        log: log.child({ service: domain }),
        settings: config,
        admins: ctx.server.admins,
        history: new History(clock, config.history.max, REMEMBERED_ROOMS),
      })
      ctx.serve(domain, (event) => service.receive(event))
      ctx.onStop(() => service.stop())
      return service
    })
    ctx.onReady(async () => {
      for (const service of services) {
        const archive = host.hooks.ask(roomArchive, { service: service.domain })
        service.begin([...aspectsOf(service), ...host.hooks.all(roomAspects)], archive)
        await service.forgetTemporary()
      }
    })
    return { services }
  },
})
