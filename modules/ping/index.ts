import { defineModule, xep } from '#api'

const NS = 'urn:xmpp:ping'

export default defineModule({
  name: 'ping',
  summary: 'Answers XMPP pings.',
  implements: [xep(199, '2.0.1')],
  features: { host: [NS], account: [NS] },

  setup(ctx) {
    ctx.iq('get', 'host', 'ping', NS, () => {})
    ctx.iq('get', 'account', 'ping', NS, () => {})
  },
})
