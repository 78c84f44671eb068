import { accountCreated, accountDeleting, defineModule, type Element, flows, option, xep } from '#api'
import pep from '../pep/index.ts'
import presence from '../presence/index.ts'
import { itemPublishing, nodeChanged, nodeUncertain } from '../pubsub/hooks.ts'
import pubsub from '../pubsub/index.ts'
import roster from '../roster/index.ts'
import { vcardSetting, vcardShowing } from '../vcard/hooks.ts'
import vcard from '../vcard/index.ts'
import { Avatars } from './avatars.ts'
import { Checks } from './checks.ts'
import { NS_DATA, NS_METADATA } from './metadata.ts'
import { PresenceHashes } from './presence.ts'
import { VcardPhoto } from './vcard-photo.ts'

export default defineModule({
  name: 'avatar',
  summary: 'Gives people a picture, whichever way their clients set and see it.',
  implements: [
    xep(84, '1.1.4', 'What is published is checked to be a picture, and metadata to be true of it.'),
    xep(153, '1.1.1'),
    xep(398, '1.0.0', 'Presence to those who may not see the picture has no hash of it.'),
  ],
  features: { account: ['urn:xmpp:pep-vcard-conversion:0'] },
  depends: { pep, presence, pubsub, roster, vcard },
  options: {
    maxSize: option
      .bytes()
      .min('1KiB')
      .orOff()
      .default('176KiB')
      .describe('The largest picture; in base64, a third more, it has to fit into a vCard and a stanza.'),
    maxSide: option.int().min(16).orOff().default(2048).describe('How many pixels a side of a picture has at most.'),
    remembered: option
      .int()
      .min(1)
      .orOff()
      .default(20_000)
      .describe('Of how many accounts the picture is known without asking the database when they send presence.'),
  },

  setup(ctx) {
    const { host, config, deps } = ctx
    const avatars = new Avatars(deps.pep, config.remembered)
    const checks = new Checks(deps.pep, config)
    const photo = new VcardPhoto(deps.pep, avatars, config)
    const hashes = new PresenceHashes(host, avatars, deps.presence, deps.roster, (err, account) =>
      ctx.log.error({ err, account: account.toString() }, 'the picture of an account could not be read'),
    )

    ctx.gate(itemPublishing, (publishing) => {
      if (publishing.service.local !== '') return checks.check(publishing)
    })
    ctx.on(nodeChanged, ({ service, node, kind }) => {
      const isAccess = node === NS_DATA && (kind === 'configured' || kind === 'deleted')
      if (service.local === '' || (node !== NS_METADATA && !isAccess)) return
      hashes
        .changed(service)
        .catch((err) => ctx.log.error({ err, account: service.toString() }, 'a new picture could not be announced'))
    })
    ctx.on(nodeUncertain, ({ service }) => avatars.forget(service))
    ctx.gate(vcardSetting, (setting) => photo.take(setting))
    ctx.gate(vcardShowing, (showing) => photo.show(showing))

    ctx.flow(flows.presence.leaving, 'guard', (e) => hashes.ready(e))
    ctx.flow(flows.presence.leaving, 'shape', (e) => hashes.stamp(e, e.stanza as Element))

    ctx.gate(accountDeleting, ({ jid }) => avatars.forget(jid))
    ctx.onStop(() => hashes.idle())
    ctx.on(accountCreated, ({ jid }) => avatars.forget(jid))
  },
})
