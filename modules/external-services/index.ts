import { defineModule, type Jid, StanzaError, xep, xml } from '#api'
import { complaints, isRestricted, serviceElement, servicesOption } from './service.ts'

const NS = 'urn:xmpp:extdisco:2'

export default defineModule({
  name: 'external-services',
  summary: 'Tells clients of services outside XMPP, such as TURN, with credentials for them.',
  implements: [xep(215, '1.0.0', 'Without pushes: services change when the server is restarted.')],
  features: { host: [NS] },
  options: { services: servicesOption },
  check: ({ services }) => complaints(services),

  setup(ctx) {
    const { host, clock } = ctx
    const { services } = ctx.config
    const element = (service: (typeof services)[number], { local }: Jid) => serviceElement(service, local, clock.now())

    // XEP-0215 §2: services, and above all their credentials, are for accounts of this host.
    const checkAsker = (from: Jid): void => {
      if (from.domain !== host.domain || from.local === '')
        throw new StanzaError('forbidden', 'Services are for accounts of this domain.')
    }

    // XEP-0215 §3.1, §3.2.
    ctx.iq('get', 'host', 'services', NS, ({ attrs: { type } }, { from }) => {
      checkAsker(from)
      const wanted = services.filter((service) => type === undefined || service.type === type)
      return xml('services', { xmlns: NS, type }, ...wanted.map((service) => element(service, from)))
    })

    // XEP-0215 §3.3.
    ctx.iq('get', 'host', 'credentials', NS, (query, { from }) => {
      checkAsker(from)
      const { type, host: at, port } = query.getChild('service', NS)?.attrs ?? {}
      if (type === undefined || at === undefined)
        throw new StanzaError('bad-request', 'Of which service? It has a host and a type.')
      const wanted = services.filter(
        (one) =>
          isRestricted(one) &&
          one.type === type &&
          one.host === at &&
          (port === undefined || one.port?.toString() === port),
      )
      if (wanted.length === 0) throw new StanzaError('item-not-found', 'There is no such service with credentials.')
      return xml('credentials', { xmlns: NS }, ...wanted.map((service) => element(service, from)))
    })
  },
})
