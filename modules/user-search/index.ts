import { accountDeleting, defineModule, defineSlot, Jid, option, StanzaError, soft, type User, xep } from '#api'
import { adHocCommands } from '../ad-hoc/hooks.ts'
import adHoc from '../ad-hoc/index.ts'
import { discoIdentities } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { vcardChanged } from '../vcard/hooks.ts'
import vcard from '../vcard/index.ts'
import { directoryCommands, directoryRuns } from './commands.ts'
import { Directory } from './directory.ts'
import { findableCommand } from './findable.ts'
import { foundElement, NS_SEARCH, readSearch, searchFields } from './protocol.ts'
import { UserSearchStore } from './store.ts'

/** How often an account has searched within the present minute. */
const searchesSlot = defineSlot<{ minute: number; count: number }>('user-search/searches', () => ({
  minute: 0,
  count: 0,
}))

export default defineModule({
  name: 'user-search',
  summary: 'Lets accounts find each other by name, nickname and e-mail address.',
  implements: [xep(55, '1.3')],
  features: { host: [NS_SEARCH] },
  options: {
    listed: option
      .oneOf('everybody', 'willing')
      .default('everybody')
      .describe('Who can be found: everybody who has not said otherwise, or only those who have said so.'),
    maxResults: option.int().min(1).orOff().default(50).describe('Most people a search finds.'),
    minLength: option.int().min(1).max(16).default(2).describe('Letters that one word of a search has at least.'),
    perMinute: option.int().min(1).orOff().default(20).describe('Most searches of one account within a minute.'),
  },
  commands: directoryCommands,
  depends: { vcard, disco: soft(disco), adHoc: soft(adHoc) },

  setup(ctx) {
    const { host, clock, config } = ctx
    const store = new UserSearchStore(ctx.db, host.domain)
    const directory = new Directory(store, ctx.deps.vcard, config.listed === 'everybody')
    ctx.onStop(() => directory.idle())
    ctx.gate(accountDeleting, ({ jid }) => directory.forget(jid))
    ctx.on(vcardChanged, ({ account: jid, card }) => {
      directory
        .card(jid.toString(), card)
        .catch((error) =>
          ctx.log.error({ err: error, account: jid.toString() }, 'the user directory could not be changed'),
        )
    })
    ctx.onReady(async () => {
      if ((await ctx.kv.get('built')) !== undefined) return
      await directory.rebuild(host.domain)
      await ctx.kv.set('built', 'yes')
    })

    // The directory is for those who are in it.
    const checkAsker = (from: Jid): User | undefined => {
      if (from.domain !== host.domain || from.local === '')
        throw new StanzaError('forbidden', 'The directory is for accounts of this domain.')
      return host.user(from)
    }
    const count = (user: User | undefined): void => {
      const searches = user?.slots.get(searchesSlot)
      if (searches === undefined || config.perMinute === 0) return
      const minute = Math.floor(clock.now() / 60_000)
      if (searches.minute !== minute) [searches.minute, searches.count] = [minute, 0]
      if (++searches.count > config.perMinute)
        throw new StanzaError('resource-constraint', `At most ${config.perMinute} searches a minute.`)
    }

    ctx.add(discoIdentities, { of: 'host', category: 'directory', type: 'user', name: 'User Directory' })
    // XEP-0055 §2.1, §3.
    ctx.iq('get', 'host', 'query', NS_SEARCH, (_query, { from }) => {
      checkAsker(from)
      return searchFields()
    })
    ctx.iq('set', 'host', 'query', NS_SEARCH, async (query, { from }) => {
      const user = checkAsker(from)
      const { wanted, byForm } = readSearch(query, config.minLength)
      count(user)
      // What people have said of themselves so far counts.
      await directory.idle()
      const people = await store.find(wanted, config.maxResults)
      // One that waits to be deleted is nobody to others.
      const isThere = await Promise.all(people.map(({ account }) => host.accounts.exists(Jid.parse(account).local)))
      return foundElement(
        people.filter((_, place) => isThere[place]).sort((a, b) => (a.account < b.account ? -1 : 1)),
        byForm,
      )
    })

    ctx.add(adHocCommands, findableCommand(directory, config.listed === 'everybody'))
    for (const [name, run] of Object.entries(directoryRuns(host, directory))) ctx.command(name, run)
  },
})
