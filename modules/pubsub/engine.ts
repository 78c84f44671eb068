import { type Clock, type Context, type Host, type Jid, KeyedQueue, Lru, StanzaError } from '#api'
import type { Face } from './face.ts'
import { nodeUncertain } from './hooks.ts'
import type { LastItem } from './item-store.ts'
import { Node } from './node.ts'
import { settingsOf } from './node-config.ts'
import { Notifier } from './notifying.ts'
import { noSuchNode } from './refusal.ts'
import { Residents } from './residents.ts'
import type { PubsubStore } from './store.ts'
import { Volumes } from './volumes.ts'

/** Names that are known to be those of no node. */
const ABSENT = 2000

/**
 * The nodes of all services of a host. What is done to one node is done in order: checked whole, committed, then
 * announced. Nodes used last stay in memory.
 */
export class Engine {
  readonly host: Host
  readonly store: PubsubStore
  readonly clock: Clock
  readonly notifier: Notifier
  /** How much accounts keep. */
  readonly volumes: Volumes
  readonly #queue = new KeyedQueue()
  readonly #nodes = new Residents()
  /** Kept like nodes, or a node that is not there would be found missing later than one that is there is refused. */
  readonly #absent = new Lru<string, true>(ABSENT)
  readonly #log: Context['log']

  constructor(host: Host, store: PubsubStore, clock: Clock, log: Context['log']) {
    this.host = host
    this.store = store
    this.clock = clock
    this.#log = log
    this.notifier = new Notifier(this)
    this.volumes = new Volumes((service, creator) => store.volumes(service, creator), clock)
  }

  /** Runs what changes one node, or may, after all that was asked of it before. */
  atNode<T>(face: Face, name: string, work: (node: Node | undefined) => Promise<T>): Promise<T> {
    const key = keyOf(face.service, name)
    return this.#queue.run(key, async () => {
      const node = await this.#load(face, name, key)
      try {
        return await work(node)
      } catch (error) {
        // When it is no refusal nobody knows how the node is on disk now.
        if (!(error instanceof StanzaError)) {
          this.#nodes.delete(key)
          this.#absent.delete(key)
          this.host.hooks.notify(nodeUncertain, { service: face.service, node: name })
        }
        throw error
      } finally {
        this.#nodes.weigh(key)
      }
    })
  }

  /** Runs what follows from a request once that is answered, in its turn among what is done to the node. */
  afterwards(face: Face, name: string, work: (node: Node) => void | Promise<void>): void {
    const begin = async (node: Node | undefined) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (node !== undefined) await work(node)
    }
    this.atNode(face, name, begin).catch((err) => {
      this.#log.error({ err, service: face.service.toString(), node: name }, 'what follows from a request failed')
    })
  }

  /** Like {@link atNode} for a node that must be there. */
  changing<T>(face: Face, name: string, work: (node: Node) => Promise<T>): Promise<T> {
    return this.atNode(face, name, (node) => {
      if (node === undefined) throw noSuchNode()
      return work(node)
    })
  }

  /**
   * The node of a newest item: the one in memory, or, without a query, one that knows of nobody but `asker` and of no
   * subscriptions.
   */
  glimpse(face: Face, { record, affiliation, item }: LastItem, asker: Jid): Node {
    const resident = this.#nodes.get(keyOf(record.service, record.node))
    if (resident !== undefined) return resident
    const affiliations = new Map(affiliation === undefined ? [] : [[asker.bare.toString(), affiliation]])
    const loaded = { record, affiliations, subscriptions: [], lastSeq: item.seq }
    return new Node(loaded, settingsOf(record.config, face.defaults, face.limits))
  }

  /** A node as it is now, for reading. */
  async find(face: Face, name: string): Promise<Node | undefined> {
    const key = keyOf(face.service, name)
    return this.#nodes.get(key) ?? (await this.#queue.run(key, () => this.#load(face, name, key)))
  }

  /** @throws StanzaError `item-not-found`. */
  async get(face: Face, name: string): Promise<Node> {
    const node = await this.find(face, name)
    if (node === undefined) throw noSuchNode()
    return node
  }

  async #load(face: Face, name: string, key: string): Promise<Node | undefined> {
    const resident = this.#nodes.get(key)
    if (resident !== undefined) return resident
    if (this.#absent.get(key)) return undefined
    const loaded = await this.store.load(face.service.toString(), name)
    if (loaded === undefined) {
      this.#absent.set(key, true)
      return undefined
    }
    return this.keep(new Node(loaded, settingsOf(loaded.record.config, face.defaults, face.limits)), key)
  }

  /** Removes all items of a node. */
  async purge(node: Node): Promise<void> {
    await this.store.purge(node.id)
    node.newestSeq = 0
    this.volumes.emptied(node.record.service, node.record.creator, node.name)
  }

  /** Removes what is too old at a node; to be asked before anybody reads it. */
  async expire({ id, settings }: Node): Promise<void> {
    if (settings.itemExpire > 0) await this.store.expire(id, this.clock.now() - settings.itemExpire * 1000)
  }

  /** Whether an item is too old for its node. */
  isExpired({ settings }: Node, ms: number): boolean {
    return settings.itemExpire > 0 && ms < this.clock.now() - settings.itemExpire * 1000
  }

  /** Keeps a node in memory that has just been made. */
  keep(node: Node, key: string = keyOf(node.record.service, node.name)): Node {
    this.#nodes.set(key, node)
    this.#absent.delete(key)
    return node
  }

  /** Forgets a node that is no more, or of which it is not certain any more how it is. */
  forget(node: Node): void {
    this.#nodes.delete(keyOf(node.record.service, node.name))
  }

  /** Forgets all nodes: rows were removed past them. */
  forgetAll(): void {
    this.#nodes.clear()
    this.#absent.clear()
    this.volumes.clear()
  }

  /** The place of what is published now at a node in the order of publication: rises, by and large with time. */
  nextSeq(node: Node): number {
    node.lastSeq = Math.max(this.clock.now() * 1000, node.lastSeq + 1)
    return node.lastSeq
  }

  idle(): Promise<void> {
    return this.#queue.idle()
  }
}

function keyOf(service: Jid | string, name: string): string {
  return `${service}\n${name}`
}
