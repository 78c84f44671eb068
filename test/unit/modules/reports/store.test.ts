import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Report } from '../../../../modules/reports/report.ts'
import { ReportStore } from '../../../../modules/reports/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const juliet = 'juliet@capulet.example'
const spam: Report = {
  reason: 'spam',
  texts: [{ lang: 'en', text: 'Never ’;-- ☹ \u{1f622}' }],
  messages: [{ by: juliet, id: '1' }],
  forOrigin: false,
  forThirdParty: true,
}

eachDatabase((open) => {
  test('report store: files, lists, dismisses and forgets, each host for itself', async () => {
    const db = await open()
    const store = new ReportStore(db, 'capulet.example')
    const other = new ReportStore(db, 'montague.example')
    const first = await store.file(juliet, 'romeo@montague.example/orchard', spam, 1000)
    const second = await store.file(juliet, 'paris@verona.example', { ...spam, reason: 'abuse', texts: [] }, 2000)
    const elsewhere = await other.file('romeo@montague.example', juliet, spam, 1500)
    assert.deepEqual(
      (await store.newest('open', 10)).map(({ id }) => id),
      [second, first],
    )
    assert.deepEqual(
      (await store.newest('all', 1)).map(({ id }) => id),
      [second],
    )
    assert.deepEqual(await store.find(first), {
      ...spam,
      id: first,
      account: juliet,
      target: 'romeo@montague.example/orchard',
      filedMs: 1000,
      dismissedMs: undefined,
    })
    assert.equal(await store.find(elsewhere), undefined)
    assert.deepEqual(await Promise.all([0, 1000, 1999, 2000].map((ms) => store.countSince(juliet, ms))), [2, 1, 1, 0])
    assert.equal(await store.dismiss(elsewhere, 3000), false)
    assert.equal(await store.dismiss(first, 3000), true)
    assert.equal(await store.dismiss(first, 4000), false)
    assert.deepEqual(
      (await store.newest('open', 10)).map(({ id }) => id),
      [second],
    )
    assert.equal((await store.find(first))?.dismissedMs, 3000)
    await store.forgetReporter(juliet)
    assert.deepEqual(
      (await store.newest('all', 10)).map(({ id, account }) => [id, account]),
      [
        [second, undefined],
        [first, undefined],
      ],
    )
    assert.equal(await store.removeBefore(2000), 1)
    assert.equal(await store.find(first), undefined)
    assert.equal((await other.newest('open', 10)).length, 1)
  })
})
