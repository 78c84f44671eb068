import { defineModule, serialize, soft, xep, xml } from '#api'
import bosh from '../bosh/index.ts'
import websocket from '../websocket/index.ts'

const NS_XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'

export default defineModule({
  name: 'host-meta',
  summary: 'Tells browsers, which cannot ask the DNS, where they can connect.',
  implements: [xep(156, '1.4.0')],
  depends: { bosh: soft(bosh), websocket: soft(websocket) },

  setup(ctx) {
    const { webUrl } = ctx.server
    // XEP-0156 §2.2: only what TLS protects is told of.
    if (!webUrl?.startsWith('https:')) return
    const { bosh, websocket } = ctx.deps
    const way = (name: string, href: string) => ({ rel: `urn:xmpp:alt-connections:${name}`, href })
    const links = [
      ...(websocket === undefined ? [] : [way('websocket', webUrl.replace(/^http/, 'ws') + websocket.path)]),
      ...(bosh === undefined ? [] : [way('xbosh', webUrl + bosh.path)]),
    ]
    const xrd = xml('XRD', { xmlns: NS_XRD }, ...links.map((link) => xml('Link', link)))
    const document = `<?xml version='1.0' encoding='utf-8'?>\n${serialize(xrd)}\n`
    const serve = (path: string, type: string, text: string) =>
      ctx.route({
        method: 'GET',
        path,
        access: 'anyone',
        origins: ['*'],
        handle: (_request, reply) => reply.type(type).send(text),
      })
    // RFC 6415 §2, §3.
    serve('/.well-known/host-meta', 'application/xrd+xml; charset=utf-8', document)
    serve('/.well-known/host-meta.json', 'application/json; charset=utf-8', `${JSON.stringify({ links })}\n`)
  },
})
