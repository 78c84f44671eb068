/** A typed, private place on a session or user: no module can collide with another. */
export interface Slot<T> {
  readonly id: number
  readonly name: string
  readonly initial: () => T
}

let nextId = 0
const names = new Set<string>()

/** Defines a slot; name it `<module>/<what>`. `initial` makes the value a slot has before it is set. */
export function defineSlot<T>(name: string, initial: () => T): Slot<T> {
  if (names.has(name)) throw new Error(`two slots are called ${name}`)
  names.add(name)
  return { id: nextId++, name, initial }
}

/** The slots of one session or user; an untouched slot takes no memory. */
export class Slots {
  #values: unknown[] | undefined

  /** The slot's value; an initial value that is an object is kept, so that it can be filled. */
  get<T>(slot: Slot<T>): T {
    const value = this.#values?.[slot.id] as T | undefined
    if (value !== undefined) return value
    const initial = slot.initial()
    if (typeof initial === 'object' && initial !== null) this.set(slot, initial)
    return initial
  }

  set<T>(slot: Slot<T>, value: T): void {
    this.#values ??= []
    while (this.#values.length <= slot.id) this.#values.push(undefined)
    this.#values[slot.id] = value
  }
}
