import {
  accountDeleting,
  defineModule,
  option,
  passwordChanged,
  StanzaError,
  sessionOpened,
  sessionResumed,
  soft,
  xep,
  xml,
} from '#api'
import fast from '../fast/index.ts'
import { Clients, NS } from './clients.ts'
import { Sightings } from './sightings.ts'
import { ClientStore } from './store.ts'

const HOUR_MS = 3_600_000
const PURGE_BATCH = 500

export default defineModule({
  name: 'client-access',
  summary: 'Shows the owner of an account which clients have access to it, and takes it from them.',
  implements: [
    xep(494, '0.1.0', 'Of clients with tokens, revoking ends all access but that of who has kept the password.'),
  ],
  features: { host: [NS], account: [NS] },
  depends: { fast: soft(fast) },
  options: {
    remember: option
      .duration()
      .min('1h')
      .orOff()
      .default('90d')
      .describe('How long a client is remembered after it was seen last; off: for ever.'),
    maxClients: option
      .int()
      .min(1)
      .orOff()
      .default(50)
      .describe('How many clients of an account are remembered for longer than an hour: those seen last.'),
  },

  setup(ctx) {
    const { clock, config, host, log } = ctx
    const store = new ClientStore(ctx.db, host.domain)
    const onFailure = (error: unknown) => log.warn({ err: error }, 'clients that logged in could not be noted')
    const sightings = new Sightings(store, ctx.after, onFailure)
    const clients = new Clients({ host, store, sightings, clock, fast: ctx.deps.fast })
    ctx.on(sessionOpened, (session) => clients.seen(session))
    ctx.on(sessionResumed, (session) => clients.seen(session))
    ctx.onStop(() => sightings.flush())

    ctx.iq('get', 'self', 'list', NS, (_list, { from }) => clients.list(from.bare))
    ctx.iq('set', 'self', 'revoke', NS, async ({ attrs }, { from, origin }) => {
      const revocation = await clients.revoke(from.bare, attrs['id'] ?? '', origin!)
      if (revocation === 'unknown') throw new StanzaError('item-not-found', 'There is no such client.')
      // XEP-0494 §3.2.
      if (revocation === 'has-password')
        throw new StanzaError('service-unavailable', 'Its sessions have ended; it may know the password.', {
          app: xml('password-reset-required', { xmlns: NS }),
        })
    })

    ctx.gate(accountDeleting, async ({ jid }) => {
      await sightings.flush()
      await store.remove(jid.local)
    })
    ctx.on(passwordChanged, ({ jid }) => clients.passwordChanged(jid))

    ctx.every(HOUR_MS, 'clients not seen for long could not be forgotten', async () => {
      if (config.maxClients > 0)
        for (const local of await store.crowded(config.maxClients, PURGE_BATCH))
          await store.removeBeyond(local, config.maxClients)
      while (
        config.remember > 0 &&
        (await store.removeBefore(clock.now() - config.remember, PURGE_BATCH)) === PURGE_BATCH
      );
    })
  },
})
