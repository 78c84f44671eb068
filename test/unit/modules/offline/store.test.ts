import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OfflineStore, type Position, START } from '../../../../modules/offline/store.ts'
import { BatchFullError } from '../../../../src/storage/batch-writer.ts'
import { type Database, openDatabase } from '../../../../src/storage/database.ts'
import { migrate } from '../../../../src/storage/migrate.ts'
import { eachDatabase, openEmpty, silentLog, sqlFolder } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const NOW = Date.UTC(2026, 0, 1)
const texts = (messages: readonly { text: string }[]) => messages.map((message) => message.text)
const openStore = (db: Database, host = 'capulet.example', clock = new FakeClock(NOW)) =>
  OfflineStore.open(db, host, clock)

/** Lets the first insert into the table take place, and then lose its answer, as when the connection goes. */
function loseAnswers(db: Database, count: number): void {
  const client = db.knex.client as { _query(connection: unknown, obj: { sql: string }): Promise<unknown> }
  const query = client._query.bind(client)
  let left = count
  client._query = async (connection, obj) => {
    const answer = await query(connection, obj)
    if (obj.sql.startsWith('insert into `offline_messages`') && left-- > 0)
      throw Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST' })
    return answer
  }
}

/** Turns the event loop until something has happened, and moves the clock when it is waited for. */
async function meanwhile<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = () => (isDone = true)
  work.then(end, end)
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve))
    if (clock.hasTimerWithin(250)) clock.advance(250)
  }
  return await work
}

