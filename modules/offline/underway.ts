/** What is being done for each account at this moment, for whoever must wait for it. Idle accounts take no memory. */
export class Underway {
  readonly #works = new Map<string, Set<Promise<unknown>>>()

  /** Notes work, which is returned. */
  add<T>(account: string, work: Promise<T>): Promise<T> {
    const works = this.#works.get(account) ?? new Set()
    this.#works.set(account, works.add(work))
    const end = (): void => {
      works.delete(work)
      if (works.size === 0) this.#works.delete(account)
    }
    work.then(end, end)
    return work
  }

  /** Settles when what is being done now has ended, well or not; `undefined` when there is nothing. */
  ended(account: string): Promise<void> | undefined {
    const works = this.#works.get(account)
    return works === undefined ? undefined : Promise.allSettled(works).then(() => {})
  }

  /** Settles when what is being done now for anybody has ended, well or not. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#works.values()].flatMap((works) => [...works]))
  }
}
