import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPlainBed, type PlainBed } from '../../../support/bed.ts'
import { Client } from '../../../support/client.ts'
import { heapGrowthOf } from '../../../support/heap.ts'
import { MemoryPair } from '../../../support/transport.ts'

const PASSWORD = 'wherefore art thou'
const off = { rooms: 0, entered: 0, entries: 0, messages: 0, presences: 0, nicks: 0 }
/** Entries that are under way at once. */
const LOT = 50

/** Somebody who enters and leaves rooms, and remembers nothing of it. */
class Visitor {
  readonly #client: Client
  #owed = 0
  #over: () => void = () => {}
  #fails: (error: Error) => void = () => {}

  private constructor(client: Client) {
    this.#client = client
    // Each entry, and each departure, is told of by one's own presence (XEP-0045 §7.2.2, §7.14).
    client.transport.onText = (text) => {
      if (text.includes('type="error"')) this.#fails(new Error(text))
      this.#owed -= text.split('<status code="110"/>').length - 1
      if (this.#owed === 0) this.#over()
    }
  }

  static async online(bed: PlainBed, local: string): Promise<Visitor> {
    await bed.server.hosts.get('localhost')!.accounts.create(local, PASSWORD)
    const pair = new MemoryPair()
    bed.server.accept(pair)
    const client = new Client(pair)
    await client.logsIn(local, 'localhost', PASSWORD, 'orchard')
    return new Visitor(client)
  }

  /** Enters so many rooms that are made by that, and leaves them again unless told to stay. */
  async visits(prefix: string, count: number, stays = false): Promise<void> {
    for (let first = 0; first < count; first += LOT) {
      const rooms = Array.from({ length: Math.min(LOT, count - first) }, (_, i) => `${prefix}${first + i}`)
      await this.#sends(rooms, `<x xmlns='http://jabber.org/protocol/muc'/>`, '')
      if (!stays) await this.#sends(rooms, '', ` type='unavailable'`)
    }
  }

  async #sends(rooms: readonly string[], payload: string, type: string): Promise<void> {
    const all = new Promise<void>((resolve, reject) => {
      this.#over = resolve
      this.#fails = reject
    })
    this.#owed += rooms.length
    const to = (room: string) => `${room}@conference.localhost/Romeo`
    this.#client.send(rooms.map((room) => `<presence to='${to(room)}'${type}>${payload}</presence>`).join(''))
    await all
  }
}

test('rooms that were left take no memory, and those with one occupant little', { timeout: 120_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-memory-'))
  const bed = await openPlainBed({ modules: { muc: { limits: off } } }, folder)
  try {
    const locals = ['romeo', 'juliet', 'mercutio', 'nurse']
    const visitors = await Promise.all(locals.map((local) => Visitor.online(bed, local)))
    const romeo = visitors[0]!
    // Whatever is made once is made.
    await romeo.visits('warm', 2_000)

    const left = (await heapGrowthOf(() => romeo.visits('left', 3_000))) / 3_000
    t.diagnostic(`a room that was left: ${left.toFixed()} bytes`)
    // One that stayed would take more than 1,500.
    assert.ok(left < 1024)

    // One client enters 1,000 at most.
    const all = visitors.map((visitor, i) => () => visitor.visits(`kept${i}-`, 500, true))
    const kept = (await heapGrowthOf(() => Promise.all(all.map((visits) => visits())))) / 2_000
    t.diagnostic(`a room with one occupant: ${kept.toFixed()} bytes`)
    assert.ok(kept < 4096)
  } finally {
    await bed.close()
    await rm(folder, { recursive: true, force: true })
  }
})
