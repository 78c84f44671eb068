import { accountDeleting, defineModule, option, parseDocument, StanzaError, serialize, xep, xml } from '#api'
import { vcardChanged } from './hooks.ts'
import { VcardStore } from './store.ts'

const NS = 'vcard-temp'

/** What other modules may ask of vCards, as XML. */
export interface Vcards {
  /** That of an account, a prepared bare JID. */
  find(account: string): Promise<string | undefined>
  /** At most `limit` of the accounts, of whatever domain, that come after one. */
  page(after: string, limit: number): Promise<readonly { readonly account: string; readonly card: string }[]>
}

export default defineModule({
  name: 'vcard',
  summary: 'Keeps what people tell of themselves: name, photo, contact data.',
  implements: [
    xep(54, '1.3.0', 'Setting another’s vCard is refused with service-unavailable, for known and unknown accounts.'),
  ],
  features: { host: [NS], account: [NS] },
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

    ctx.iq('get', 'account', 'vCard', NS, async (_query, { from, to }) => {
      const card = await store.find(to.toString())
      if (card !== undefined) return parseDocument(card)
      if (from.bare.equals(to)) return xml('vCard', { xmlns: NS })
      // XEP-0054 §3.3: the same answer as for an account that does not exist.
      throw new StanzaError('service-unavailable')
    })

    ctx.iq('set', 'self', 'vCard', NS, async (card, { from }) => {
      const account = from.bare.toString()
      if (card.children.length === 0) {
        await store.remove(account)
        return ctx.host.hooks.notify(vcardChanged, { account: from.bare, card: undefined })
      }
      const text = serialize(card)
      const { maxSize } = ctx.config
      if (maxSize > 0 && Buffer.byteLength(text) > maxSize)
        throw new StanzaError('policy-violation', `The vCard is larger than ${maxSize} bytes.`)
      await store.put(account, text)
      ctx.host.hooks.notify(vcardChanged, { account: from.bare, card })
    })

    ctx.gate(accountDeleting, ({ jid }) => store.remove(jid.toString()))

    return { find: (account) => store.find(account), page: (after, limit) => store.page(after, limit) }
  },
})
