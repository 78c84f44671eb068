import { defineModule, streamFeatures, xml } from '#api'

const NS = 'urn:ietf:params:xml:ns:xmpp-session'

export default defineModule({
  name: 'legacy-session',
  summary: 'Answers the session request of clients from before RFC 6120.',
  implements: [],

  setup(ctx) {
    // RFC 6121 §1.4: the request does nothing any more; `optional` lets newer clients save the round trip.
    ctx.add(streamFeatures, {
      when: 'after-login',
      element: (session) => (session === undefined ? xml('session', { xmlns: NS }, xml('optional')) : undefined),
    })
    ctx.iq('set', 'self', 'session', NS, () => {})
    ctx.iq('set', 'host', 'session', NS, () => {})
  },
})
