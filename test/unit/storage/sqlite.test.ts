import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../../src/storage/database.ts'
import { openSqlite } from '../../../src/storage/sqlite.ts'
import { silentLog } from '../../support/databases.ts'

test('a long queue of queries, as one busy client makes, keeps nobody else waiting for its end', async () => {
  const { knex } = await openSqlite(':memory:', silentLog)
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

test('a statement that is planned once finds what it would have found', async () => {
  const { knex } = await openSqlite(':memory:', silentLog)
  try {
    await knex.raw('create table things (id integer primary key, owner text not null, rank integer, name text)')
    await knex.raw('create index things_by_owner on things (owner, rank)')
    await knex.raw("insert into things values (1, 'a', 1, 'one'), (2, 'a', 2, 'two'), (3, 'b', null, '= ?')")
    const cases: [where: string, bindings: (number | string | null)[], found: number[]][] = [
      ['owner = ?', ['a'], [1, 2]],
      ['owner=? and rank = ?', ['a', 2], [2]],
      // The column's type decides, as it does without the subquery.
      ['owner = ? and rank = ?', ['a', '2'], [2]],
      ['rank = ?', [null], []],
      ['owner = ? and rank >= ?', ['a', 2], [2]],
      ['owner != ? and rank <= ?', ['b', 1], [1]],
      ['owner = ? or name like ?', ['none', 'T%'], [2]],
      ['owner in (?, ?) order by id limit ?', ['a', 'b', 1], [1]],
    ]
    for (const [where, bindings, found] of cases) {
      const rows = (await knex.raw(`select id from things where ${where}`, bindings as never)) as { id: number }[]
      assert.deepEqual(
        rows.map(({ id }) => id),
        found,
        where,
      )
    }
    await knex('things').where({ owner: 'a', rank: 1 }).update({ name: 'changed' })
    assert.deepEqual(await knex('things').where('name', 'changed').pluck('id'), [1])
    assert.equal(await knex('things').where({ owner: 'b' }).delete(), 1)
    assert.deepEqual(await knex('things').pluck('id'), [1, 2])
  } finally {
    await knex.destroy()
  }
})

test('what goes past the pool keeps out of the transactions of others, and takes its turn', async () => {
  const database = await openDatabase({ url: 'sqlite::memory:', dataDir: '', pool: 1, log: silentLog })
  try {
    await database.knex.raw('create table things (name text)')
    const read = async () => await database.rows<{ name: string }>({ sql: 'select name from things', bindings: [] })
    const insert = (name: string) => ({ sql: 'insert into things values (?)', bindings: [name] })
    let others: Promise<unknown> | undefined
    await assert.rejects(
      database.transaction(async (trx) => {
        await trx('things').insert({ name: 'taken back' })
        others = Promise.all([read(), database.commit([insert('kept')])])
        await new Promise((resolve) => setImmediate(resolve))
        throw new Error('no')
      }),
    )
    assert.deepEqual(await others, [[], undefined])
    assert.deepEqual(await read(), [{ name: 'kept' }])
    let turned = 0
    let done = false
    const turn = () => {
      turned++
      if (!done) setImmediate(turn)
    }
    setImmediate(turn)
    const untilMs = performance.now() + 50
    while (performance.now() < untilMs) await read()
    done = true
    assert.ok(turned > 3, `the event loop turned ${turned} times`)
  } finally {
    await database.close()
  }
})
