import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Field } from '../../../../modules/user-search/person.ts'
import { UserSearchStore } from '../../../../modules/user-search/store.ts'
import type { Database } from '../../../../src/api.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { plansOf } from '../../../support/query-plans.ts'

eachDatabase((open) => {
  let db: Database
  let store: UserSearchStore
  before(async () => {
    db = await open()
    store = new UserSearchStore(db, 'localhost')
  })
  const person = (first: string, last = '', nick = '', email = '') => ({ first, last, nick, email })
  const find = async (wanted: Partial<Record<Field, string>>, limit = 10) => {
    const list = Object.entries(wanted).map(([field, word]) => ({ field: field as Field, word }))
    return (await store.find(list, limit)).map(({ account }) => account.split('@')[0]).sort()
  }

  test('people are found by the beginnings of all words, once, and in their own domain', async () => {
    await store.put('juliet@localhost', person('Juliet', 'Capulet', 'jules julia', 'juliet@capulet.lit'))
    await store.put('julius@localhost', person('Julius', 'Caesar'))
    await store.put('elsewhere@other', person('Juliet', 'Capulet'))
    await new UserSearchStore(db, 'other').put('tybalt@other', person('Juliet'))
    assert.deepEqual(await find({ first: 'jul' }), ['elsewhere', 'juliet', 'julius'])
    assert.deepEqual(await find({ first: 'jul', last: 'capu' }), ['elsewhere', 'juliet'])
    assert.deepEqual(await find({ nick: 'jul' }), ['juliet'])
    assert.deepEqual(await find({ email: 'capulet', last: 'capulet' }), ['juliet'])
    assert.deepEqual(await find({ first: 'ul' }), [])
    assert.deepEqual(await find({ first: 'capulet' }), [])
    assert.equal((await find({ first: 'jul' }, 2)).length, 2)
    assert.equal((await find({ first: 'jul' }, 0)).length, 3)
    await store.remove('elsewhere@other')
    assert.deepEqual(await find({ last: 'capulet' }), ['juliet'])
  })

  test('whoever changes is found as they are now; what is hostile is only text', async () => {
    await store.put('mercutio@localhost', person('Mercutio'))
    await store.put('mercutio@localhost', person("%_'; drop table x --", '\u{10ffff}', '', ''))
    assert.deepEqual(await find({ first: 'mercutio' }), [])
    assert.deepEqual(await find({ first: '%' }), [])
    assert.deepEqual(await find({ first: "' or 1=1 --" }), [])
    const [found] = await store.find([{ field: 'first', word: 'drop' }], 1)
    assert.equal(found!.first, "%_'; drop table x --")
    await store.put('empty@localhost', person('%%'))
    assert.deepEqual(await find({ first: 'drop' }), ['mercutio'])
  })

  test('choices are kept until the account is forgotten', async () => {
    const none = { wish: undefined, barred: false }
    assert.deepEqual(await store.choice('romeo@localhost'), none)
    for (const choice of [
      { wish: false, barred: false },
      { wish: true, barred: true },
      { wish: undefined, barred: true },
    ]) {
      await store.choose('romeo@localhost', choice)
      assert.deepEqual(await store.choice('romeo@localhost'), choice)
    }
    await store.put('romeo@localhost', person('Romeo'))
    await store.forget('romeo@localhost')
    assert.deepEqual(await store.choice('romeo@localhost'), none)
    assert.deepEqual(await find({ first: 'romeo' }), [])
  })

  // One search stopped the server: SQLite made all combinations of words.
  test('many words that all begin with all that is searched for cost no more than others', async () => {
    const many = Array.from({ length: 16 }, (_, i) => `aaaaaaaaaa${i}`).join(' ')
    await store.put('echo@localhost', person(many))
    const wanted = Array.from({ length: 8 }, (_, i) => ({ field: 'first' as const, word: 'a'.repeat(9 - i) }))
    assert.deepEqual(
      (await store.find(wanted, 10)).map(({ account }) => account),
      ['echo@localhost'],
    )
    assert.deepEqual(await store.find([...wanted, { field: 'first', word: 'b' }], 10), [])
    await store.forget('echo@localhost')
  })

  test('searches go by their indexes', async () => {
    for (let i = 0; i < 200; i++) await store.put(`citizen${i}@localhost`, person(`Name${i}`, 'Veronese'))
    const plans = await plansOf(db, () =>
      store.find(
        [
          { field: 'first', word: 'name1' },
          { field: 'last', word: 'ver' },
        ],
        5,
      ),
    )
    // Of what was found in there, and of nothing else, all is read.
    assert.ok(!plans.some((plan) => /scan:(?!f\b)/.test(plan)), plans.join('\n'))
  })
})
