import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type BedOptions, bedKind, openPlainBed, type PlainBed } from './bed.ts'
import { sharedMariadb } from './mariadb.ts'
import { Story } from './story.ts'
import { MemoryPair } from './transport.ts'

/** Servers that stand on one database, one after the other. */
export class Restarts {
  readonly #folder: string
  readonly #url: string
  readonly #options: BedOptions
  readonly #beds: PlainBed[] = []

  constructor(folder: string, url: string, options: BedOptions) {
    this.#folder = folder
    this.#url = url
    this.#options = options
  }

  /**
   * Starts a server. What the one before was doing when nobody told it to stop is lost, as when it is killed.
   * `agoMs` sets its clock back, so that the next server starts so much later.
   */
  async starts(options: BedOptions = {}, agoMs = 0): Promise<Story> {
    const plain = await openPlainBed({ ...this.#options, ...options }, this.#folder, this.#url)
    plain.clock.advance(-agoMs)
    this.#beds.push(plain)
    const connect = async () => {
      const pair = new MemoryPair()
      plain.server.accept(pair)
      return pair
    }
    return new Story({ ...plain, domain: plain.config.hosts[0]!, connect })
  }

  /** Stops the server that was started last, in order. */
  async stops(): Promise<void> {
    await this.#beds.pop()!.close()
  }

  async close(): Promise<void> {
    for (const bed of this.#beds.reverse()) await bed.close()
  }
}

/** A story in which the server is stopped, or killed, and started again. */
export function restartStory(title: string, scene: (r: Restarts) => Promise<void>, options: BedOptions = {}): void {
  test(title, { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stonechat-restart-'))
    const url = bedKind === 'mysql' ? await (await sharedMariadb()).createDatabase() : 'sqlite:restart.sqlite'
    const restarts = new Restarts(folder, url, options)
    try {
      await scene(restarts)
    } finally {
      await restarts.close()
      await rm(folder, { recursive: true })
    }
  })
}
