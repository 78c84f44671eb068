import type { KeyValue } from '#api'

/** A text that is kept for people who come later. */
export interface StandingText {
  readonly text: string
  /** When it was set, ms since the epoch; a correction does not change it. */
  readonly setMs: number
}

/** The message of the day and the welcome of a host, in memory and on disk. */
export class StandingTexts {
  readonly #kv: KeyValue
  readonly #texts = new Map<string, StandingText>()

  constructor(kv: KeyValue) {
    this.#kv = kv
  }

  /** Reads what is kept. */
  async load(): Promise<void> {
    for (const name of ['motd', 'welcome'] as const) {
      const kept = await this.#kv.get(name)
      if (kept !== undefined) this.#texts.set(name, JSON.parse(kept) as StandingText)
    }
  }

  get(name: 'motd' | 'welcome'): StandingText | undefined {
    return this.#texts.get(name)
  }

  async set(name: 'motd' | 'welcome', text: StandingText): Promise<void> {
    await this.#kv.set(name, JSON.stringify(text))
    this.#texts.set(name, text)
  }

  async delete(name: 'motd' | 'welcome'): Promise<void> {
    await this.#kv.delete(name)
    this.#texts.delete(name)
  }
}
