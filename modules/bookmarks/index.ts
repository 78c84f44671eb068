import { accountDeleting, defineModule, option, type Session, StanzaError, xep } from '#api'
import { capabilitiesKnown } from '../capabilities/hooks.ts'
import capabilities from '../capabilities/index.ts'
import { nodePresets } from '../pep/hooks.ts'
import pep from '../pep/index.ts'
import { sessionAvailable } from '../presence/hooks.ts'
import presence from '../presence/index.ts'
import { elementKeepers } from '../private-storage/hooks.ts'
import privateStorage from '../private-storage/index.ts'
import { itemPublishing, nodeChanged, nodeReading, nodeUncertain, publicationTaken } from '../pubsub/hooks.ts'
import pubsub from '../pubsub/index.ts'
import { checkBookmark, NODE, NS_STORAGE } from './bookmark.ts'
import { Bookmarks, ownConfig } from './bookmarks.ts'
import type { NotifyChoice } from './choice.ts'
import { Choices } from './choices.ts'
import { SettledStore } from './store.ts'

/** What others may know of bookmarks. */
export interface BookmarksApi {
  /** What accounts want to be told of while away from a room, by account; those who have said so. `room` is a bare JID. */
  choices(room: string): Promise<ReadonlyMap<string, NotifyChoice>>
}

/** More bookmarks than anybody has. */
const ALL = 1_000_000

export default defineModule({
  name: 'bookmarks',
  summary: 'Keeps people’s bookmarks of rooms the same, whichever way their clients store them.',
  implements: [
    xep(402, '1.2.0', 'What is published is checked to be a bookmark.'),
    xep(48, '1.2', 'Made from bookmarks of XEP-0402, at the node and in private XML.'),
    xep(411, '1.1.0'),
    xep(492, '0.2.0', 'Tells rooms of this server; phones count.'),
  ],
  features: { account: [`${NODE}#compat`, `${NODE}#compat-pep`, 'urn:xmpp:bookmarks-conversion:0'] },
  depends: { capabilities, pep, presence, privateStorage, pubsub },
  options: {
    maxSize: option.bytes().min('1KiB').orOff().default('8KiB').describe('The largest bookmark.'),
    maxShown: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('How many bookmarks older clients see, to which they are one element: the newest.'),
  },

  setup(ctx): BookmarksApi {
    const { host, config, deps, log } = ctx
    const { maxItems, maxPayload } = deps.pubsub.limits
    const limits = {
      maxBookmarks: config.maxShown === 0 ? ALL : config.maxShown,
      maxSize: config.maxSize,
      maxItems,
      maxPayload,
    }
    const choices = new Choices(ctx.db, host)
    const bookmarks = new Bookmarks(host, deps.pep, deps.privateStorage, choices, new SettledStore(ctx.db), limits)

    // XEP-0402 §3.3
    const config402 = { ...ownConfig, max_items: 'max', send_last_published_item: 'never' }
    ctx.add(nodePresets, { node: NODE, config: config402 })
    ctx.add(nodePresets, { node: NS_STORAGE, config: ownConfig })

    ctx.gate(itemPublishing, ({ service, node, id, payload, by }) => {
      if (service.local === '') return
      // What comes from older forms has been looked at, or is from before.
      if (node === NODE) checkBookmark(id, payload, by.equals(service) ? 0 : config.maxSize)
      // The owner’s come by `publicationTaken`.
      if (node === NS_STORAGE && !by.bare.equals(service))
        throw new StanzaError('forbidden', 'Bookmarks are changed by their owner.')
    })
    ctx.answer(publicationTaken, ({ service, node, by, items, publish }) => {
      if (node !== NS_STORAGE || !by.bare.equals(service)) return undefined
      const [item] = items
      const { id, payload } = item ?? {}
      if (items.length !== 1 || !payload?.is('storage', NS_STORAGE))
        throw new StanzaError(
          'not-acceptable',
          `Bookmarks are one item with <storage/> of the namespace ${NS_STORAGE}.`,
        )
      return bookmarks.write(service, payload, (form) => publish([{ id: id || 'current', payload: form }]))
    })
    ctx.gate(nodeReading, ({ service, node, by }) => {
      if ((node === NODE || node === NS_STORAGE) && by.bare.equals(service)) return bookmarks.ready(service)
    })
    ctx.on(nodeChanged, (event) => {
      const { service, node } = event
      if (service.local === '' || (node !== NODE && node !== NS_STORAGE)) return
      bookmarks.changed(event, (err) =>
        log.error({ err, account: service.toString() }, 'bookmarks could not be copied to their older form'),
      )
    })

    ctx.on(nodeUncertain, ({ service, node }) => {
      if (node === NODE || node === NS_STORAGE) bookmarks.doubt(service)
    })

    ctx.add(elementKeepers, {
      name: 'storage',
      xmlns: NS_STORAGE,
      get: (account) => bookmarks.shown(account),
      set: (account, storage) => bookmarks.store(account, storage),
    })

    // XEP-0411 §4: who only hears of bookmarks, and never asks, hears of those from before.
    const listens = (session: Session, features = deps.capabilities.of(session)): void => {
      if (!features.has(`${NS_STORAGE}+notify`) && !features.has(`${NODE}+notify`)) return
      const account = session.user.jid
      bookmarks
        .announce(account)
        .catch((err) => log.error({ err, account: account.toString() }, 'bookmarks from before were not taken over'))
    }
    ctx.on(sessionAvailable, (session) => listens(session))
    ctx.on(capabilitiesKnown, ({ session, features }) => listens(session, features))

    ctx.gate(accountDeleting, ({ jid }) => bookmarks.forget(jid))
    ctx.onStop(async () => {
      await bookmarks.idle()
      choices.stop()
    })
    return { choices: (room) => choices.forRoom(room) }
  },
})
