import { type Clock, KeyedQueue, Lru } from '#api'

/** Accounts of which it is known how much they keep. */
const KNOWN = 5000
/** Least time between two counts for one account, in ms: a count reads all it keeps. */
const RECOUNT_MS = 10_000

/** What the nodes keep that an account has made at a service, by their names: never less than there is. */
interface Volume {
  readonly nodes: Map<string, number>
  total: number
  readonly countedMs: number
}

/** Counts what is at the nodes of a service that somebody has made, in bytes, by their names. */
export type Count = (service: string, creator: string) => Promise<Map<string, number>>

/**
 * How much accounts keep. It is counted when an account publishes for the first time; then what is published is added, and
 * what is removed is not taken off before the figure is above a limit and it is counted again: that is most exact where it matters
 * and costs nothing elsewhere.
 */
export class Volumes {
  readonly #count: Count
  readonly #clock: Pick<Clock, 'now'>
  readonly #known = new Lru<string, Volume>(KNOWN)
  readonly #queue = new KeyedQueue()

  constructor(count: Count, clock: Pick<Clock, 'now'>) {
    this.#count = count
    this.#clock = clock
  }

  /**
   * Has room for so many bytes at a node, and counts them as there; false when the account would keep more than `max`. With
   * `isInstead` they are all that the node keeps then.
   */
  take(
    service: string,
    creator: string,
    { node, bytes, isInstead }: { readonly node: string; readonly bytes: number; readonly isInstead: boolean },
    max: number,
  ): Promise<boolean> {
    const key = keyOf(service, creator)
    return this.#queue.run(key, async () => {
      let volume = this.#known.get(key) ?? (await this.#counted(key, service, creator))
      const after = ({ nodes, total }: Volume) => total + bytes - (isInstead ? (nodes.get(node) ?? 0) : 0)
      if (after(volume) > max && this.#clock.now() - volume.countedMs >= RECOUNT_MS)
        volume = await this.#counted(key, service, creator)
      if (after(volume) > max) return false
      volume.total = after(volume)
      volume.nodes.set(node, bytes + (isInstead ? 0 : (volume.nodes.get(node) ?? 0)))
      return true
    })
  }

  /** A node keeps nothing any more. */
  emptied(service: string, creator: string, node: string): void {
    const volume = this.#known.get(keyOf(service, creator))
    if (volume === undefined) return
    volume.total -= volume.nodes.get(node) ?? 0
    volume.nodes.delete(node)
  }

  /** Forgets all: rows were removed past this. */
  clear(): void {
    this.#known.clear()
  }

  async #counted(key: string, service: string, creator: string): Promise<Volume> {
    const countedMs = this.#clock.now()
    const nodes = await this.#count(service, creator)
    const volume = { nodes, total: [...nodes.values()].reduce((sum, bytes) => sum + bytes, 0), countedMs }
    this.#known.set(key, volume)
    return volume
  }
}

function keyOf(service: string, creator: string): string {
  return `${service}\n${creator}`
}
