import { accountDeleting, defineModule, hostStopping, partly, serverWide, serviceDomains, soft, xep } from '#api'
import adHoc from '../ad-hoc/index.ts'
import { choiceChanged } from '../bookmarks/hooks.ts'
import bookmarks from '../bookmarks/index.ts'
import { discoItems } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import offline from '../offline/index.ts'
import presence from '../presence/index.ts'
import { wakeWanted } from '../push/hooks.ts'
import push from '../push/index.ts'
import { aspectsOf } from './aspects.ts'
import { listRooms, roomCommands, roomRuns } from './commands.ts'
import { chosenAnew, wakesFor } from './features/away.ts'
import { History } from './history.ts'
import { roomArchive, roomAspects } from './hooks.ts'
import { options } from './options.ts'
import { RoomService } from './service.ts'
import { RoomStore } from './store.ts'

/** The services of all hosts of a server. */
const servicesOn = serverWide(() => new Set<RoomService>())

/** Rooms whose last messages are in memory. */
const REMEMBERED_ROOMS = 200

export default defineModule({
  name: 'muc',
  summary: 'Rooms in which many talk.',
  implements: [
    xep(45, '1.35.5'),
    xep(249, '1.2'),
    xep(317, '0.3.1'),
    xep(410, '1.1.0'),
    xep(421, '1.0.1'),
    xep(424, '0.4.2', 'In rooms whose messages are kept, with tombstones.'),
    xep(425, '0.3.0'),
    partly(433, '0.1.0', 'For the rooms of the service; pages from the first on.'),
    xep(437, '0.2.0', 'For clients of this server, about rooms that their accounts belong to.'),
    xep(452, '0.2.2'),
    xep(463, '0.2.0'),
    xep(486, '0.1.0'),
    xep(492, '0.2.0', 'Chosen in bookmarks, or in the registration with a room (XEP-0045 §7.10).'),
  ],
  options,
  domains: ({ services }, host) => serviceDomains(services, host),
  commands: roomCommands,
  depends: {
    presence,
    adHoc: soft(adHoc),
    bookmarks: soft(bookmarks),
    disco: soft(disco),
    offline: soft(offline),
    push: soft(push),
  },

  setup(ctx) {
    const { host, config, clock, log } = ctx
    const services = serviceDomains(config.services, host.domain).map((domain) => {
      const service = new RoomService({
        domain,
        host,
        store: new RoomStore(ctx.db, domain),
        clock,
        log: log.child({ service: domain }),
        settings: config,
        admins: ctx.server.admins,
        history: new History(clock, config.history.kept, REMEMBERED_ROOMS),
      })
      ctx.serve(domain, (event) => service.receive(event))
      ctx.on(hostStopping, () => service.stop())
      for (const [name, run] of Object.entries(roomRuns(service))) ctx.command(name, run, domain)
      return service
    })
    const awake = () => services.reduce((sum, service) => sum + service.awake, 0)
    ctx.metrics.gauge('rooms_awake', 'Rooms in memory: those with somebody in them, and temporary ones.', awake)
    const all = servicesOn(ctx.db)
    for (const service of services) all.add(service)
    ctx.onStop(() => {
      for (const service of services) all.delete(service)
    })
    // An account may be anything in the rooms of other hosts, too.
    ctx.gate(accountDeleting, async ({ jid }) => {
      for (const service of all) await service.forgetAccount(jid)
    })
    ctx.command('room list', () => listRooms(services))
    // XEP-0045 §6.1
    ctx.add(discoItems, { of: 'host', items: () => services.map(({ domain }) => ({ jid: domain, name: config.name })) })
    const { deliver, maxNicks } = config.away
    const outlets = {
      push: ctx.deps.push,
      bookmarks: ctx.deps.bookmarks,
      offline: deliver ? ctx.deps.offline : undefined,
      maxNicks,
    }
    ctx.on(choiceChanged, ({ room }) => {
      for (const service of services) chosenAnew(service, room)
    })
    ctx.answer(wakeWanted, ({ account, message }) => {
      for (const service of services) {
        const isWanted = wakesFor(service, account, message)
        if (isWanted !== undefined) return isWanted
      }
      return undefined
    })
    ctx.onReady(async () => {
      for (const service of services) {
        const archive = host.hooks.ask(roomArchive, { service: service.domain })
        service.begin([...aspectsOf(service, outlets, ctx.deps.adHoc), ...host.hooks.all(roomAspects)], archive)
        await service.forgetTemporary()
      }
    })
    return { services }
  },
})
