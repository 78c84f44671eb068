import {
  componentConnected,
  defineModule,
  flows,
  type IqHandler,
  option,
  partly,
  randomId,
  requestDelegated,
  StanzaError,
  soft,
  xml,
} from '#api'
import disco from '../disco/index.ts'
import { Asking } from './asking.ts'
import { answeredBy } from './forwarding.ts'
import { complaints, delegatedByAdmin, delegationElement, type Grant, grantsOption, NS_DELEGATION } from './grants.ts'
import { Nesting } from './nesting.ts'

export default defineModule({
  name: 'delegation',
  summary: 'Has external components answer requests in place of the server.',
  implements: [partly(355, '0.5', 'Without §7.2.4 and §7.2.5; what users allow ends when they go offline.')],
  options: {
    components: grantsOption,
    timeout: option.duration().min('1s').default('30s').describe('How long the answer of a component is waited for.'),
  },
  check: ({ components }) => complaints(components),
  depends: { disco: soft(disco) },

  setup(ctx) {
    const { host, config } = ctx
    const grants = new Map<string, Grant>(Object.entries(config.components))
    const delegated = delegatedByAdmin(config.components)
    if (grants.size === 0) return
    const handlers = new Map<string, IqHandler>(
      [...grants.keys()].map((domain) => [domain, answeredBy(domain, host, config.timeout)]),
    )
    const asking = new Asking(host, ctx.clock, grants)
    const nesting = new Nesting(host)
    host.features.host.add(NS_DELEGATION)
    ctx.onStop(() => void host.features.host.delete(NS_DELEGATION))
    ctx.onStop(() => nesting.stop())
    ctx.onReady(() => {
      for (const xmlns of delegated.keys()) nesting.hide(xmlns)
    })

    // XEP-0355 §4.2: told as soon as it is there.
    ctx.on(componentConnected, (connection) => {
      const grant = grants.get(connection.domain)
      if (grant === undefined) return
      const own = Object.entries(grant.namespaces).map(([xmlns, { attributes }]) => [xmlns, attributes] as const)
      if (own.length > 0) {
        const message = { from: host.domain, to: connection.domain, id: randomId() }
        connection.send(xml('message', message, delegationElement(own)))
        for (const [xmlns] of own) void nesting.learn(connection, xmlns)
      }
      asking.remind(connection)
    })

    ctx.answer(requestDelegated, ({ from, to, stanza, host: of }) => {
      const [query] = stanza.getChildElements()
      const xmlns = query?.attrs['xmlns'] ?? ''
      const admin = delegated.get(xmlns)
      const isMatch = admin?.attributes.every((name) => query!.attrs[name] !== undefined) ?? false
      // §5.2: for the host only what those ask who have allowed it, for an account what anybody asks of it.
      const user = to.local !== '' ? of.user(to) : from.domain === of.domain ? of.user(from) : undefined
      const domain = isMatch ? admin!.domain : asking.answererFor(user, xmlns)
      // §4.3.1: whoever answers has the server do it, as it always would.
      return domain === undefined || from.domain === domain ? undefined : handlers.get(domain)
    })

    // §5.1.
    ctx.iq('get', 'host', 'query', NS_DELEGATION, (query, iq) => {
      if (iq.origin !== null) throw new StanzaError('forbidden', 'Components ask for delegations.')
      asking.request(query, iq)
    })
    ctx.flow(flows.message.arriving, 'deliver', ({ to, from, origin, type, stanza }) => {
      if (to.local !== '' || origin === null || type === 'error' || from.domain !== host.domain) return false
      return stanza.getChild('x', 'jabber:x:data') !== undefined && asking.answered(from, stanza)
    })
  },
})
