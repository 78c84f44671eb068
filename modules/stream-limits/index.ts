import { defineModule, type Element, streamFeatures, xep, xml } from '#api'

const NS = 'urn:xmpp:stream-limits:0'

export default defineModule({
  name: 'stream-limits',
  summary: 'Tells clients how large a stanza may be and how long they may be silent.',
  implements: [xep(478, '0.2.0', 'On the streams of clients.')],

  setup(ctx) {
    const { beforeLogin, afterLogin } = ctx.server.streams
    // XEP-0478 §3.1: what is not limited is not there.
    for (const [when, { maxBytes, idleMs }] of [
      ['before-login', beforeLogin],
      ['after-login', afterLogin],
    ] as const)
      if (maxBytes > 0 || idleMs > 0) ctx.add(streamFeatures, { when, element: () => limits(maxBytes, idleMs) })
  },
})

function limits(maxBytes: number, idleMs: number): Element {
  return xml(
    'limits',
    { xmlns: NS },
    maxBytes > 0 && xml('max-bytes', null, String(maxBytes)),
    // What is less than a second is still a limit.
    idleMs > 0 && xml('idle-seconds', null, String(Math.max(1, Math.floor(idleMs / 1000)))),
  )
}
