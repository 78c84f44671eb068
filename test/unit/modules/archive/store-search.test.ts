import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eraseArchive } from '../../../../modules/archive/erasure.ts'
import type { Filter, PageRequest } from '../../../../modules/archive/message.ts'
import type { ArchiveStore } from '../../../../modules/archive/store.ts'
import type { Database } from '../../../../src/storage/database.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { JULIET, message, NOW_ID, ROMEO, storeOf } from './messages.ts'

const at = (n: number) => NOW_ID + n
const MINUTE = 60_000
const NURSE = 'nurse@capulet.example'
const EVERYBODY = [JULIET, ROMEO, NURSE]

interface Asked extends Filter, Partial<PageRequest> {
  readonly owner?: string
}

async function found(store: ArchiveStore, words: string, { owner = JULIET, ...asked }: Asked = {}): Promise<number[]> {
  const page = await store.page(owner, { ...asked, words }, { limit: 100, ...asked })
  return page.messages.map(({ id }) => id - NOW_ID)
}

/** Indexes all messages of these owners, as soon as it may be. */
async function settle(store: ArchiveStore, clock: FakeClock, owners: readonly string[] = EVERYBODY): Promise<void> {
  clock.advance(3 * MINUTE)
  for (const owner of owners) while (await store.index(owner, 3, true));
}

/** How many rows the search index has, and how many accounts have searched. */
async function sizeOf(db: Database): Promise<readonly number[]> {
  const counts = [db.dialect === 'sqlite' ? 'archive_search_docsize' : 'archive_search', 'archive_searchers'].map(
    (table) => db.knex(table).count({ n: '*' }).first(),
  )
  return (await Promise.all(counts)).map((row) => Number(row?.['n']))
}

