import { defineModule, option, xep } from '#api'
import { Door } from './door.ts'
import { sessionsOf } from './sessions.ts'

/** What the module tells others. */
export interface BoshApi {
  /** Where clients send their requests. */
  readonly path: string
}

/** For people who look whether anything is there. */
const EXPLANATION = 'XMPP clients connect here by BOSH (XEP-0124): they send POST requests.\n'

export default defineModule({
  name: 'bosh',
  summary: 'Lets clients connect by HTTP requests alone (BOSH), where WebSocket does not get through, at `/http-bind`.',
  implements: [
    xep(
      124,
      '1.11.2',
      'No compression, encodings other than UTF-8, several streams in a session, or HTTP errors for clients without `ver`.',
    ),
    xep(206, '1.4'),
  ],
  options: {
    origins: option
      .list(option.string().min(1))
      .min(1)
      .default(['*'])
      .describe('Origins of the web pages that may connect, such as https://chat.example.org; * is any.'),
    wait: option
      .duration()
      .min('1s')
      .max('10m')
      .default('60s')
      .describe(
        'Longest time a request waits for something to tell; shorter than limits.http.idle, and than a proxy waits.',
      ),
    hold: option.int().min(1).max(4).default(2).describe('Most requests of a client that wait at once.'),
    inactivity: option
      .duration()
      .min('5s')
      .default('60s')
      .describe('How long a client may be without a request before it counts as gone.'),
    polling: option
      .duration()
      .min('1s')
      .orOff()
      .default('5s')
      .describe('Shortest time between two requests of a client that only ask whether there is something.'),
    pause: option
      .duration()
      .min('5s')
      .orOff()
      .default('2m')
      .describe('Longest time a client may take leave for, as while a browser goes from one page to another.'),
    sessions: option.int().min(1).orOff().default(10_000).describe('Most sessions in total, of all hosts.'),
    sessionsPerAddress: option.int().min(1).orOff().default(100).describe('Most sessions from one IP address.'),
  },

  setup(ctx): BoshApi {
    const { clock, config, log, server } = ctx
    const path = '/http-bind'
    const { origins } = config
    const door = new Door({
      sessions: sessionsOf(ctx.db),
      limits: config,
      bounds: config,
      origins,
      server,
      clock,
      output: server.output,
      after: (ms, fn) => ctx.after(ms, fn),
      acceptClient: (connection) => ctx.acceptClient(connection),
      log,
    })
    ctx.route({
      method: 'POST',
      path,
      access: 'anyone',
      origins,
      handle: (request, reply) => door.answer(request, reply),
    })
    ctx.route({
      method: 'GET',
      path,
      access: 'anyone',
      handle: (_request, reply) => reply.type('text/plain; charset=utf-8').send(EXPLANATION),
    })
    return { path }
  },
})
