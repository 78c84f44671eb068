import { defineModule, streamFeatures, xep, xml } from '#api'
import type { DiscoInfo } from '../disco/hooks.ts'
import { discoNodes } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { verificationString } from './verification.ts'

export { type CapsHash, readInfo, verificationString } from './verification.ts'

const NS = 'http://jabber.org/protocol/caps'
/** XEP-0115 §4: a URI that identifies the software. */
const SOFTWARE = 'urn:stonechat:server'

/** The server's own capabilities. */
export interface Capabilities {
  /** The verification string of the host, computed at first use: ask when all modules are up. */
  ver(): string
}

export default defineModule({
  name: 'capabilities',
  summary: 'Announces what the server can do when a client connects, so that it need not ask.',
  implements: [xep(115, '1.6.0', "the server's own capabilities")],
  features: { host: [NS] },
  depends: { disco },

  setup(ctx): Capabilities {
    let own: { readonly info: DiscoInfo; readonly ver: string } | undefined
    const capabilities = () => {
      if (own === undefined) {
        const info = ctx.deps.disco.hostInfo()
        own = { info, ver: verificationString(info) }
      }
      return own
    }

    // XEP-0115 §6.3: as a stream feature, once it is known who asks.
    ctx.add(streamFeatures, {
      when: 'after-login',
      element: () => xml('c', { xmlns: NS, hash: 'sha-1', node: SOFTWARE, ver: capabilities().ver }),
    })
    // XEP-0115 §6.2: the node of the announcement answers with just what was hashed.
    ctx.add(discoNodes, {
      of: 'host',
      info: (node) => (node === `${SOFTWARE}#${capabilities().ver}` ? capabilities().info : undefined),
    })

    return { ver: () => capabilities().ver }
  },
})
