import {
  componentConnected,
  defineModule,
  type Element,
  flows,
  type Jid,
  option,
  partly,
  randomId,
  requestDelegated,
  StanzaError,
  soft,
  xml,
} from '#api'
import { sessionAvailable, sessionUnavailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import { rosterAccess, rosterItemChanged, rosterItemRemoved } from '../roster/hooks.ts'
import roster, { itemElement, NS_ROSTER } from '../roster/index.ts'
import { complaints, covers, type Grant, grantsOption, isPushedTo, NS_PRIVILEGE, privilegeElement } from './grants.ts'
import { ClientPresence } from './presence.ts'
import { Speaking } from './speaking.ts'

export default defineModule({
  name: 'privileges',
  summary: 'Lets external components that the admin trusts do what accounts and the server do.',
  implements: [partly(356, '0.4.1', 'Without the presence of contacts on other servers (§7.4).')],
  options: {
    components: grantsOption,
    timeout: option
      .duration()
      .min('1s')
      .default('30s')
      .describe('How long the answer to a request in the name of an account is waited for.'),
  },
  check: ({ components }) => complaints(components),
  depends: { roster: soft(roster), presence: soft(presence) },

  setup(ctx) {
    const { host, deps } = ctx
    const grants = new Map<string, Grant>(Object.entries(ctx.config.components))
    if (grants.size === 0) return
    const speaking = new Speaking(host, grants, ctx.config.timeout)
    const having = (right: (grant: Grant) => boolean) =>
      [...grants].filter(([, g]) => right(g)).map(([domain]) => domain)
    const clients = new ClientPresence(
      host,
      having(({ presence }) => presence === 'managed_entity'),
    )

    // XEP-0356 §4.2: told as soon as it is there.
    ctx.on(componentConnected, ({ domain, send }) => {
      const grant = grants.get(domain)
      const told = grant && privilegeElement(grant)
      if (told === undefined) return
      send(xml('message', { from: host.domain, to: domain, id: randomId() }, told))
      for (const element of clients.present(domain)) send(element)
    })

    // XEP-0356 §5.3.
    ctx.flow(flows.message.arriving, 'deliver', ({ to, from, origin, type, stanza }) => {
      if (to.local !== '' || origin !== null || type === 'error') return false
      const privilege = stanza.getChild('privilege', NS_PRIVILEGE)
      if (privilege === undefined) return false
      return speaking.message(from, privilege).then(() => true)
    })

    const sets = ctx.deps.roster
    if (sets !== undefined) {
      // XEP-0356 §4.3.
      ctx.answer(rosterAccess, ({ by, type }) => covers(speaking.grantOf(by)?.roster, type) || undefined)
      const pushed = having(isPushedTo)
      const push = (account: Jid, item: () => Element) => {
        for (const to of pushed) {
          const query = xml('query', { xmlns: NS_ROSTER }, item())
          host.toComponent(to, xml('iq', { type: 'set', id: randomId(), from: account.toString(), to }, query))
        }
      }
      // XEP-0356 §4.4: what clients are told.
      ctx.on(rosterItemChanged, ({ account, was, now }) => {
        if (now.listed && now.version !== was?.version) push(account, () => itemElement(now))
      })
      ctx.on(rosterItemRemoved, ({ account, was }) => {
        if (was.listed) push(account, () => xml('item', { jid: was.jid.toString(), subscription: 'remove' }))
      })
    }
    if (deps.presence !== undefined) {
      ctx.on(sessionAvailable, (session) => clients.came(session))
      ctx.on(sessionUnavailable, (session) => clients.went(session))
    }

    ctx.answer(requestDelegated, ({ to, from, origin, type, stanza }) => {
      if (origin !== null || to.local === '') return undefined
      const [query] = stanza.getChildElements()
      // XEP-0356 §6.3. Whoever has no privilege is refused before anybody looks whether there is such an account.
      if (query?.is('privileged_iq', NS_PRIVILEGE)) {
        if (speaking.grantOf(from) === undefined) throw new StanzaError('forbidden')
        return (wrapper, iq) => speaking.request(wrapper, iq)
      }
      // The guard of rosters has let it pass.
      if (!query?.is('query', NS_ROSTER) || from.bare.equals(to) || sets === undefined) return undefined
      if (!covers(speaking.grantOf(from)?.roster, type)) throw new StanzaError('forbidden')
      return type === 'get' ? () => sets.list(to) : () => sets.set(to, query)
    })
  },
})
