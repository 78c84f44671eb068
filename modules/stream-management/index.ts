import {
  accountDeleting,
  bindFeatures,
  defineModule,
  sessionClosed,
  sessionLost,
  sessionRests,
  streamElements,
  streamFeatures,
  xep,
  xml,
} from '#api'
import { Counts } from './counts.ts'
import { NS } from './elements.ts'
import { enableBound, negotiation } from './negotiation.ts'
import { options } from './options.ts'
import { Restart } from './restart.ts'
import { Resumptions } from './resumptions.ts'
import { Rounds } from './rounds.ts'
import { ResumableStore } from './store.ts'

const HOUR_MS = 3_600_000
const PURGE_BATCH = 500

export default defineModule({
  name: 'stream-management',
  summary:
    'Acknowledges what clients send, remembers what they have not acknowledged, and lets them come back to their sessions.',
  implements: [xep(198, '1.6.3')],
  options,

  setup(ctx) {
    const { host, config, clock, log } = ctx
    const store = new ResumableStore(ctx.db, host.domain)
    const counts = new Counts(store, clock, (error) => log.warn({ err: error }, 'handled counts could not be written'))
    const surroundings = { policy: config, rounds: new Rounds(ctx.after, clock), clock }
    const { maxResting } = config
    const resumptions = new Resumptions({ host, store, counts, clock, after: ctx.after, log, maxResting })
    const outcomes = () =>
      Object.entries(resumptions.outcomes).map(([outcome, value]) => ({ labels: { outcome }, value }))
    ctx.metrics.counted('resumptions_total', 'Clients that asked for their session.', outcomes, ['outcome'])
    const restart = new Restart(host, store, resumptions, surroundings, log)

    // XEP-0198 §2.
    ctx.add(streamFeatures, {
      when: 'after-login',
      // Whoever has it on would turn it on again.
      element: (session) => (session?.queue === undefined ? xml('sm', { xmlns: NS }) : undefined),
    })

    let noting = false
    const noteLater = () => {
      if (noting || config.counts.every === 0 || resumptions.size === 0) return
      noting = true
      ctx.after(config.counts.every, () => {
        noting = false
        resumptions.noteCounts()
        noteLater()
      })
    }

    const parts = { config, surroundings, resumptions, onGranted: noteLater }
    for (const element of negotiation(parts)) ctx.add(streamElements, element)
    ctx.add(bindFeatures, { xmlns: NS, ask: (requested, session) => enableBound(requested, session, parts) })

    ctx.answer(sessionLost, (session) => (resumptions.of(session) === undefined ? undefined : true))
    ctx.on(sessionRests, (session) => resumptions.rested(session))
    ctx.on(sessionClosed, (session) => resumptions.closed(session))
    ctx.gate(accountDeleting, ({ jid }) => counts.forget(jid.local))

    ctx.every(HOUR_MS, 'old handled counts could not be removed', async () => {
      // Those of sessions that go on stay.
      resumptions.noteCounts(true)
      await counts.idle()
      if (config.counts.keep === 0) return
      while ((await store.forgetBefore(clock.now() - config.counts.keep, PURGE_BATCH)) === PURGE_BATCH);
    })

    ctx.onReady(async () => {
      await restart.restore(config.resumption > 0)
      noteLater()
    })
    ctx.onStop(async () => {
      resumptions.noteCounts()
      await counts.idle()
      await restart.save()
    })
  },
})
