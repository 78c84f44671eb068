import { bindFeatures, defineModule, flows, messageRefused, serverWide, xep } from '#api'
import { isCarbonMark, NS_CARBONS } from './carbon.ts'
import { copyReceived, copyRefusal, copySent, setCarbons } from './copies.ts'

const NS_RULES = 'urn:xmpp:carbons:rules:0'

/** The domains of each server on which this module is on. */
const domainsOf = serverWide(() => new Set<string>())

export default defineModule({
  name: 'carbons',
  summary: 'Shows each client of an account what the others send and receive.',
  implements: [
    xep(280, '1.0.1', 'With the rules of §6.1.'),
    xep(297, '1.0', 'As carbons use it.'),
    xep(334, '1.0.0', '<no-copy/>.'),
  ],
  features: { host: [NS_CARBONS, NS_RULES], account: [NS_CARBONS, NS_RULES] },

  setup(ctx) {
    const domains = domainsOf(ctx.db).add(ctx.host.domain)
    ctx.onStop(() => void domains.delete(ctx.host.domain))

    for (const name of ['enable', 'disable'])
      ctx.iq('set', 'self', name, NS_CARBONS, (_query, { origin }) => {
        if (origin !== null) setCarbons(origin, name === 'enable')
      })

    // XEP-0386 §3.2: from the first moment of a session.
    ctx.add(bindFeatures, {
      xmlns: NS_CARBONS,
      ask: (requested, session) => {
        if (requested.some(({ name }) => name === 'enable')) setCarbons(session, true)
        return undefined
      },
    })

    // CVE-2017-5589: nobody but the server tells clients of copies, and it sends these past the flows.
    for (const flow of [flows.message.leaving, flows.message.arriving])
      ctx.flow(flow, 'shape', ({ stanza }) => {
        if (stanza.children.some(isCarbonMark))
          stanza.children = stanza.children.filter((child) => !isCarbonMark(child))
      })

    // A message whose addressee is here, too, is on disk for both once it arrives, and nobody sees it before.
    ctx.flow(flows.message.leaving, 'copy', (event) => {
      if (!domains.has(event.to.domain)) copySent(event)
    })
    ctx.flow(flows.message.arriving, 'copy', (event) => {
      copyReceived(event)
      copySent(event)
    })
    ctx.on(messageRefused, ({ session, error }) => copyRefusal(session, error))
  },
})
