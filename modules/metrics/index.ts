import { defineModule, type HttpReply, option } from '#api'
import { metricsAccess } from './access.ts'
import { Readiness } from './readiness.ts'
import { HealthStore } from './store.ts'

export default defineModule({
  name: 'metrics',
  summary: 'Tells those who watch over the server how it is, over HTTP: health, readiness, and metrics for Prometheus.',
  implements: [],
  options: {
    allow: option
      .list(option.network())
      .default(['127.0.0.0/8', '::1'])
      .describe('Addresses and networks that get /metrics; health and readiness are for everybody.')
      .example('[127.0.0.0/8, ::1, 10.0.0.5]'),
    token: option
      .secret()
      .min(16)
      .optional()
      .describe('What those must show, too, as bearer token; nothing unless given.')
      .example('{ file: metrics.token }'),
  },

  setup(ctx) {
    const { server, db, after } = ctx
    const { isStopping, metrics } = server
    const readiness = new Readiness({ store: new HealthStore(db), db, isStopping, after })
    const fresh = (reply: HttpReply) => reply.header('cache-control', 'no-store')

    ctx.route({
      method: 'GET',
      path: '/healthz',
      access: 'anyone',
      handle: (_request, reply) => fresh(reply).send({ healthy: true }),
    })
    ctx.route({
      method: 'GET',
      path: '/readyz',
      access: 'anyone',
      async handle(_request, reply) {
        const problems = await readiness.problems()
        const ready = problems.length === 0
        return fresh(reply)
          .code(ready ? 200 : 503)
          .send({ ready, ...(!ready && { problems }) })
      },
    })
    ctx.route({
      method: 'GET',
      path: '/metrics',
      access: metricsAccess(ctx.config),
      handle: async (_request, reply) =>
        fresh(reply)
          .type(metrics.contentType)
          .send(await metrics.text()),
    })
  },
})
