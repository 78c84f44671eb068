import { accountDeleting, defineModule, serverWide, serviceDomains, soft, xep } from '#api'
import adHoc from '../ad-hoc/index.ts'
import { discoItems } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import presence from '../presence/index.ts'
import roster from '../roster/index.ts'
import { Engine } from './engine.ts'
import { options } from './options.ts'
import { PubsubService } from './service.ts'
import { PubsubStore } from './store.ts'

export { checkReader, mayRead } from './access.ts'
export { takeAnswer } from './authorizing.ts'
export { features, nodeInfo } from './discovery.ts'
export type { Engine } from './engine.ts'
export type { Face } from './face.ts'
export type { LastItem } from './item-store.ts'
export { itemItems, listElement, nodeItems } from './listing.ts'
export { NS_EVENT, NS_OWNER, NS_PUBSUB } from './namespaces.ts'
export type { Node } from './node.ts'
export { type NodeLimits, type NodeSettings, plainDefaults, sameValue, unlike } from './node-config.ts'
export { itemElement } from './notifying.ts'
export { perform } from './operations.ts'
export { configureNode } from './owning.ts'
export { GET_PENDING, pendingCommand } from './pending.ts'
export { type NewItem, publishItems } from './publishing.ts'
export { type ItemRecord, MAX_NAME_BYTES, type NodeConfig } from './records.ts'
export { dropUnwelcome } from './relations.ts'
export { retractItems } from './retracting.ts'

/** What other modules get: the engine, for a face of their own. */
export interface PubsubApi {
  readonly engine: Engine
  readonly services: readonly PubsubService[]
  /** What the admin bounds nodes by. */
  readonly limits: PubsubService['limits']
}

/** The engines of all hosts of a server, which share the tables. */
const enginesOf = serverWide(() => new Set<Engine>())

export default defineModule({
  name: 'pubsub',
  summary: 'Publishes what programs and people have to say to those who have subscribed to it.',
  implements: [xep(60, '1.30.0', 'Leaf nodes; no collections (XEP-0248).'), xep(59, '1.0')],
  options,
  domains: ({ services }, host) => serviceDomains(services, host),
  depends: { adHoc: soft(adHoc), disco, presence, roster },

  setup(ctx): PubsubApi {
    const { host, config, deps } = ctx
    const engine = new Engine(host, new PubsubStore(ctx.db), ctx.clock, ctx.log)
    const all = enginesOf(ctx.db).add(engine)
    const services = serviceDomains(config.services, host.domain).map((domain) => {
      const { presence, roster } = deps
      const service = new PubsubService({
        engine,
        domain,
        settings: config,
        admins: ctx.server.admins,
        presence,
        roster,
        adHoc: deps.adHoc,
      })
      ctx.serve(domain, (event) => service.receive(event))
      return service
    })
    ctx.add(discoItems, {
      of: 'host',
      items: () => services.map(({ service }) => ({ jid: service.toString(), name: config.name })),
    })
    ctx.gate(accountDeleting, async ({ jid }) => {
      // What was asked for before would come back: at other hosts, too.
      for (const one of all) await one.idle()
      if (jid.domain === host.domain) await engine.store.forgetService(jid.toString())
      await engine.store.forgetJid(jid.toString())
      for (const one of all) {
        // What is being loaded may be from before.
        await one.idle()
        one.forgetAll()
      }
    })
    ctx.onStop(() => {
      all.delete(engine)
      return engine.idle()
    })
    return { engine, services, limits: config.limits }
  },
})
