import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '#api'
import type { Registration } from '../../../../modules/push/registration.ts'
import { Registrations } from '../../../../modules/push/registrations.ts'
import { PushStore } from '../../../../modules/push/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const JULIET = Jid.parse('juliet@verona.example')
const registration = (node: string, service = 'push.example'): Registration => ({
  service,
  node,
  resource: 'phone',
  options: undefined,
})
const nodes = (list: readonly Registration[]) => list.map(({ node }) => node).join(' ')

class Scene {
  readonly clock = new FakeClock()
  readonly db: Database
  readonly max: number
  registrations: Registrations

  constructor(db: Database, max = 0) {
    this.db = db
    this.max = max
    this.registrations = this.#begin()
  }

  #begin(): Registrations {
    return new Registrations(new PushStore(this.db), this.clock, this.max)
  }

  /** As after a restart of the server: nothing is in memory. */
  restart(): void {
    this.registrations = this.#begin()
  }

  async put(node: string): Promise<string> {
    this.clock.advance(1)
    return nodes(await this.registrations.put(JULIET, registration(node)))
  }

  /** What is in memory, which is what is on disk. */
  async nodes(): Promise<string> {
    const known = nodes(await this.registrations.of(JULIET))
    this.restart()
    assert.equal(nodes(await this.registrations.of(JULIET)), known)
    return known
  }
}

eachDatabase((open) => {
  test('memory and disk agree after every change', async () => {
    const scene = new Scene(await open())
    for (const node of ['a', 'b', 'c', 'a']) assert.equal(await scene.put(node), '')
    assert.equal(await scene.nodes(), 'b c a')
    assert.equal(nodes(await scene.registrations.remove(JULIET, 'push.example', 'c')), 'c')
    assert.equal(nodes(await scene.registrations.remove(JULIET, 'push.example', 'c')), '')
    assert.equal(nodes(await scene.registrations.remove(JULIET, 'other.example')), '')
    assert.equal(await scene.nodes(), 'b a')
    assert.equal(nodes(await scene.registrations.remove(JULIET, 'push.example')), 'b a')
    assert.equal(await scene.nodes(), '')
    await scene.put('d')
    await scene.registrations.forget(JULIET)
    assert.equal(await scene.nodes(), '')
  })

  test('at the limit the oldest goes, also when many ask at once', async () => {
    const scene = new Scene(await open(), 2)
    assert.deepEqual([await scene.put('a'), await scene.put('b'), await scene.put('a')], ['', '', ''])
    assert.equal(await scene.put('c'), 'b')
    await Promise.all(['d', 'e', 'f'].map((node) => scene.put(node)))
    assert.equal(await scene.nodes(), 'e f')
  })

  test('what is in memory costs no query, and nobody waits for it', async () => {
    const scene = new Scene(await open())
    await scene.put('a')
    await scene.put('b')
    scene.restart()
    const picked: string[] = []
    const pick = (wanted: string) =>
      scene.registrations.pick(
        JULIET,
        ({ node }) => node === wanted,
        (list) => picked.push(nodes(list)),
      )
    await pick('a')
    const { queries } = scene.db
    assert.equal(pick('b'), undefined)
    assert.equal(pick('none'), undefined)
    assert.deepEqual(picked, ['a', 'b'])
    assert.equal(scene.db.queries, queries)
  })

  test('a change that fails half way leaves memory as the disk is', async () => {
    const db = await open()
    const scene = new Scene(db, 1)
    await scene.put('a')
    const store = new PushStore(db)
    store.remove = () => Promise.reject(new Error('the disk is full'))
    scene.registrations = new Registrations(store, scene.clock, 1)
    await assert.rejects(scene.put('b'), /disk is full/)
    assert.equal(await scene.nodes(), 'a b')
  })
})
