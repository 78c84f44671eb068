import {
  accountDeleting,
  asJson,
  defineModule,
  defineSlot,
  flowNeeded,
  flows,
  type Jid,
  option,
  randomId,
  StanzaError,
  soft,
  type User,
  userLeft,
  userLoading,
  Wire,
  xep,
  xml,
} from '#api'
import { presenceWithheld } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import roster from '../roster/index.ts'
import { BlockLists, type Change } from './block-lists.ts'
import { guardArriving, guardLeaving, isBlocked, isPresenceWithheld, NS, refusePush } from './guards.ts'
import { blockWitnesses } from './hooks.ts'
import { readItems } from './items.ts'
import { showTo } from './show-presence.ts'
import { BlockingStore } from './store.ts'

/** Whether the client has asked for the list, and so hears of changes. */
const interested = defineSlot('blocking/interested', () => false, asJson)

/** What other modules may ask of the block lists of a host's accounts. */
export interface BlockingApi {
  /** Whether an account blocks an address: at once when its list is in memory, else after one query. */
  blocks(account: Jid, address: Jid): boolean | Promise<boolean>
  /** Those of some accounts, bare JIDs, that block an address; the lists that are not in memory cost few queries together. */
  blockers(accounts: readonly Jid[], address: Jid): Promise<ReadonlySet<string>>
}

export default defineModule({
  name: 'blocking',
  summary: 'Lets people block whom they do not want to hear from.',
  implements: [xep(191, '1.3', 'Subscriptions are kept.')],
  features: { host: [NS] },
  depends: { presence: soft(presence), roster: soft(roster) },
  options: {
    maxItems: option.int().min(1).orOff().default(1000).describe('How many addresses an account can block.'),
    remembered: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('How many block lists of accounts that are not online are kept in memory; the others cost a query.'),
  },

  setup(ctx): BlockingApi {
    const { host, deps } = ctx
    const lists = new BlockLists(host, new BlockingStore(ctx.db), ctx.config)
    ctx.gate(userLoading, (user) => lists.load(user))
    ctx.on(userLeft, (user) => lists.release(user))
    ctx.gate(accountDeleting, async ({ jid }) => void (await lists.clear(jid)))
    ctx.onStop(() => lists.idle())

    const refused = ctx.metrics.counter('refused_total', 'Stanzas kept away from those who block their senders.')
    for (const flow of [flows.message, flows.presence, flows.iq]) {
      ctx.flow(flow.leaving, 'guard', guardLeaving(host, lists))
      ctx.flow(flow.arriving, 'guard', guardArriving(host, lists, refused))
    }
    ctx.flow(flows.iq.arriving, 'guard', refusePush)
    ctx.answer(presenceWithheld, (path) => (isPresenceWithheld(host, lists, path) ? true : undefined))

    ctx.answer(flowNeeded, (passing) => (isBlocked(host, lists, passing) ? true : undefined))

    ctx.iq('get', 'self', 'blocklist', NS, async (_query, { from, origin }) => {
      const list = await lists.of(from)
      origin?.slots.set(interested, true)
      return xml('blocklist', { xmlns: NS }, ...itemElements(list.items()))
    })

    ctx.iq('set', 'self', 'block', NS, async (request, { from, user }) => {
      const named = readItems(request)
      const items = named.map(({ jid }) => jid)
      // XEP-0191 §3.3: at least one item.
      if (items.length === 0) throw new StanzaError('bad-request', 'Say whom to block.')
      tell(user, 'block', items, await lists.block(from.bare, items))
      for (const witness of host.hooks.all(blockWitnesses))
        try {
          await witness(from.bare, named)
        } catch (error) {
          ctx.log.error({ err: error, account: from.bare.toString() }, 'what was said of a block is lost')
        }
    })

    ctx.iq('set', 'self', 'unblock', NS, async (request, { from, user }) => {
      const items = readItems(request).map(({ jid }) => jid)
      // XEP-0191 §3.5: no item means all of them.
      const change = items.length === 0 ? await lists.clear(from.bare) : await lists.unblock(from.bare, items)
      tell(user, 'unblock', items, change)
    })

    /** XEP-0191 §3.3, §3.4: the contacts concerned see the account go or come; the clients hear of the change. */
    function tell(user: User | undefined, what: 'block' | 'unblock', items: readonly string[], change: Change): void {
      if (user === undefined) return
      showTo(host, user, deps.roster?.of(user)?.subscribers() ?? [], change)
      const push = xml('iq', { type: 'set', id: randomId() }, xml(what, { xmlns: NS }, ...itemElements(items)))
      const wire = Wire.of(push)
      for (const session of user.sessions.values()) if (session.slots.get(interested)) session.sendHere(wire)
    }

    return {
      blocks(account, address) {
        const list = lists.of(account)
        return list instanceof Promise ? list.then((found) => found.blocks(address)) : list.blocks(address)
      },
      blockers: (accounts, address) => lists.blockers(accounts, address),
    }
  },
})

function itemElements(items: Iterable<string>) {
  return Array.from(items, (jid) => xml('item', { jid }))
}
