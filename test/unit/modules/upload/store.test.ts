import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FileRecord, UploadStore } from '../../../../modules/upload/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const record = (n: number, over: Partial<FileRecord> = {}): FileRecord => ({
  key: String(n).padStart(64, '0'),
  account: 'romeo@localhost',
  purpose: 'message',
  size: 10,
  type: null,
  createdMs: 1000 + n,
  storedMs: null,
  untilMs: 5000,
  keepUntilMs: null,
  ...over,
})
const moment = { nowMs: 2000, sinceMs: 1001, coming: [] }

eachDatabase((open) => {
  test('what an account has is counted, by purpose, without slots that are over', async () => {
    const store = new UploadStore(await open(), 'localhost')
    const put = (one: FileRecord) => store.announce(one, moment, () => {})
    assert.deepEqual(await store.usage('romeo@localhost', moment), [])
    await put(record(1))
    await put(record(2, { untilMs: 2000 }))
    await put(record(3, { storedMs: 1500, untilMs: 9000, type: 'image/png' }))
    await put(record(4, { purpose: 'profile', storedMs: 1400, untilMs: null, size: 2 ** 40 }))
    await put(record(5, { account: 'juliet@localhost' }))
    const usage = await store.usage('romeo@localhost', moment)
    const message = { purpose: 'message', files: 2, bytes: 20, open: 1, openUntilMs: 5000, recent: 1, recentMs: 1003 }
    const profile = {
      purpose: 'profile',
      files: 1,
      bytes: 2 ** 40,
      open: 0,
      openUntilMs: null,
      recent: 1,
      recentMs: 1004,
    }
    assert.deepEqual(
      usage.sort((a, b) => (a.purpose < b.purpose ? -1 : 1)),
      [
        { ...message, oldestMs: 1500, firstUntilMs: 9000 },
        { ...profile, oldestMs: 1400, firstUntilMs: null },
      ],
    )
    const [coming] = await store.usage('romeo@localhost', { ...moment, coming: [record(2).key] })
    assert.equal(coming?.files, 3)
    assert.equal(await store.bytesOf(['romeo@localhost', 'juliet@localhost', 'iago@localhost'], moment), 30 + 2 ** 40)
    assert.equal(await store.bytesOf(['romeo@localhost'], { ...moment, coming: [record(2).key] }), 30 + 2 ** 40)
    assert.equal(await store.bytesOf(['juliet@localhost', ...Array(1000).fill('iago@localhost')], moment), 10)
    assert.equal(await store.bytesOf([], moment), 0)
    assert.deepEqual((await store.accounts()).sort(), ['juliet@localhost', 'romeo@localhost'])
    assert.deepEqual(await store.find(record(3).key), record(3, { storedMs: 1500, untilMs: 9000, type: 'image/png' }))
    assert.equal(await new UploadStore(await open(), 'venice.example').find(record(3).key), undefined)
    assert.deepEqual(await store.totals(1), {
      all: { files: 5, bytes: 2 ** 40 + 40 },
      most: [{ account: 'romeo@localhost', files: 4, bytes: 2 ** 40 + 30 }],
    })
  })

  test('files of one account are announced, settled and removed beside each other', async () => {
    const store = new UploadStore(await open(), 'localhost')
    let last = 0
    const work = async () => {
      for (let i = 0; i < 15; i++) {
        const one = record(++last)
        await store.announce(one, moment, () => {})
        assert.equal(await store.settle(one.key, 'a/b', 3000), true)
        if (i % 3 === 0) await store.remove([one.key])
      }
    }
    await Promise.all([work(), work(), work(), work()])
    assert.deepEqual((await store.totals(1)).all, { files: 40, bytes: 400 })
  })

  test('a file is settled once, and is over when its owner or its age says so', async () => {
    const store = new UploadStore(await open(), 'localhost')
    const put = (one: FileRecord) => store.announce(one, moment, () => {})
    for (const [n, keepUntilMs] of [
      [1, null],
      [2, 7000],
      [3, null],
    ] as const)
      await put(record(n, { keepUntilMs }))
    const [one, two, three] = [1, 2, 3].map((n) => record(n).key) as [string, string, string]
    assert.equal(await store.settle(one, 'a/b', 3000), true)
    assert.equal(await store.settle(one, 'c/d', 3001), false)
    assert.equal(await store.settle(two, null, 4000), true)
    assert.equal(await store.settle('0'.repeat(64), null, 4000), false)
    assert.deepEqual(await store.find(one), record(1, { type: 'a/b', storedMs: 3000, untilMs: null }))
    assert.deepEqual(await store.over(4999, 10), [])
    assert.deepEqual(await store.over(6999, 10), [three])
    assert.deepEqual(await store.over(7000, 10), [three, two])
    assert.deepEqual(await store.older('message', 3999, 10), [one])
    assert.deepEqual(await store.older('message', 4000, 1), [one])
    assert.deepEqual(await store.of('romeo@localhost', 10, 3000), [one])
    assert.deepEqual((await store.of('romeo@localhost', 10)).sort(), [one, two, three])
    await store.remove([one, two])
    assert.deepEqual(await store.of('romeo@localhost', 10), [three])
  })
})
