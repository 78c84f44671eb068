import type { Node } from './node.ts'

/** How many nodes are kept in memory. */
const NODES = 5000
/** How many people they have to do with, all together: affiliations and subscriptions. About 400 bytes each. */
const PEOPLE = 500_000

/** The nodes in memory: those used last. What is too much goes, the one used least recently first, and is read again when needed. */
export class Residents {
  /** In the order of use. */
  readonly #nodes = new Map<string, { readonly node: Node; people: number }>()
  readonly #maxNodes: number
  readonly #maxPeople: number
  #people = 0

  constructor(maxNodes: number = NODES, maxPeople: number = PEOPLE) {
    this.#maxNodes = maxNodes
    this.#maxPeople = maxPeople
  }

  /** The number of nodes. */
  get size(): number {
    return this.#nodes.size
  }

  get(key: string): Node | undefined {
    const resident = this.#nodes.get(key)
    if (resident === undefined) return undefined
    this.#nodes.delete(key)
    this.#nodes.set(key, resident)
    return resident.node
  }

  set(key: string, node: Node): void {
    this.delete(key)
    this.#nodes.set(key, { node, people: 0 })
    this.weigh(key)
  }

  /** To be told when others may have to do with a node. The node itself stays, however many they are. */
  weigh(key: string): void {
    const resident = this.#nodes.get(key)
    if (resident === undefined) return
    const { affiliations, subscriptions } = resident.node
    const people = affiliations.size + subscriptions.size
    this.#people += people - resident.people
    resident.people = people
    for (const other of this.#nodes.keys()) {
      if (this.#nodes.size <= this.#maxNodes && this.#people <= this.#maxPeople) return
      if (other !== key) this.delete(other)
    }
  }

  delete(key: string): void {
    this.#people -= this.#nodes.get(key)?.people ?? 0
    this.#nodes.delete(key)
  }

  clear(): void {
    this.#nodes.clear()
    this.#people = 0
  }
}
