import { defineGate, defineNotice, defineQuestion, type Element, type Jid } from '#api'
import type { NewItem } from './publishing.ts'

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

/** What somebody asks to have published. */
export interface Publication {
  readonly service: Jid
  readonly node: string
  readonly by: Jid
  readonly items: readonly NewItem[]
  /** Publishes these items in place of those, as the request asks for it otherwise. Returns their ids. */
  publish(items: readonly NewItem[]): Promise<readonly string[]>
}
/** Whoever keeps something that the items are only another form of answers with the ids, once all is done. */
export const publicationTaken = defineQuestion<Publication, Promise<readonly string[]> | undefined>(
  'pubsub/publication-taken',
  undefined,
  'Somebody publishes: who puts into other words what is to be kept?',
)

/** Somebody asks for the items of a node. */
export interface NodeReading {
  readonly service: Jid
  readonly node: string
  readonly by: Jid
}
/** For what has to be brought up to date first. */
export const nodeReading = defineGate<NodeReading>(
  'pubsub/node-reading',
  'Items of a node are about to be read by somebody; whether they may is found out after.',
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

/** A node of which nobody knows how it is on disk: what was asked of it failed, such as when the database went away. */
export interface NodeDoubt {
  readonly service: Jid
  readonly node: string
}
export const nodeUncertain = defineNotice<NodeDoubt>(
  'pubsub/node-uncertain',
  'A change of a node failed, and may have been made all the same: forget what is known of the node.',
)
