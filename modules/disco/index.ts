import { defineModule, flows, type IqHandler, option, StanzaError, soft, xep, xml } from '#api'
import presence from '../presence/index.ts'
import {
  type DiscoInfo,
  type DiscoItem,
  type DiscoRequest,
  type DiscoTarget,
  discoIdentities,
  discoItems,
  discoNodes,
} from './hooks.ts'
import { gatherInfo, gatherItems, infoElement, itemsElement, NS_INFO, NS_ITEMS } from './info.ts'

export { byOctets, infoElement, itemsElement, NS_INFO, NS_ITEMS } from './info.ts'

/** What other modules may ask of service discovery. */
export interface Disco {
  /** What the host is and can do, as of now. */
  hostInfo(): DiscoInfo
}

export default defineModule({
  name: 'disco',
  summary: 'Tells clients what the server and accounts are, what they can do and what belongs to them.',
  implements: [xep(30, '2.5.0'), xep(128, '1.0.1')],
  features: { host: [NS_INFO, NS_ITEMS], account: [NS_INFO, NS_ITEMS] },
  options: {
    name: option.string().max(256).default('Stonechat').describe('What the server calls itself in service discovery.'),
  },
  depends: { presence: soft(presence) },

  setup(ctx): Disco {
    const { host, config } = ctx
    ctx.add(discoIdentities, { of: 'host', category: 'server', type: 'im', name: config.name })
    ctx.add(discoItems, { of: 'account', items: resourceItems })
    ctx.add(discoItems, { of: 'host', items: () => ctx.server.components.map((jid) => ({ jid })) })

    const maySee = async ({ from, to }: Pick<DiscoRequest, 'from' | 'to'>): Promise<boolean> =>
      from.bare.equals(to.bare) || ((await ctx.deps.presence?.isSubscriber(to.bare, from.bare)) ?? false)

    const answer =
      (
        of: DiscoTarget,
        ask: (node: string | undefined, request: DiscoRequest) => Promise<ReturnType<typeof infoElement>>,
      ): IqHandler =>
      async (query, iq) => {
        // XEP-0030 §8: to strangers an account is as if it were not there.
        if (of === 'account' && !(await maySee(iq))) throw new StanzaError('service-unavailable')
        return await ask(query.attrs['node'], { to: iq.to, from: iq.from, user: iq.user })
      }

    for (const target of ['host', 'account'] as const) {
      const nodes = () => host.hooks.all(discoNodes).filter((offer) => offer.of === target)
      const info = answer(target, async (node, request) => {
        if (node === undefined) return infoElement(gatherInfo(host, target, request))
        return infoElement(await firstKnown(nodes(), (offer) => offer.info?.(node, request)), node)
      })
      const items = answer(target, async (node, request) => {
        if (node === undefined) return itemsElement(await gatherItems(host, target, request))
        return itemsElement(await firstKnown(nodes(), (offer) => offer.items?.(node, request)), node)
      })
      ctx.iq('get', target, 'query', NS_INFO, info)
      ctx.iq('get', target, 'query', NS_ITEMS, items)
    }

    // XEP-0030 §8: strangers hear of no items, whether the account exists or not, so before anybody looks whether it does.
    ctx.flow(flows.iq.arriving, 'deliver', (e) => {
      if (e.type !== 'get' || e.to.local === '' || e.to.resource !== '') return false
      const query = e.stanza.getChild('query', NS_ITEMS)
      if (query === undefined) return false
      return maySee(e).then((sees) => {
        const { id, to, from } = e.stanza.attrs
        if (!sees)
          host.route(xml('iq', { type: 'result', id, from: to, to: from }, itemsElement([], query.attrs['node'])))
        return !sees
      })
    })

    return { hostInfo: () => gatherInfo(host, 'host', { to: host.jid, from: host.jid, user: undefined }) }
  },
})

/** XEP-0030 §4.1: an account's connected resources for its owner, the available ones for those who see its presence. */
function resourceItems({ from, to, user }: DiscoRequest): DiscoItem[] {
  if (user === undefined) return []
  const own = from.bare.equals(to.bare)
  return [...(own ? user.sessions.values() : user.available())].map((session) => ({ jid: session.address }))
}

async function firstKnown<O, A>(
  offers: readonly O[],
  ask: (offer: O) => A | undefined | Promise<A | undefined>,
): Promise<A> {
  for (const offer of offers) {
    const answer = await ask(offer)
    if (answer !== undefined) return answer
  }
  // XEP-0030 §7: a node nobody knows, which the asker is allowed to learn.
  throw new StanzaError('item-not-found', 'There is no such node.')
}
