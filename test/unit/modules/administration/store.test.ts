import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VisitStore } from '../../../../modules/administration/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const visit = (local: string, loginMs: number, motdMs = 0, welcomed = false) => ({ local, loginMs, motdMs, welcomed })

eachDatabase((open) => {
  test('visits are kept for each account of a host, the newest of each', async () => {
    const db = await open()
    const verona = new VisitStore(db, 'verona.example')
    const mantua = new VisitStore(db, 'mantua.example')
    await verona.save([])
    await verona.save([visit('romeo', 1), visit('juliet', 2, 7, true)])
    await mantua.save([visit('romeo', 9)])
    await verona.save([visit('romeo', 3, 8)])
    const found = await verona.find(['juliet', 'nobody', 'romeo'])
    assert.deepEqual(
      found.toSorted((a, b) => (a.local < b.local ? -1 : 1)),
      [visit('juliet', 2, 7, true), visit('romeo', 3, 8)],
    )
    await verona.remove('romeo')
    assert.deepEqual(await verona.find(['romeo']), [])
    assert.deepEqual(await mantua.find(['romeo']), [visit('romeo', 9)])
    // Many are written in several statements.
    const locals = Array.from({ length: 450 }, (_, n) => `guest${n}`)
    await verona.save(locals.map((local, n) => visit(local, n)))
    assert.equal((await verona.find(['guest449', 'guest0'])).length, 2)
  })
})