eachDatabase((open) => {
  for (const when of ['before it is indexed', 'from the index'])
    test(`archive search: finds what has all the words, ${when}`, async () => {
      const clock = new FakeClock()
      const db = await open()
      const store = storeOf(db, clock)
      await store.append([
        message(at(1), 'Wherefore art thou Romeo'),
        message(at(2), 'Romeo, doff thy name'),
        message(at(3), 'The böb of bob'),
        message(at(4), '北京大学 and Москва', { to: NURSE }),
        message(at(5), `a ${'x'.repeat(300)} ${'y'.repeat(90)}`),
      ])
      if (when === 'from the index') await settle(store, clock)
      assert.deepEqual(await sizeOf(db), when === 'from the index' ? [10, 3] : [0, 0])
      assert.deepEqual(await found(store, 'romeo'), [1, 2])
      assert.deepEqual(await found(store, 'ROMEO art'), [1])
      assert.deepEqual(await found(store, 'rome'), [])
      // Neither stop words nor short words nor long ones are any different.
      assert.deepEqual(await found(store, 'the of'), [3])
      assert.deepEqual(await found(store, `A ${'x'.repeat(300)}`), [5])
      assert.deepEqual(await found(store, 'x'.repeat(299)), [])
      assert.deepEqual(await found(store, 'bo\u0308b'), [3])
      assert.deepEqual(await found(store, 'москва 北京大学'), [4])
      assert.deepEqual(await found(store, 'москва', { owner: ROMEO }), [])
      assert.deepEqual(await found(store, 'москва', { owner: NURSE }), [4])
      assert.equal(await store.count(JULIET, { words: 'romeo' }, 0), 2)
      assert.equal(await store.count(JULIET, { words: 'romeo' }, 1), 1)
      assert.equal(await store.count(JULIET, { words: 'romeo', peer: NURSE }, 0), 0)
    })

  test('archive search: words that are none are found nowhere', async () => {
    const clock = new FakeClock()
    const store = storeOf(await open(), clock)
    await store.append([message(at(1), 'x')])
    await settle(store, clock)
    await store.append([message(at(2), '!')])
    for (const words of ['', ' ', '!', '* -', '😀', '\0']) {
      assert.deepEqual(await found(store, words), [])
      assert.equal(await store.count(JULIET, { words }, 0), 0)
    }
  })

  test('archive search: what engines and SQL take for operators are words or nothing', async () => {
    const clock = new FakeClock()
    const store = storeOf(await open(), clock)
    await store.append([message(at(1), 'one two'), message(at(2), 'one near'), message(at(3), 'drop or not')])
    await settle(store, clock)
    assert.deepEqual(await found(store, '-two one'), [1])
    assert.deepEqual(await found(store, 'one OR drop'), [])
    assert.deepEqual(await found(store, 'on*'), [])
    assert.deepEqual(await found(store, '"one" + (two) @ <>~'), [1])
    assert.deepEqual(await found(store, 'one @2'), [])
    assert.deepEqual(await found(store, 'NEAR(one two)'), [])
    assert.deepEqual(await found(store, 'NOT words:drop'), [])
    assert.deepEqual(await found(store, `drop' or '1'='1`), [])
    assert.deepEqual(await found(store, 'NOT: drop; or --'), [3])
    const long = Array.from({ length: 1000 }, (_, n) => `w${n}`).join(' ')
    assert.deepEqual(await found(store, `one ${long}`), [])
  })

  test('archive search: pages by id either way, over the edge of the index, with every filter', async () => {
    const clock = new FakeClock()
    const store = storeOf(await open(), clock)
    const told = (n: number) => ({ to: n % 2 === 0 ? ROMEO : NURSE, toResource: `r${n % 3}`, groupchat: n > 7 })
    const all = Array.from({ length: 12 }, (_, n) => message(at(n), n === 5 ? 'other' : `word ${n}`, told(n)))
    await store.append(all.slice(0, 6))
    await settle(store, clock)
    await store.append(all.slice(6))
    assert.deepEqual(await found(store, 'word'), [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11])
    assert.deepEqual(await found(store, 'word', { limit: 6 }), [0, 1, 2, 3, 4, 6])
    assert.deepEqual(await found(store, 'word', { limit: 3, after: at(3) }), [4, 6, 7])
    assert.deepEqual(await found(store, 'word', { limit: 7, last: true }), [4, 6, 7, 8, 9, 10, 11])
    assert.deepEqual(await found(store, 'word', { limit: 3, before: at(7) }), [3, 4, 6])
    assert.deepEqual(await found(store, 'word', { limit: 3, skip: 4 }), [4, 6, 7])
    assert.deepEqual(await found(store, 'word', { peer: ROMEO, fromId: at(1), toId: at(8) }), [2, 4, 6, 8])
    assert.deepEqual(await found(store, 'word', { peer: ROMEO, resource: 'r0' }), [0, 6])
    assert.deepEqual(await found(store, 'word', { groupchat: false }), [0, 1, 2, 3, 4, 6, 7])
    assert.equal((await store.page(JULIET, { words: 'word' }, { limit: 11 })).complete, true)
    assert.equal((await store.page(JULIET, { words: 'word' }, { limit: 10 })).complete, false)
    assert.equal(await store.count(JULIET, { words: 'word' }, 0), 11)
    assert.equal(await store.count(JULIET, { words: 'word' }, 8), 8)
    await settle(store, clock)
    assert.deepEqual(await found(store, 'word', { limit: 7, last: true }), [4, 6, 7, 8, 9, 10, 11])
    assert.equal(await store.count(JULIET, { words: 'word' }, 0), 11)
  })

  test('archive search: a long stretch that is not indexed is read to its end', async () => {
    const store = storeOf(await open())
    const odd = (n: number) => n === 3 || n === 600
    await store.append(Array.from({ length: 700 }, (_, n) => message(at(n), odd(n) ? 'odd' : 'even')))
    assert.deepEqual(await found(store, 'odd'), [3, 600])
    assert.deepEqual(await found(store, 'odd', { last: true, limit: 1 }), [600])
    assert.equal(await store.count(JULIET, { words: 'even' }, 0), 698)
  })

  test('archive search: only what has settled is indexed, and nothing twice', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append([message(at(1), 'one'), message(at(MINUTE * 1000), 'two')])
    for (const [wait, rows] of [
      [0, 0],
      [2 * MINUTE + 1, 1],
      [0, 1],
      [MINUTE, 2],
      [0, 2],
    ] as const) {
      clock.advance(wait)
      assert.equal(await store.index(JULIET, 10, true), false)
      assert.deepEqual(await sizeOf(db), [rows, 1])
      assert.equal(await store.count(JULIET, { words: 'two' }, 0), 1)
    }
  })

  test('archive search: an index is made in lots, of so many messages or so many characters', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    const long = 'long '.repeat(15_000)
    await store.append(Array.from({ length: 7 }, (_, n) => message(at(n), n > 3 ? long : `word ${n}`)))
    clock.advance(3 * MINUTE)
    const lots = []
    for (let more = true; more; ) {
      more = await store.index(JULIET, 3, true)
      lots.push(...(await sizeOf(db)).slice(0, 1))
    }
    assert.deepEqual(lots, [3, 6, 7])
    assert.deepEqual(await found(store, 'long'), [4, 5, 6])
  })

  test('archive search: nothing is written for those who have not searched', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append([message(at(1), 'word'), message(at(2), 'word')])
    await settle(store, clock, [JULIET])
    assert.deepEqual(await sizeOf(db), [2, 1])
    await store.append([message(at(3), 'word', { from: NURSE }), message(at(3 * MINUTE * 1000), 'word')])
    clock.advance(5 * MINUTE)
    assert.equal(await store.index(ROMEO, 10, false), false)
    assert.equal(await store.index('nobody@capulet.example', 10, true), false)
    assert.deepEqual(await sizeOf(db), [2, 1])
    assert.equal((await found(store, 'word', { owner: ROMEO })).length, 4)
    await settle(store, clock, [JULIET])
    assert.deepEqual(await sizeOf(db), [3, 1])
  })

  test('archive search: who begins to search later finds all there is, and the first loses nothing', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    // Numbers of either order are given to owner and peer.
    await store.append([message(at(1), 'word one'), message(at(2), 'word two', { from: ROMEO, to: JULIET })])
    await settle(store, clock, [ROMEO])
    await store.append([message(at(3 * MINUTE * 1000), 'word three')])
    await settle(store, clock, [JULIET])
    assert.deepEqual(await sizeOf(db), [5, 2])
    for (const owner of [JULIET, ROMEO]) {
      assert.deepEqual(await found(store, 'word', { owner }), [1, 2, 3 * MINUTE * 1000])
      assert.deepEqual(await found(store, 'word', { owner, last: true, limit: 2 }), [2, 3 * MINUTE * 1000])
      assert.deepEqual(await found(store, 'word', { owner, fromId: at(2), toId: at(9) }), [2])
      assert.equal(await store.count(owner, { words: 'word' }, 0), 3)
    }
    await settle(store, clock, [ROMEO])
    assert.deepEqual(await sizeOf(db), [6, 2])
    assert.equal(await store.count(ROMEO, { words: 'word' }, 0), 3)
  })

  test('archive search: a note to oneself is found', async () => {
    const clock = new FakeClock()
    const db = await open()
    const store = storeOf(db, clock)
    const note = message(at(1), 'note', { to: JULIET })
    await store.append([{ ...note, copies: note.copies.slice(0, 1) }])
    await settle(store, clock)
    assert.deepEqual(await found(store, 'note'), [1])
    await store.purge(JULIET, at(2), 10)
    assert.deepEqual(await sizeOf(db), [0, 1])
  })

  test('archive search: a message committed late is found and gets into the index, those around it once', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append([message(at(1), 'word one'), message(at(3), 'word three'), message(at(4), 'x', { from: NURSE })])
    await settle(store, clock)
    const marks = async () => await db.knex('archive_searchers').orderBy('owner').pluck('id')
    const before = await marks()
    await store.append([message(at(2), 'word two'), message(at(3 * MINUTE * 1000), 'now', { from: NURSE })])
    assert.deepEqual(
      (await marks()).sort((a, b) => a - b),
      [at(1), at(1), ...before.filter((id) => id === at(4)).slice(1)],
    )
    assert.deepEqual(await found(store, 'word'), [1, 2, 3])
    await settle(store, clock)
    assert.deepEqual(await sizeOf(db), [10, 3])
    assert.deepEqual(await found(store, 'word'), [1, 2, 3])
    assert.equal(await store.count(JULIET, { words: 'word' }, 0), 3)
    // A message that comes in time leaves the index as it is.
    const after = await marks()
    await store.append([message(at(6 * MINUTE * 1000), 'word four')])
    assert.deepEqual(await marks(), after)
  })

  test('archive search: several that index at once leave nothing out', async () => {
    const db = await open()
    const clock = new FakeClock()
    await storeOf(db, clock).append(Array.from({ length: 100 }, (_, n) => message(at(n), `word ${n}`)))
    clock.advance(3 * MINUTE)
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const store = storeOf(db, clock)
        while (await store.index(n % 2 === 0 ? JULIET : ROMEO, 20, true));
      }),
    )
    assert.deepEqual(await sizeOf(db), [200, 2])
    assert.equal(await storeOf(db).count(JULIET, { words: 'word' }, 0), 100)
    assert.equal(await storeOf(db).count(ROMEO, { words: 'word' }, 0), 100)
  })

  test('archive search: a tombstone is not found by the words it replaced', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append([message(at(1), 'secret one'), message(at(2), 'secret two')])
    await store.replace(at(1), '<message/>')
    assert.deepEqual(await found(store, 'secret'), [2])
    await settle(store, clock)
    assert.deepEqual(await found(store, 'secret'), [2])
    assert.deepEqual(await sizeOf(db), [2, 2])
    await store.replace(at(2), '<message/>')
    assert.deepEqual(await found(store, 'secret'), [])
    assert.equal(await store.count(ROMEO, { words: 'secret' }, 0), 0)
    assert.deepEqual(await sizeOf(db), [0, 2])
  })

  test('archive search: what is erased from one archive is found in the other only, then nowhere, and leaves no words', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append([message(at(1), 'secret'), message(at(2), 'secret'), message(at(3), 'x', { to: NURSE })])
    await settle(store, clock)
    await store.purge(JULIET, at(2), 10)
    assert.deepEqual(await sizeOf(db), [5, 3])
    assert.deepEqual(await found(store, 'secret'), [2])
    assert.deepEqual(await found(store, 'secret', { owner: ROMEO }), [1, 2])
    assert.equal(await eraseArchive(store, JULIET), 2)
    assert.deepEqual(await sizeOf(db), [3, 2])
    assert.deepEqual(await found(store, 'secret', { owner: ROMEO }), [1, 2])
    assert.equal(await eraseArchive(store, ROMEO), 2)
    assert.deepEqual(await found(store, 'secret', { owner: ROMEO }), [])
    assert.equal(await eraseArchive(store, NURSE), 1)
    assert.deepEqual(await sizeOf(db), [0, 0])
  })

  test('archive search: what is erased while it is being indexed leaves no words', async () => {
    const db = await open()
    const clock = new FakeClock()
    const store = storeOf(db, clock)
    await store.append(Array.from({ length: 60 }, (_, n) => message(at(n), `word ${n}`)))
    await settle(store, clock, [ROMEO])
    const index = async () => {
      for (let begin = true; await store.index(JULIET, 2, begin); begin = false);
    }
    await Promise.all([index(), eraseArchive(store, JULIET)])
    await eraseArchive(store, JULIET)
    assert.deepEqual(await sizeOf(db), [60, 1])
    assert.equal(await store.count(ROMEO, { words: 'word' }, 0), 60)
  })
})
