import { defineModule, type Element, flows, type Jid, StanzaError, xep } from '#api'
import { nodePresets } from '../pep/hooks.ts'
import pep from '../pep/index.ts'
import pubsub, { MAX_NAME_BYTES } from '../pubsub/index.ts'

/** The node of what has been displayed, one item a chat, and the namespace of its payloads (XEP-0490 §4.1). */
const NODE = 'urn:xmpp:mds:displayed:0'

// XEP-0490 §4.2
const config = { persist_items: '1', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' }

export default defineModule({
  name: 'displayed-sync',
  summary: 'Lets all devices of a person know what one of them has shown.',
  implements: [xep(490, '1.0.1', 'With server assist.')],
  features: { account: ['urn:xmpp:mds:server-assist:0'] },
  depends: { pep, pubsub },

  setup(ctx) {
    ctx.add(nodePresets, { node: NODE, config })

    const publish = async (account: Jid, chat: string, displayed: Element): Promise<void> => {
      if (Buffer.byteLength(chat) > MAX_NAME_BYTES) return
      try {
        await ctx.deps.pep.publish(account, NODE, [{ id: chat, payload: displayed }], config)
      } catch (error) {
        // The message itself has nothing to do with it.
        if (!(error instanceof StanzaError)) throw error
      }
    }

    // XEP-0490 §4.5.3, §5.2: taken out before the message is archived or copied, and whoever it is for sees it.
    ctx.flow(
      flows.message.leaving,
      'shape',
      (event) => {
        const { stanza, origin } = event
        const displayed = takeDisplayed(stanza)
        const chat = stanza.attrs['to']
        if (displayed === undefined || chat === undefined || origin === null || event.type === 'error') return
        const published = publish(origin.user.jid, chat, displayed)
        published.catch(() => {})
        event.pending = event.pending === undefined ? published : Promise.all([event.pending, published]).then(() => {})
      },
      { before: 'archive' },
    )
  },
})

/** Takes what is meant for the server out of a message. Nearly none has it: it is looked through and nothing more. */
function takeDisplayed({ children }: Element): Element | undefined {
  let taken: Element | undefined
  for (let i = children.length - 1; i >= 0; i--) {
    const child = children[i]!
    if (typeof child === 'string' || child.name !== 'displayed' || child.attrs['xmlns'] !== NODE) continue
    children.splice(i, 1)
    taken = child
  }
  return taken
}
