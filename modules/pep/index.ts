import {
  type Database,
  defineModule,
  type Element,
  flows,
  type Host,
  type IqHandler,
  type Jid,
  StanzaError,
  xep,
} from '#api'
import { capabilitiesKnown } from '../capabilities/hooks.ts'
import capabilities from '../capabilities/index.ts'
import { discoIdentities, discoItems, discoNodes } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { sessionAvailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import pubsub, {
  dropUnwelcome,
  features,
  type ItemRecord,
  itemItems,
  mayRead,
  type NewItem,
  type NodeConfig,
  NS_OWNER,
  NS_PUBSUB,
  nodeInfo,
  nodeItems,
  perform,
  publishItems,
  retractItems,
  takeAnswer,
} from '../pubsub/index.ts'
import { rosterItemChanged, rosterItemRemoved } from '../roster/hooks.ts'
import roster, { isSubscribed } from '../roster/index.ts'
import { AccountFace } from './account-face.ts'
import { Audience } from './audience.ts'
import { Newcomers } from './newcomers.ts'

/** What other modules may do with the nodes of accounts, as their owners. `account` is a bare JID of this host. */
export interface PepApi {
  /** Publishes for an account; the node is created with `config` when there is none, and need not be set so when there is. */
  publish(account: Jid, node: string, items: readonly NewItem[], config?: NodeConfig): Promise<void>
  /** Removes items; those that are not there are no error. */
  retract(account: Jid, node: string, ids: readonly string[]): Promise<void>
  /** The newest items of a node, oldest first; none when there is no such node. */
  items(account: Jid, node: string, count: number): Promise<readonly ItemRecord[]>
  /** Whether somebody may read a node; not one that is not there. */
  mayRead(account: Jid, node: string, asker: Jid): Promise<boolean>
}

/** The hosts of a server on which accounts publish. */
const servers = new WeakMap<Database, Map<string, Host>>()

export default defineModule({
  name: 'pep',
  summary: 'Lets accounts publish what contacts want to hear of: profiles, keys, bookmarks, moods.',
  implements: [xep(163, '1.2.2'), xep(222, '1.0'), xep(223, '1.1.1')],
  features: { account: features },
  depends: { capabilities, disco, presence, pubsub, roster },

  setup(ctx): PepApi {
    const { host, deps } = ctx
    const { engine } = deps.pubsub
    const hosts = servers.get(ctx.db) ?? new Map<string, Host>()
    servers.set(ctx.db, hosts.set(host.domain, host))
    ctx.onStop(() => void hosts.delete(host.domain))

    const audience = new Audience(hosts, deps.roster, deps.capabilities)
    const faceOf = (account: Jid): AccountFace => new AccountFace(account.bare, faces)
    const faces = {
      ...deps,
      audience: (account: Jid, node: Parameters<typeof audience.of>[2]) => audience.of(faceOf(account), account, node),
    }
    const newcomers = new Newcomers({ ...deps, audience, log: ctx.log, faceOf })

    const answer =
      (type: 'get' | 'set'): IqHandler =>
      (query, { from, to }) =>
        perform(engine, faceOf(to), type, query, from)
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

    ctx.on(sessionAvailable, (session) => newcomers.welcome(session, audience.interestsOf(session)))
    ctx.on(capabilitiesKnown, ({ session, features: now, before }) => {
      if (session.presence !== null)
        newcomers.welcome(
          session,
          audience.interests(now).filter((node) => !before.has(`${node}+notify`)),
        )
    })
    // XEP-0163 §4.3.3: whoever may see more hears of it, whoever may see less has subscribed to less.
    ctx.on(rosterItemChanged, ({ account, was, now }) => {
      if (!isSubscribed(was) && isSubscribed(now))
        newcomers.introduce(account, hosts.get(now.jid.domain)?.user(now.jid)?.available() ?? [])
      else void review(account, now.jid)
    })
    ctx.on(rosterItemRemoved, ({ account, was }) => void review(account, was.jid))

    /** Ends the subscriptions of a contact who may not have them any more. */
    async function review(account: Jid, contact: Jid): Promise<void> {
      try {
        const face = faceOf(account)
        const own = await engine.store.subscriptionsOf(account.toString(), contact.bare.toString())
        for (const { node } of own)
          await engine.atNode(face, node, async (found) => found && dropUnwelcome(engine, face, found))
      } catch (err) {
        ctx.log.error({ err, account: account.toString() }, 'subscriptions could not be looked through')
      }
    }

    // XEP-0060 §8.6: an owner's answer to a request comes as a message to the account itself.
    ctx.flow(flows.message.arriving, 'deliver', ({ stanza, from, to }) => {
      if (!to.isBare || !from.bare.equals(to)) return false
      const taken = takeAnswer(engine, faceOf(to), from, stanza as Element)
      return taken === false ? false : taken.then(() => true)
    })

    return {
      publish: async (account, node, items, config) =>
        void (await publishItems(engine, faceOf(account), node, items, account, config, false)),
      async retract(account, node, ids) {
        try {
          await retractItems(engine, faceOf(account), node, ids, account, true)
        } catch (error) {
          if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error
        }
      },
      async items(account, name, count) {
        const node = await engine.find(faceOf(account), name)
        if (node === undefined) return []
        await engine.expire(node)
        return await engine.store.newest(node.id, count)
      },
      async mayRead(account, name, asker) {
        const face = faceOf(account)
        const node = await engine.find(face, name)
        return node !== undefined && (await mayRead(face, node, asker))
      },
    }
  },
})
