/**
 * A bounded map that forgets the entry used least recently.
 *
 * Order is the insertion order of a `Map`: reading or writing an entry moves it to the end, so each costs a few map
 * operations. When it is full, `set` drops the first entry, without a word to anybody; a capacity of 0 keeps nothing.
 */
export class Lru<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #capacity: number

  /** @throws RangeError when `capacity` is not a whole number of at least 0. */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 0) throw new RangeError(`Not a capacity: ${capacity}`)
    this.#capacity = capacity
  }

  /** The number of entries held. */
  get size(): number {
    return this.#entries.size
  }

  /** The value of a key, which thereby becomes the one used last. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined && !this.#entries.has(key)) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value as V)
    return value
  }

  /** Sets the value of a key, which thereby becomes the one used last. */
  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#capacity) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }

  /** Removes a key; says whether it was there. */
  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  /** Removes every entry. */
  clear(): void {
    this.#entries.clear()
  }
}
