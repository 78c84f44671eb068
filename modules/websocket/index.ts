import { WebSocketServer } from 'ws'
import { defineModule, option, refuseUpgrade } from '#api'
import { WebSocketConnection } from './connection.ts'

const PROTOCOL = 'xmpp'

/** The connection holds messages to the limits of its stream; here they are only kept from coming in crumbs. */
const BOUNDS = { maxPayload: 0, maxFragments: 32, maxBufferedChunks: 4096, closeTimeout: 5_000 }

/** What the module tells others. */
export interface WebSocketApi {
  /** Where clients connect. */
  readonly path: string
}

export default defineModule({
  name: 'websocket',
  summary: 'Lets clients connect by WebSocket, as browsers do, at `/xmpp-websocket`.',
  implements: [],
  options: {
    origins: option
      .list(option.string().min(1))
      .min(1)
      .default(['*'])
      .describe('Origins of the web pages that may connect, such as https://chat.example.org; * is any.'),
  },

  setup(ctx): WebSocketApi {
    const { config, clock, server } = ctx
    const path = '/xmpp-websocket'
    const sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // CVE-2014-2741: nothing is decompressed here.
      perMessageDeflate: false,
      ...BOUNDS,
      // The parser says what is wrong with what is not UTF-8.
      skipUTF8Validation: true,
      // RFC 7395 §3.1.
      handleProtocols: () => PROTOCOL,
    })
    ctx.upgrade({
      path,
      protocol: 'websocket',
      upgrade(request, socket, head, client) {
        const { origin, 'sec-websocket-protocol': protocols = '' } = request.headers
        if (!protocols.split(',').some((name) => name.trim() === PROTOCOL))
          return refuseUpgrade(socket, 400, 'Ask for the subprotocol xmpp (RFC 7395 §3.1).')
        if (origin !== undefined && !config.origins.includes('*') && !config.origins.includes(origin))
          return refuseUpgrade(socket, 403, 'Pages of your origin may not connect.')
        sockets.handleUpgrade(request, socket, head, (opened) =>
          ctx.acceptClient(new WebSocketConnection(opened, socket, client, server.output, clock)),
        )
      },
    })
    return { path }
  },
})
