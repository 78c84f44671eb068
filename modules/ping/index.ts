import { defineModule, xep } from '#api'

const NS = 'urn:xmpp:ping'

export default defineModule({
  name: 'ping',
  summary: 'Answers XMPP pings.',
  implements: [xep(199, '2.0.1')],
  features: { host: [NS], account: [NS] },

  setup(ctx) {
    ctx.iq('get', 'host', 'ping', NS, () => {})
    // RFC 6121 §8.5.1: an answer to anybody else would tell that there is such an account.
    ctx.iq('get', 'self', 'ping', NS, () => {})
  },
})
