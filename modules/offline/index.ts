import { accountDeleting, defineModule, flows, option, sessionClosed, sessionResumed, xep } from '#api'
import { sessionAvailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import type { OfflineApi } from './hooks.ts'
import { Spool } from './spool.ts'
import { OfflineStore } from './store.ts'

const PURGE_EVERY_MS = 3_600_000

export default defineModule({
  name: 'offline',
  summary: 'Keeps messages for people who are away and delivers them when they are back.',
  implements: [
    xep(160, '1.0.1'),
    xep(203, '2.0', 'The delay of offline messages.'),
    xep(334, '1.0.0', '<store/> and <no-store/>; <no-permanent-store/> allows the temporary store.'),
  ],
  features: { host: ['msgoffline'] },
  depends: { presence },
  options: {
    maxMessages: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('How many messages wait for one account at most; its senders then get an error.'),
    maxAge: option
      .duration()
      .min('1m')
      .orOff()
      .default('365d')
      .describe('How long a message waits at most; then it is removed without a word.'),
  },

  async setup(ctx): Promise<OfflineApi> {
    const store = await OfflineStore.open(ctx.db, ctx.host.domain, ctx.clock)
    const spool = new Spool(ctx.host, store, ctx.deps.presence, ctx.config, ctx.clock, ctx.log)
    const { deliveries } = spool
    ctx.metrics.counted('kept_total', 'Messages kept for people who were away.', () => spool.kept)
    ctx.flow(flows.message.stranded, 'deliver', (event) => spool.take(event))
    ctx.flow(flows.message.arriving, 'deliver', (event) => spool.arrives(event))
    ctx.on(sessionAvailable, (session) => deliveries.deliver(session))
    ctx.on(sessionResumed, (session) => deliveries.resumed(session))
    ctx.on(sessionClosed, (session) => deliveries.ended(session))
    ctx.gate(accountDeleting, ({ jid }) => spool.forget(jid.local))
    ctx.onStop(() => spool.idle())

    ctx.every(PURGE_EVERY_MS, 'old offline messages could not be removed', () => spool.purge())
    return { keep: (account, message) => spool.keep(account, message) }
  },
})
