import {
  accountDeleting,
  asJson,
  defineModule,
  defineSlot,
  flows,
  option,
  type Session,
  StanzaError,
  sessionClosed,
  soft,
  userLeft,
  xep,
  xml,
} from '#api'
import presence from '../presence/index.ts'
import { Departures } from './departures.ts'
import { LastActivityStore } from './store.ts'

const NS = 'jabber:iq:last'

/** The status a session's last broadcast left with; `undefined` while it is available or has said nothing. */
const farewell = defineSlot<string | undefined>('last-activity/farewell', () => undefined, asJson)
/** The status of the session that ended last; `undefined` while none has. */
const lastFarewell = defineSlot<string | undefined>('last-activity/last-farewell', () => undefined)

export default defineModule({
  name: 'last-activity',
  summary: 'Tells contacts since when somebody is away, and anybody how long the server has been up.',
  implements: [xep(12, '2.0')],
  features: { host: [NS], account: [NS] },
  options: {
    maxStatus: option
      .int()
      .min(1)
      .orOff()
      .default(1024)
      .describe('Most characters kept of the status that somebody left with.'),
  },
  depends: { presence: soft(presence) },

  setup(ctx) {
    const { config, clock, server } = ctx
    const store = new LastActivityStore(ctx.db)
    const departures = new Departures(store, clock, (error) =>
      ctx.log.warn({ err: error }, 'times of departure are lost'),
    )
    const seconds = (sinceMs: number) => String(Math.max(0, Math.floor((clock.now() - sinceMs) / 1000)))
    const keep = (status: string) => (config.maxStatus === 0 ? status : [...status].slice(0, config.maxStatus).join(''))

    // XEP-0012 §5: the host's uptime.
    ctx.iq('get', 'host', 'query', NS, () => xml('query', { xmlns: NS, seconds: seconds(server.startedMs) }))

    // XEP-0012 §3, §4 and §8: whoever does not see the presence is refused, whether or not there is such an account or
    // resource: so before anybody looks, and before a client hears of it.
    ctx.flow(flows.iq.arriving, 'guard', (e) => {
      if (e.type !== 'get' || e.to.local === '' || e.stanza.getChild('query', NS) === undefined) return
      if (e.from.bare.equals(e.to.bare)) return
      const refuse = (sees: boolean | undefined) => {
        if (sees !== true) throw new StanzaError('forbidden', 'Only contacts who see the presence may ask.')
      }
      return Promise.resolve(ctx.deps.presence?.isSubscriber(e.to.bare, e.from.bare)).then(refuse)
    })

    ctx.iq('get', 'account', 'query', NS, async (_query, { to, user }) => {
      // XEP-0012 §3: with a connected resource, 0 and no text.
      if (user !== undefined && user.sessions.size > 0) return xml('query', { xmlns: NS, seconds: '0' })
      const departure = await departures.find(to.bare.toString())
      if (departure === undefined) throw new StanzaError('item-not-found', 'Nobody has used this account yet.')
      return xml('query', { xmlns: NS, seconds: seconds(departure.leftMs) }, departure.status)
    })

    ctx.flow(flows.presence.leaving, 'copy', (e) => {
      if (e.directed || e.origin === null) return
      if (e.type === 'unavailable') e.origin.slots.set(farewell, keep(e.stanza.getChildText('status') ?? ''))
      else if (e.type === '') e.origin.slots.set(farewell, undefined)
    })
    // A session cut off in the midst of things leaves without a word.
    ctx.on(sessionClosed, ({ user, slots }: Session) => user.slots.set(lastFarewell, slots.get(farewell) ?? ''))
    ctx.on(userLeft, (user) => {
      const status = user.slots.get(lastFarewell)
      if (status !== undefined) departures.note({ account: user.jid.toString(), leftMs: clock.now(), status })
    })
    ctx.gate(accountDeleting, ({ jid }) => departures.forget(jid.bare.toString()))
    ctx.onStop(() => departures.idle())
  },
})
