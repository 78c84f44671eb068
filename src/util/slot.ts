/** A typed, private place on a session or user: no module can collide with another. */
export interface Slot<T> {
  readonly id: number
  readonly name: string
  readonly initial: () => T
  /** How the value outlives a restart of the server, as JSON; not at all unless given. */
  readonly saved: SavedSlot<T> | undefined
}

/** A slot's value as JSON and back. */
export interface SavedSlot<T> {
  readonly write: (value: T) => unknown
  readonly read: (json: never) => T
}

let nextId = 0
const all = new Map<string, Slot<never>>()

/**
 * Defines a slot; name it `<module>/<what>`. `initial` makes the value a slot has before it is set. With `saved`, a
 * session's value is kept when the server is restarted in order and the client may come back to its session.
 */
export function defineSlot<T>(name: string, initial: () => T, saved?: SavedSlot<T>): Slot<T> {
  if (all.has(name)) throw new Error(`two slots are called ${name}`)
  const slot: Slot<T> = { id: nextId++, name, initial, saved }
  all.set(name, slot as unknown as Slot<never>)
  return slot
}

/** For values that are JSON themselves. */
export const asJson = { write: (value: unknown): unknown => value, read: (json: never): never => json }

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

  /** The values that outlive a restart, by the names of their slots. */
  save(): Record<string, unknown> {
    const saved: Record<string, unknown> = {}
    for (const slot of all.values()) {
      const value = this.#values?.[slot.id]
      if (slot.saved !== undefined && value !== undefined) saved[slot.name] = slot.saved.write(value as never)
    }
    return saved
  }

  /** Takes up what `save` gave, perhaps in another process; what no slot is called by now is forgotten. */
  restore(saved: Readonly<Record<string, unknown>>): void {
    for (const [name, json] of Object.entries(saved)) {
      const slot = all.get(name)
      if (slot?.saved !== undefined) this.set(slot, slot.saved.read(json as never))
    }
  }

  set<T>(slot: Slot<T>, value: T): void {
    this.#values ??= []
    while (this.#values.length <= slot.id) this.#values.push(undefined)
    this.#values[slot.id] = value
  }
}
