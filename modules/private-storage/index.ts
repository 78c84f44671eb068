import {
  accountDeleting,
  defineModule,
  type Element,
  type Jid,
  KeyedQueue,
  option,
  parseDocument,
  StanzaError,
  serialize,
  xep,
  xml,
} from '#api'
import { elementKeepers } from './hooks.ts'
import { privateElement } from './private-element.ts'
import { type ElementKey, PrivateStore } from './store.ts'

const NS = 'jabber:iq:private'

/** What others may do with what accounts have stored here, such as before somebody else kept it. */
export interface PrivateElements {
  /** The element of an account, by its bare JID. */
  find(account: Jid, key: ElementKey): Promise<Element | undefined>
  remove(account: Jid, key: ElementKey): Promise<void>
}

export default defineModule({
  name: 'private-storage',
  summary: 'Keeps data of clients for their account, such as bookmarks and settings.',
  implements: [xep(49, '1.2', 'One element a request.')],
  features: { host: [NS] },
  options: {
    maxSize: option.bytes().min('1KiB').max('8MiB').orOff().default('128KiB').describe('The largest element kept.'),
    maxElements: option.int().min(1).orOff().default(100).describe('How many elements are kept for an account.'),
  },

  setup(ctx): PrivateElements {
    const store = new PrivateStore(ctx.db)
    const queue = new KeyedQueue()
    const { maxSize, maxElements } = ctx.config
    const keeperOf = (key: ElementKey) =>
      ctx.host.hooks.all(elementKeepers).find(({ name, xmlns }) => name === key.name && xmlns === key.xmlns)

    ctx.iq('get', 'self', 'query', NS, async (query, { from }) => {
      const { element, ...key } = privateElement(query)
      const keeper = keeperOf(key)
      if (keeper !== undefined) return xml('query', { xmlns: NS }, await keeper.get(from.bare))
      const stored = await store.find(from.bare.toString(), key)
      // XEP-0049 §2.3: what was never stored is the empty element that was asked for.
      return xml(
        'query',
        { xmlns: NS },
        stored === undefined ? xml(key.name, { xmlns: key.xmlns }) : parseDocument(stored),
      )
    })

    ctx.iq('set', 'self', 'query', NS, async (query, { from }) => {
      const { element, ...key } = privateElement(query)
      const account = from.bare.toString()
      const keeper = keeperOf(key)
      const isEmpty = element.children.length === 0 && Object.keys(element.attrs).length === 1
      // An empty element is what an absent one looks like, so it takes no room.
      if (isEmpty && keeper === undefined) return await queue.run(account, () => store.remove(account, key))
      const text = serialize(element)
      if (maxSize > 0 && Buffer.byteLength(text) > maxSize)
        throw new StanzaError('policy-violation', `The element is larger than ${maxSize} bytes.`)
      if (keeper !== undefined) return await keeper.set(from.bare, element)
      await queue.run(account, async () => {
        if (maxElements > 0 && (await store.countOthers(account, key)) >= maxElements)
          throw new StanzaError('policy-violation', `No more than ${maxElements} elements are kept for an account.`)
        await store.put(account, key, text)
      })
    })

    ctx.gate(accountDeleting, ({ jid }) => queue.run(jid.toString(), () => store.clear(jid.toString())))

    return {
      async find(account, key) {
        const stored = await store.find(account.toString(), key)
        return stored === undefined ? undefined : parseDocument(stored)
      },
      remove: (account, key) => queue.run(account.toString(), () => store.remove(account.toString(), key)),
    }
  },
})
