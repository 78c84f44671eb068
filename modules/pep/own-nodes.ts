import { type Jid, StanzaError } from '#api'
import {
  configureNode,
  type Engine,
  type ItemRecord,
  mayRead,
  type NewItem,
  type NodeConfig,
  type NodeSettings,
  publishItems,
  retractItems,
  sameValue,
  unlike,
} from '../pubsub/index.ts'
import type { AccountFace } from './account-face.ts'

/** What other modules may do with the nodes of accounts, as their owners. `account` is a bare JID of this host. */
export interface PepApi {
  /** Publishes for an account; the node is created with `config` when there is none, and need not be set so when there is. */
  publish(account: Jid, node: string, items: readonly NewItem[], config?: NodeConfig): Promise<void>
  /** Removes items; those that are not there are no error. */
  retract(account: Jid, node: string, ids: readonly string[]): Promise<void>
  /** The newest items of a node, oldest first; none when there is no such node. */
  items(account: Jid, node: string, count: number): Promise<readonly ItemRecord[]>
  /** One item of a node. */
  item(account: Jid, node: string, id: string): Promise<ItemRecord | undefined>
  /** What a node is set to; `undefined` when there is none. */
  settings(account: Jid, node: string): Promise<NodeSettings | undefined>
  /** Sets some of the fields of a node, if there is one and it is not so yet. */
  configure(account: Jid, node: string, fields: NodeConfig): Promise<void>
  /** Whether anybody may read a node; not one that is not there. */
  isOpen(account: Jid, node: string): Promise<boolean>
  /** Whether somebody may read a node; not one that is not there. */
  mayRead(account: Jid, node: string, asker: Jid): Promise<boolean>
}

/** The nodes of accounts, by their owners. */
export function ownNodes(engine: Engine, faceOf: (account: Jid) => AccountFace): PepApi {
  return {
    publish: async (account, node, items, config) =>
      void (await publishItems(engine, faceOf(account), node, items, account, config, false)),
    async retract(account, node, ids) {
      try {
        await retractItems(engine, faceOf(account), node, ids, account, true)
      } catch (error) {
        if (!(error instanceof StanzaError) || error.condition !== 'item-not-found') throw error
      }
    },
    async items(account, name, count) {
      const node = await engine.find(faceOf(account), name)
      if (node === undefined) return []
      await engine.expire(node)
      return await engine.store.newest(node.id, count)
    },
    async item(account, name, id) {
      const node = await engine.find(faceOf(account), name)
      if (node === undefined) return undefined
      await engine.expire(node)
      return (await engine.store.items(node.id, [id]))[0]
    },
    async settings(account, name) {
      return (await engine.find(faceOf(account), name))?.settings
    },
    async configure(account, name, fields) {
      const face = faceOf(account)
      await engine.atNode(face, name, async (node) => {
        if (node === undefined) return
        const { config } = node.record
        const isSo = ([field, value]: [string, NodeConfig[string]]) =>
          sameValue(value, config[field] ?? face.defaults[field])
        if (Object.entries(fields).every(isSo)) return
        await configureNode(engine, face, node, unlike({ ...config, ...fields }, face.defaults), account)
      })
    },
    async isOpen(account, name) {
      return (await engine.find(faceOf(account), name))?.settings.accessModel === 'open'
    },
    async mayRead(account, name, asker) {
      const face = faceOf(account)
      const node = await engine.find(face, name)
      if (node !== undefined) return await mayRead(face, node, asker)
      // No sooner than for a node that strangers may not read.
      await face.isStranger(asker)
      return false
    },
  }
}
