import { defineGate, defineNotice, type Element, type Jid } from '#api'

/** An item that is about to be published. */
export interface Publishing {
  /** The domain of the service, or the bare JID of the account. */
  readonly service: Jid
  readonly node: string
  readonly id: string
  readonly payload: Element | undefined
  /** Who publishes; the service itself for what the server publishes. */
  readonly by: Jid
}
/** Looked at before it is kept: throw `StanzaError` to refuse it. The node waits meanwhile: do not ask for it. */
export const itemPublishing = defineGate<Publishing>(
  'pubsub/item-publishing',
  'An item is about to be published; throw to refuse it.',
)

/** Something that has happened at a node, on disk and announced. */
export type NodeEvent = { readonly service: Jid; readonly node: string; readonly by: Jid } & (
  | {
      readonly kind: 'published'
      readonly items: readonly { readonly id: string; readonly payload: Element | undefined }[]
    }
  | { readonly kind: 'retracted'; readonly ids: readonly string[] }
  | { readonly kind: 'purged' | 'deleted' | 'configured' }
)
export const nodeChanged = defineNotice<NodeEvent>(
  'pubsub/node-changed',
  'Items of a node were published or removed, or the node was configured or deleted.',
)
