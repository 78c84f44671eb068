import { defineModule, option, xep } from '#api'
import { anonymity } from './features/anonymity.ts'
import { configuration } from './features/configuration.ts'
import { identity } from './features/identity.ts'
import { listing } from './features/listing.ts'
import { membership } from './features/members-only.ts'
import { passwords } from './features/password.ts'
import { persistence } from './features/persistence.ts'
import { presenceBroadcasting } from './features/presence-broadcast.ts'
import { voice } from './features/voice.ts'
import { History } from './history.ts'
import { type RoomAspect, roomArchive, roomAspects } from './hooks.ts'
import { ownPayload } from './joining.ts'
import { RoomService } from './service.ts'
import { RoomStore } from './store.ts'

/** Rooms whose last messages are in memory. */
const REMEMBERED_ROOMS = 200

/** The order is that of the fields of the configuration form, and that in which an entry is looked at. */
const aspects: readonly RoomAspect[] = [
  { name: 'core', forbidden: ownPayload },
  identity,
  persistence,
  listing,
  membership,
  passwords,
  voice,
  anonymity,
  presenceBroadcasting,
  configuration,
]

export default defineModule({
  name: 'muc',
  summary: 'Rooms in which many talk.',
  implements: [xep(45, '1.35.1')],
  options: {
    services: option
      .list(option.string().min(1).max(255))
      .min(1)
      .distinct()
      .default(['conference'])
      .describe('The domains of rooms; a name without a dot stands for that name before the domain of the host.'),
    name: option.string().max(256).default('Rooms').describe('What a service calls itself in service discovery.'),
    creation: option
      .oneOf('local', 'admins', 'anyone')
      .default('local')
      .describe('Who may create rooms: accounts of this host, the admins of the server, or anyone.'),
    locking: option
      .bool()
      .default(true)
      .describe('Whether others find a new room only once its creator has configured it.'),
    history: option
      .group({
        usual: option.int().min(0).default(20).describe('How many messages somebody gets who does not say.'),
        max: option.int().min(0).max(500).default(100).describe('How many at most.'),
      })
      .describe('The last messages of a room, which whoever enters gets.'),
  },

  setup(ctx) {
    const { host, config, clock, log } = ctx
    const services = config.services.map((name) => {
      const domain = name.includes('.') ? name : `${name}.${host.domain}`
      const history = new History(clock, config.history.max, REMEMBERED_ROOMS)
      const service = new RoomService({
        domain,
        host,
        store: new RoomStore(ctx.db, domain),
        clock,
        log: log.child({ service: domain }),
        settings: config,
        defaults: {},
        admins: ctx.server.admins,
        history,
      })
      ctx.serve(domain, (event) => service.receive(event))
      ctx.onStop(() => service.stop())
      return service
    })
    ctx.onReady(async () => {
      for (const service of services) {
        const archive = host.hooks.ask(roomArchive, { service: service.domain })
        service.begin([...aspects, ...host.hooks.all(roomAspects)], archive)
        // Nobody is in a room when the server starts.
        for (const local of await service.store.temporary()) {
          const record = await service.store.load(local)
          if (record !== undefined) await service.store.destroy(record.id)
        }
      }
    })
    return { services }
  },
})
