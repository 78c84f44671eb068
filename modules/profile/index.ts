import { accountDeleting, defineModule, xep } from '#api'
import pep from '../pep/index.ts'
import { nodeChanged } from '../pubsub/hooks.ts'
import pubsub from '../pubsub/index.ts'
import { vcardSetting, vcardShowing } from '../vcard/hooks.ts'
import vcard from '../vcard/index.ts'
import { NS_VCARD4 } from './fields.ts'
import { NODE, Vcard4 } from './vcard4.ts'

const published = 'Published by clients, kept, and sent to whoever wants to hear of it.'

export default defineModule({
  name: 'profile',
  summary: 'Makes one profile of what people say of themselves, for old clients and new ones.',
  implements: [
    xep(80, '1.10.0', published),
    xep(107, '1.2.2', published),
    xep(108, '1.3', published),
    xep(118, '1.3.0', published),
    xep(172, '1.1', `${published} Carried in requests to become a contact.`),
    xep(292, '0.12.0', 'In step with vcard-temp in what both can say, except pictures.'),
  ],
  features: { account: [NS_VCARD4] },
  depends: { pep, pubsub, vcard },

  setup(ctx) {
    const { host, deps } = ctx
    const vcard4 = new Vcard4(deps.pep, deps.vcard)
    ctx.gate(vcardSetting, (setting) => vcard4.take(setting))
    ctx.gate(vcardShowing, (showing) => vcard4.show(showing))
    ctx.on(nodeChanged, (event) => {
      if (event.node !== NODE || event.service.local === '' || event.service.domain !== host.domain) return
      vcard4
        .changed(event)
        .catch((err) => ctx.log.error({ err, account: event.service.toString() }, 'a new vCard4 could not be told of'))
    })
    // The card of an account may have been changed by what was still published.
    ctx.gate(accountDeleting, ({ jid }) => deps.vcard.forget(jid))
  },
})
