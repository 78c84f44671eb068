import { defineModule, type Element, flows, type IqHandler, soft, xep } from '#api'
import blocking from '../blocking/index.ts'
import { capabilitiesKnown } from '../capabilities/hooks.ts'
import capabilities from '../capabilities/index.ts'
import { discoIdentities, discoItems, discoNodes } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { sessionAvailable, sessionUnavailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import pubsub, {
  features,
  itemItems,
  NS_OWNER,
  NS_PUBSUB,
  nodeInfo,
  nodeItems,
  perform,
  takeAnswer,
} from '../pubsub/index.ts'
import { rosterItemChanged, rosterItemRemoved } from '../roster/hooks.ts'
import roster from '../roster/index.ts'
import { AccessWatch } from './access-watch.ts'
import { AccountFace } from './account-face.ts'
import { Audience } from './audience.ts'
import { Newcomers } from './newcomers.ts'
import { ownNodes, type PepApi } from './own-nodes.ts'
import { type Site, sitesOf } from './sites.ts'
import { checkAnswer } from './strangers.ts'

export type { PepApi } from './own-nodes.ts'

/** What an account's service does beyond any other (XEP-0060 §9). */
const ownFeatures = [`${NS_PUBSUB}#auto-subscribe`, `${NS_PUBSUB}#filtered-notifications`]

export default defineModule({
  name: 'pep',
  summary: 'Lets accounts publish what contacts want to hear of: profiles, keys, bookmarks, moods.',
  implements: [
    xep(163, '1.2.2'),
    xep(222, '1.0'),
    xep(223, '1.1.1'),
    xep(384, '0.9.1', 'The server’s side: lists of devices and bundles that clients open to all.'),
  ],
  features: { account: [...features, ...ownFeatures] },
  depends: { blocking: soft(blocking), capabilities, disco, presence, pubsub, roster },

  setup(ctx): PepApi {
    const { host, deps } = ctx
    const { engine, limits } = deps.pubsub
    const sites = sitesOf(ctx.db)
    const site: Site = {
      host,
      engine,
      presence: deps.presence,
      roster: deps.roster,
      blocking: deps.blocking,
      faceOf: (account, known) => new AccountFace(account.bare, site, audience, limits, known),
    }
    const { faceOf } = site
    sites.set(host.domain, site)
    ctx.onStop(() => void sites.delete(host.domain))
    const audience = new Audience(site, sites, deps.capabilities)
    const newcomers = new Newcomers(site, sites, audience, ctx.log)
    const watch = new AccessWatch(site, newcomers, ctx.log)

    const answer =
      (type: 'get' | 'set'): IqHandler =>
      async (query, { from, to }) => {
        const face = faceOf(to)
        const payload = await perform(engine, face, type, query, from)
        await checkAnswer(face, query, payload, from)
        return payload
      }
    for (const type of ['get', 'set'] as const)
      for (const xmlns of [NS_PUBSUB, NS_OWNER]) ctx.iq(type, 'account', 'pubsub', xmlns, answer(type))

    // XEP-0163 §6: found by those who see the account's presence.
    ctx.add(discoIdentities, { of: 'account', category: 'pubsub', type: 'pep' })
    ctx.add(discoItems, {
      of: 'account',
      items: async ({ to, from }) => (await nodeItems(engine, faceOf(to), from)).items,
    })
    ctx.add(discoNodes, {
      of: 'account',
      info: async (name, { to, from }) => {
        const face = faceOf(to)
        return (await engine.find(face, name)) && (await nodeInfo(engine, face, name, from))
      },
      items: async (name, { to, from }) => {
        const face = faceOf(to)
        return (await engine.find(face, name)) && (await itemItems(engine, face, name, from)).items
      },
    })

    ctx.on(sessionAvailable, (session) => newcomers.arrived(session))
    ctx.on(sessionUnavailable, (session) => newcomers.left(session))
    ctx.on(capabilitiesKnown, ({ session, features: now, before }) => newcomers.learned(session, now, before))
    ctx.on(rosterItemChanged, (change) => watch.changed(change))
    ctx.on(rosterItemRemoved, ({ account, was }) => watch.removed(account, was))

    // XEP-0060 §8.6: an owner's answer to a request comes as a message to the account itself.
    ctx.flow(flows.message.arriving, 'deliver', ({ stanza, from, to }) => {
      if (!to.isBare || !from.bare.equals(to)) return false
      const taken = takeAnswer(engine, faceOf(to), from, stanza as Element)
      return taken === false ? false : taken.then(() => true)
    })

    return ownNodes(engine, faceOf)
  },
})
