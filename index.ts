import { defineModule, option, serverWide, xep } from '#api'
import { Door } from './door.ts'
import { Sessions } from './sessions.ts'

const PATH = '/http-bind'

const options = {
  origins: option
    .list(option.string().min(1))
    .min(1)
    .distinct()
    .default(['*'])
    .describe(
      'Web sites whose scripts may connect, such as https://chat.example.org; * is any. A client logs in here with what it knows, so no site can act for its visitors. The own web client always may.',
    ),
  wait: option
    .duration()
    .min('1s')
    .max('100s')
    .default('60s')
    .describe('Longest time a request is held until there is something to tell; less than limits.http.idle in server.yaml.'),
  hold: option.int().min(1).max(5).default(2).describe('Most requests of a session that are held at once.'),
  inactivity: option
    .duration()
    .min('5s')
    .max('1h')
    .default('30s')
    .describe('How long a client may be without a request before its connection counts as lost.'),
  pause: option
    .duration()
    .min('1s')
    .max('1h')
    .orOff()
    .default('2m')
    .describe('How long a client may say that it will be without a request, as when a page changes.'),
  polling: option
    .duration()
    .min('1s')
    .max('5m')
    .orOff()
    .default('5s')
    .describe('How soon a client may ask again with nothing to say, where it could wait for an answer.'),
  beforeLogin: option
    .group({
      perAddress: option.int().min(1).orOff().default(100).describe('Most from one IP address.'),
      total: option.int().min(1).orOff().default(2000).describe('Most in all.'),
    })
    .describe('How many sessions there may be that nobody has logged in to.'),
}

/** One path may be had by the names of several hosts, and each request of a session by another. */
const sessionsOf = serverWide(() => new Sessions())

export default defineModule({
  name: 'bosh',
  summary: 'Lets clients connect over HTTP requests, where neither TCP nor WebSocket gets through.',
  implements: [
    xep(124, '1.11.2', 'One stream a session; without compression.'),
    xep(206, '1.4'),
  ],
  options,

  setup(ctx) {
    const { config, host, server } = ctx
    const sessions = sessionsOf(ctx.db)
    const door = new Door(ctx, config, sessions)
    const own = server.webUrl === undefined ? [] : [new URL(server.webUrl).origin]
    const origins = config.origins.includes('*') ? config.origins : [...config.origins, ...own]
    ctx.route({
      method: 'POST',
      path: PATH,
      origins,
      access: ({ headers }) =>
        headers.origin === undefined || origins.includes('*') || origins.includes(headers.origin),
      handle: (request, reply) => door.handle(request, reply),
    })
    ctx.route({
      method: 'GET',
      path: PATH,
      access: 'anyone',
      handle: (_request, reply) =>
        reply.type('text/plain; charset=utf-8').send('XMPP clients connect here over BOSH (XEP-0124).\n'),
    })
    ctx.metrics.gauge('sessions', 'Sessions of BOSH that there are.', () => sessions.count(host.domain))
    ctx.onStop(() => sessions.endAll(host.domain, 'the module stops'))
  },
})
