import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSqlite } from '../../../src/storage/sqlite.ts'

test('a long queue of queries, as one busy client makes, keeps nobody else waiting for its end', async () => {
  const silent = { warn() {}, error() {}, debug() {} }
  const knex = await openSqlite(':memory:', silent as never)
  let turns = 0
  let done = false
  const turn = () => {
    turns++
    if (!done) setImmediate(turn)
  }
  setImmediate(turn)
  await Promise.all(Array.from({ length: 5000 }, () => knex.raw('select 1')))
  done = true
  assert.ok(turns > 3, `the event loop turned ${turns} times`)
  await knex.destroy()
})
