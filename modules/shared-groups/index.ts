import { accountCreated, accountDeleting, defineModule, drop, flows, type Host, KeyedQueue, StanzaError } from '#api'
import { sharedContacts } from '../roster/hooks.ts'
import roster, { type Subscription } from '../roster/index.ts'
import { type GroupsState, SharedGroups } from './groups.ts'
import { complaints, groupsOf, groupsOption } from './options.ts'

export default defineModule({
  name: 'shared-groups',
  summary: 'Has accounts in each other’s rosters, in groups that the admin makes.',
  implements: [],
  options: { groups: groupsOption },
  check: ({ groups }, domain) => complaints(groups, domain),
  depends: { roster },

  async setup(ctx) {
    const { host, kv } = ctx
    const specs = groupsOf(ctx.config.groups)
    if (specs.size === 0) return
    const groups = new SharedGroups(host.domain, specs, () => host.users())
    const kept = await kv.get('state')
    groups.begin(await accountsOf(host), kept === undefined ? undefined : (JSON.parse(kept) as GroupsState))
    const queue = new KeyedQueue()
    const keep = () => queue.run('state', () => kv.set('state', JSON.stringify(groups.state)))
    await keep()
    ctx.onStop(() => queue.idle())

    ctx.answer(sharedContacts, (account) => groups.view(account))

    /** Those online who have to do with an account. */
    const concerned = (local: string) =>
      [...host.users()].filter(({ jid }) => groups.between(jid.local, local)?.listed === true)

    ctx.on(accountCreated, ({ jid }) => {
      if (!groups.join(jid.local)) return
      for (const user of concerned(jid.local)) ctx.deps.roster.announceShared(user.jid, jid)
      keep().catch((error) => ctx.log.error({ err: error }, 'the version of the shared groups could not be kept'))
    })
    ctx.gate(accountDeleting, async ({ jid }) => {
      const told = concerned(jid.local)
      if (!groups.leave(jid.local)) return
      await keep().catch((error) => {
        // The account stays, then.
        groups.join(jid.local)
        throw error
      })
      for (const user of told) ctx.deps.roster.announceShared(user.jid, jid)
    })

    // What is so by the word of the admin, nobody need ask for or can end.
    ctx.flow(flows.presence.leaving, 'guard', ({ type, directed, from, to }) => {
      const kind = kinds.get(type)
      if (kind === undefined || !directed || to.domain !== host.domain) return
      const shared = groups.between(from.local, to.local)
      if (shared === undefined || !kind.of.includes(shared.subscription)) return
      if (kind.ends) throw new StanzaError('not-allowed', 'This contact is in the roster by the word of the admin.')
      throw drop
    })
  },
})

/** Which stanzas about subscriptions are about something that is shared, and whether they would end it. */
const kinds = new Map<string, { readonly of: readonly Subscription[]; readonly ends: boolean }>([
  ['subscribe', { of: ['to', 'both'], ends: false }],
  ['unsubscribe', { of: ['to', 'both'], ends: true }],
  ['subscribed', { of: ['from', 'both'], ends: false }],
  ['unsubscribed', { of: ['from', 'both'], ends: true }],
])

async function accountsOf(host: Host): Promise<string[]> {
  const all: string[] = []
  for (;;) {
    const page = await host.accounts.list(all.at(-1), 1000)
    all.push(...page)
    if (page.length < 1000) return all
  }
}