eachDatabase((open, dialect) => {
  test('offline store: pages follow the order of coming, each account for itself', async () => {
    const clock = new FakeClock(NOW)
    const store = await openStore(await open(), 'capulet.example', clock)
    for (const n of [1, 2, 3, 4, 5]) {
      await store.append('juliet', `<message id='${n}'/>`)
      // Clocks may go backwards.
      clock.advance(n === 3 ? -60_000 : 1)
    }
    await store.append('nurse', '<message/>')
    const first = await store.page('juliet', START, 2)
    assert.deepEqual(texts(first), ["<message id='1'/>", "<message id='2'/>"])
    assert.deepEqual(
      first.map((message) => message.receivedMs),
      [NOW, NOW + 1],
    )
    const second = await store.page('juliet', first[1]!, 10)
    assert.deepEqual(texts(second), ["<message id='3'/>", "<message id='4'/>", "<message id='5'/>"])
    assert.equal(await store.count('juliet'), 5)
    assert.equal(await store.count('romeo'), 0)
  })

  test('offline store: what came before and only now is stored stands before what came later, in its own order', async () => {
    const clock = new FakeClock(NOW)
    const store = await openStore(await open(), 'capulet.example', clock)
    await store.append('juliet', 'old')
    clock.advance(2_000)
    await store.append('juliet', 'new')
    const back = await store.append('juliet', 'back 1', NOW + 1_000)
    await store.append('juliet', 'back 2', NOW + 1_000)
    const page = await store.page('juliet', START, 10)
    assert.deepEqual(texts(page), ['old', 'back 1', 'back 2', 'new'])
    assert.equal(page[1]!.receivedMs, NOW + 1_000)
    assert.deepEqual(texts(await store.page('juliet', back, 10)), ['back 2', 'new'])
    assert.deepEqual(texts(await store.page('juliet', START, 2)), ['old', 'back 1'])
  })

  test('offline store: what is stored at once shares a statement, on all hosts, and keeps its order', async () => {
    const db = await open()
    const store = await openStore(db)
    const other = await openStore(db, 'montague.example')
    const before = db.queries
    const order: string[] = []
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        await (n % 2 === 0 ? store : other).append('juliet', `${n}`)
        order.push(`${n}`)
      }),
    )
    assert.equal(db.queries - before, 1)
    assert.deepEqual(
      order,
      Array.from({ length: 60 }, (_, n) => `${n}`),
    )
    assert.deepEqual(
      texts(await store.page('juliet', START, 100)),
      order.filter((_, n) => n % 2 === 0),
    )
    const removing = db.queries
    const ids = (await store.page('juliet', START, 100)).map(({ id }) => id)
    await Promise.all(ids.map((id) => store.remove([id])))
    assert.ok(db.queries - removing <= 4, `${db.queries - removing} queries to remove`)
    assert.equal(await store.count('juliet'), 0)
    assert.equal(await other.count('juliet'), 30)
  })

  test('offline store: a message to nobody is written and leaves nothing, also among others and when it fails', async () => {
    const store = await openStore(await open())
    await Promise.all([store.append('romeo', '<a/>'), store.pretend('<b/>'), store.append('romeo', '<c/>')])
    await store.pretend('<d/>')
    await store.idle()
    assert.deepEqual(await store.page('', START, 10), [])
    assert.deepEqual(
      (await store.page('romeo', START, 10)).map(({ text }) => text),
      ['<a/>', '<c/>'],
    )
    await assert.rejects(store.pretend(null as never))
  })

  test('offline store: however much comes back from clients at once is stored, and new messages wait their turn', async () => {
    const store = await openStore(await open())
    const owed = Array.from({ length: 12_000 }, (_, n) => store.append('juliet', `<message id='${n}'/>`, NOW - 1))
    await assert.rejects(store.append('juliet', "<message id='new'/>"), BatchFullError)
    await Promise.all(owed)
    assert.equal(await store.count('juliet'), 12_000)
  })

  test('offline store: a commit whose answer is lost is repeated, and nothing is there twice', async () => {
    const clock = new FakeClock(NOW)
    const db = await open()
    const store = await openStore(db, 'capulet.example', clock)
    loseAnswers(db, 2)
    await meanwhile(clock, Promise.all(['1', '2', '3'].map((text) => store.append('juliet', text))))
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['1', '2', '3'])
  })

  test('offline store: a message that cannot be stored fails alone', async () => {
    const db = await open()
    const store = await openStore(db)
    // No text, which no column takes.
    const broken = store.append('juliet', Object(Symbol('broken')) as string).then(
      () => 'stored',
      () => 'failed',
    )
    await Promise.all([store.append('juliet', '1'), store.append('juliet', '2')])
    assert.equal(await broken, 'failed')
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['1', '2'])
  })

  test('offline store: an id that somebody else has used loses no message in silence', async () => {
    const db = await open()
    const store = await openStore(db)
    const { id } = await store.append('juliet', 'mine')
    const row = { host: 'x', local: 'y', place: 0, received_ms: 0, message: 'theirs' }
    await db.knex('offline_messages').insert({ ...row, id: id + 1 })
    await assert.rejects(store.append('juliet', 'lost'))
    await store.append('juliet', 'next')
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['mine', 'next'])
  })

  test('offline store: text is kept to the letter', async () => {
    const store = await openStore(await open())
    const text = `<message><body>ЖЗ 😀 &lt;  </body><x xmlns='urn:x'>${'y'.repeat(200_000)}</x></message>`
    await store.append('juliet', text)
    assert.deepEqual(texts(await store.page('juliet', START, 10)), [text])
  })

  test('offline store: many large messages at once fit, in several statements', async () => {
    const store = await openStore(await open())
    const large = Array.from({ length: 40 }, (_, n) => `${n}${"'".repeat(260_000)}`)
    await Promise.all(large.map((text) => store.append('juliet', text)))
    assert.deepEqual(texts(await store.page('juliet', START, 100)), large)
  })

  test('offline store: accounts are told apart letter by letter, and by host', async () => {
    const db = await open()
    const store = await openStore(db)
    const other = await openStore(db, 'montague.example')
    await store.append('böb', '<a/>')
    assert.equal(await store.count('bob'), 0)
    assert.equal(await other.count('böb'), 0)
    await other.forget('böb')
    assert.equal(await store.count('böb'), 1)
  })

  test('offline store: removes by id, and everything', async () => {
    const store = await openStore(await open())
    const ids: number[] = []
    for (const n of [1, 2, 3]) ids.push((await store.append('juliet', `${n}`)).id)
    await store.append('nurse', 'n')
    await store.remove([ids[0]!, ids[2]!])
    // Again changes nothing.
    await store.remove([ids[0]!])
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['2'])
    await store.forget('juliet')
    assert.equal(await store.count('juliet'), 0)
    assert.equal(await store.count('nurse'), 1)
  })

  test('offline store: forgets what is old, a few at a time, on its own host only', async () => {
    const db = await open()
    const clock = new FakeClock(NOW)
    const store = await openStore(db, 'capulet.example', clock)
    const other = await openStore(db, 'montague.example', clock)
    await other.append('romeo', 'old')
    for (const n of [1, 2, 3, 4]) {
      await store.append('juliet', `${n}`)
      clock.advance(1)
    }
    const before = NOW + 3
    assert.equal(await store.forgetBefore(before, 2), 2)
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['3', '4'])
    assert.equal(await store.forgetBefore(before, 2), 1)
    assert.equal(await store.forgetBefore(before, 2), 0)
    assert.deepEqual(texts(await store.page('juliet', START, 10)), ['4'])
    assert.equal(await other.count('romeo'), 1)
  })

  test('offline store: ids go on where the database is, though the clock went back', async () => {
    const { url, dataDir, db, close } = await openEmpty(dialect)
    await migrate(db, sqlFolder)
    const last = await (await openStore(db)).append('juliet', '1')
    const again = await openDatabase({ url, dataDir, pool: 1, log: silentLog })
    const next = await (await openStore(again, 'capulet.example', new FakeClock(0))).append('juliet', '2')
    await again.close()
    assert.equal(next.id, last.id + 1)
    await close()
  })

  test('offline store: a page costs no sorting and no look at what comes later', async () => {
    const db = await open()
    const store = await openStore(db)
    let asked: { sql: string; bindings: readonly never[] } | undefined
    db.knex.on('query', (query: typeof asked) => {
      asked = query
    })
    for (let i = 0; i < 200; i++) void store.append(i % 2 === 0 ? 'juliet' : 'nurse', `${i}`)
    await store.idle()
    const [middle]: Position[] = (await store.page('juliet', START, 50)).slice(-1)
    await store.page('juliet', middle!, 10)
    const { sql, bindings } = asked!
    const plan = JSON.stringify(
      await db.knex.raw(`explain ${dialect === 'sqlite' ? 'query plan ' : ''}${sql}`, bindings as never[]),
    )
    assert.match(plan, /offline_messages_in_order/)
    assert.doesNotMatch(plan, /TEMP B-TREE|filesort/i)
  })
})
