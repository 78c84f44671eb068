import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '#api'
import type { ArchivedMessage } from '../../../../modules/archive/message.ts'
import { shareArchive } from '../../../../modules/archive/shared-archive.ts'
import type { ArchiveStore } from '../../../../modules/archive/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

class FakeStore {
  last = 0
  readonly batches: number[] = []
  unavailable = 0
  async lastId(): Promise<number> {
    return this.last
  }
  async append(messages: readonly ArchivedMessage[]): Promise<void> {
    if (this.unavailable-- > 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
    this.batches.push(messages.length)
  }
}

const warnings: string[] = []
const log = { warn: (_fields: unknown, text: string) => warnings.push(text) } as unknown as Context['log']
const turns = async (n = 20) => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function share(store: FakeStore, db: object = {}, clock = new FakeClock()) {
  const { archive, release } = await shareArchive(db as never, store as unknown as ArchiveStore, clock, log)
  return { archive, release, clock, db }
}

test('hosts on one database share ids and commits, until the last of them stops', async () => {
  const store = new FakeStore()
  const one = await share(store)
  const other = await share(new FakeStore(), one.db)
  assert.equal(one.archive, other.archive)
  await Promise.all([one, other].map(({ archive }) => archive.append({ id: archive.ids.next() } as ArchivedMessage)))
  assert.deepEqual(store.batches, [2])
  await one.release()
  assert.equal((await share(new FakeStore(), one.db)).archive, one.archive)
})

test('a newest message from the future is warned of, and ids go on behind it', async () => {
  const store = new FakeStore()
  const clock = new FakeClock(1_000_000)
  store.last = (clock.now() + 61_000) * 1000
  warnings.length = 0
  const { archive } = await share(store, {}, clock)
  assert.equal(archive.ids.next(), store.last + 1)
  assert.match(warnings.join(), /from the future/)
})

test('what the database cannot take now it gets later', async () => {
  const store = new FakeStore()
  store.unavailable = 3
  const { archive, clock } = await share(store)
  let isWritten = false
  const written = archive.append({ id: 1 } as ArchivedMessage).then(() => {
    isWritten = true
  })
  for (let n = 0; n < 3; n++) {
    await turns(3)
    assert.equal(isWritten, false)
    clock.advance(250)
  }
  await written
  assert.deepEqual(store.batches, [1])
})
