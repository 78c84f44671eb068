import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSqlite } from '../../../src/storage/sqlite.ts'
import { silentLog } from '../../support/databases.ts'

test('a long queue of queries, as one busy client makes, keeps nobody else waiting for its end', async () => {
  const knex = await openSqlite(':memory:', silentLog)
  let turns = 0
  let done = false
  const turn = () => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)
  await Promise.all(Array.from({ length: 5000 }, () => knex.raw('select 1')))
  done = true
  await knex.destroy()
  assert.ok(turns > 3, `the event loop turned ${turns} times`)
})
