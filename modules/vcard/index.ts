import {
  accountDeleting,
  defineModule,
  type Element,
  Jid,
  option,
  parseDocument,
  StanzaError,
  serialize,
  xep,
} from '#api'
import { Cards, NS_VCARD } from './cards.ts'
import { VcardStore } from './store.ts'

export { NS_VCARD } from './cards.ts'

/** What other modules may do with vCards. Accounts are prepared bare JIDs. */
export interface Vcards {
  /** That of an account, as XML, as anybody sees it and without pictures. */
  find(account: string): Promise<string | undefined>
  /** At most `limit` of the accounts, of whatever domain, that come after one; like those of `find` when they are this host's. */
  page(after: string, limit: number): Promise<readonly { readonly account: string; readonly card: string }[]>
  /** Changes what is kept of a card, or says that what others add to it has changed; tells of it by `vcardChanged`. */
  edit(account: Jid, edit?: (card: Element) => void): Promise<void>
  /** Removes what is kept of an account that is deleted, once all that was to be changed has been. */
  forget(account: Jid): Promise<void>
}

export default defineModule({
  name: 'vcard',
  summary: 'Keeps what people tell of themselves: name, photo, contact data.',
  implements: [
    xep(54, '1.3.0', 'Setting another’s vCard is refused with service-unavailable, for known and unknown accounts.'),
  ],
  features: { host: [NS_VCARD], account: [NS_VCARD] },
  options: {
    maxSize: option
      .bytes()
      .min('1KiB')
      .max('8MiB')
      .orOff()
      .default('240KiB')
      .describe('The largest vCard kept, photo included; a stanza must not be too large for it either.'),
  },

  setup(ctx): Vcards {
    const store = new VcardStore(ctx.db)
    const cards = new Cards(ctx.host, store)

    ctx.iq('get', 'account', 'vCard', NS_VCARD, async (_query, { from, to }) => {
      const card = await cards.show(to, from)
      if (card.children.length > 0 || from.bare.equals(to)) return card
      // XEP-0054 §3.3: the same answer as for an account that does not exist.
      throw new StanzaError('service-unavailable')
    })

    ctx.iq('set', 'self', 'vCard', NS_VCARD, async (card, { from }) => {
      const { maxSize } = ctx.config
      const text = serialize(card)
      if (maxSize > 0 && Buffer.byteLength(text) > maxSize)
        throw new StanzaError('policy-violation', `The vCard is larger than ${maxSize} bytes.`)
      await cards.set(from.bare, parseDocument(text))
    })

    ctx.gate(accountDeleting, ({ jid }) => cards.forget(jid))
    ctx.onStop(() => cards.idle())

    const seen = (account: string) => cards.show(Jid.parse(account), undefined)
    return {
      async find(account) {
        const card = await seen(account)
        return card.children.length === 0 ? undefined : serialize(card)
      },
      async page(after, limit) {
        const page = []
        for (const { account, card } of await store.page(after, limit)) {
          const isOurs = account.endsWith(`@${ctx.host.domain}`)
          page.push({ account, card: isOurs ? serialize(await seen(account)) : card })
        }
        return page
      },
      edit: (account, edit) => cards.edit(account, edit),
      forget: (account) => cards.forget(account),
    }
  },
})
