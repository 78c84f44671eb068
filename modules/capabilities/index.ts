import { defineModule, type Element, flows, type Session, streamFeatures, xep } from '#api'
import { discoNodes } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { NS_CAPS } from './announcement.ts'
import { ClientCapabilities } from './clients.ts'
import { NS_CAPS2 } from './hash-set.ts'
import { type OwnCapabilities, ownCapabilities } from './own.ts'

export { type CapsHash, readInfo, verificationString } from './verification.ts'

/** What the server can do, and what clients can. */
export interface Capabilities {
  /** The verification string of the host (XEP-0115), computed at first use: ask when all modules are up. */
  ver(): string
  /** The features of a session's client in service discovery; none while they are not known. */
  of(session: Session): ReadonlySet<string>
}

export default defineModule({
  name: 'capabilities',
  summary: 'Announces what the server can do, and learns what clients can, so that nobody need ask twice.',
  implements: [xep(115, '1.6.0'), xep(390, '0.3.2', 'Without caps optimization and gratuitous capabilities.')],
  features: { host: [NS_CAPS, NS_CAPS2] },
  depends: { disco },

  setup(ctx): Capabilities {
    let known: OwnCapabilities | undefined
    const own = (): OwnCapabilities => {
      known ??= ownCapabilities(ctx.deps.disco.hostInfo())
      return known
    }

    // XEP-0115 §6.3, XEP-0390 §5.2: as stream features, once it is known who asks.
    ctx.add(streamFeatures, { when: 'after-login', element: () => own().element })
    ctx.add(streamFeatures, { when: 'after-login', element: () => own().hashSet })
    // XEP-0115 §6.2, XEP-0390 §5.5: the nodes that are announced answer with just what was hashed.
    ctx.add(discoNodes, { of: 'host', info: (node) => (own().nodes.has(node) ? own().info : undefined) })

    const clients = new ClientCapabilities(ctx.host)
    ctx.flow(flows.presence.leaving, 'copy', ({ type, directed, origin, stanza }) => {
      if (type === '' && !directed && origin !== null) clients.announced(origin, stanza as Element)
    })

    return { ver: () => own().ver, of: (session) => clients.of(session) }
  },
})
