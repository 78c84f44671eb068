import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatheredReads } from '../../../src/storage/gathered-reads.ts'
import { eachDatabase } from '../../support/databases.ts'

const read = (sql: string) => ({ sql, bindings: [] })

/** Reads whose rows are their statements; one that is called `wrong` fails the question it is in. */
function scene() {
  const questions: string[][] = []
  const state = { error: new Error('You have an error in your SQL syntax') as Error & { code?: string } }
  const reads = new GatheredReads(async (statements) => {
    questions.push(statements.map(({ sql }) => sql))
    await new Promise((resolve) => setImmediate(resolve))
    if (statements.some(({ sql }) => sql === 'wrong')) throw state.error
    return statements.map(({ sql }) => [sql])
  })
  return { questions, reads, state }
}

test('reads of one turn, and those that come while others are under way, are one question each time', async () => {
  const { questions, reads } = scene()
  const first = Promise.all([reads.rows(read('a')), reads.rows(read('b'))])
  await new Promise((resolve) => setImmediate(resolve))
  const second = Promise.all([reads.rows(read('c')), reads.rows(read('d'))])
  assert.deepEqual(await first, [['a'], ['b']])
  assert.deepEqual(await second, [['c'], ['d']])
  assert.deepEqual(await reads.rows(read('e')), ['e'])
  assert.deepEqual(questions, [['a', 'b'], ['c', 'd'], ['e']])
})

test('a read that is wrong fails alone; a database that is away fails all, and is asked once', async () => {
  const { questions, reads, state } = scene()
  const ask = () => Promise.allSettled([reads.rows(read('a')), reads.rows(read('wrong')), reads.rows(read('b'))])
  const kinds = (results: PromiseSettledResult<unknown>[]) => results.map(({ status }) => status)
  assert.deepEqual(kinds(await ask()), ['fulfilled', 'rejected', 'fulfilled'])
  state.error = Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST' })
  questions.length = 0
  assert.deepEqual(kinds(await ask()), ['rejected', 'rejected', 'rejected'])
  assert.equal(questions.length, 1)
})

eachDatabase((open) => {
  test('reads at the same time have each its own rows, and its own error', async () => {
    const db = await open()
    const text = "it's; ? \\ select"
    const [one, none, wrong, two] = await Promise.allSettled([
      db.rows({ sql: 'select ? as text, ? as number', bindings: [text, 1] }),
      db.rows({ sql: 'select 1 as one where 1 = ?', bindings: [2] }),
      db.rows({ sql: 'select nothing from nowhere', bindings: [] }),
      db.rows({ sql: 'select 2 as two union select 3', bindings: [] }),
    ])
    assert.deepEqual(one, { status: 'fulfilled', value: [{ text, number: 1 }] })
    assert.deepEqual(none, { status: 'fulfilled', value: [] })
    assert.equal(wrong?.status, 'rejected')
    assert.deepEqual(two, { status: 'fulfilled', value: [{ two: 2 }, { two: 3 }] })
  })
})
