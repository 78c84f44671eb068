import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { ChoiceStore } from '../../../../modules/bookmarks/store.ts'
import type { Database } from '../../../../src/api.ts'
import { eachDatabase } from '../../../support/databases.ts'
import { plansOf } from '../../../support/query-plans.ts'

eachDatabase((open) => {
  let database: Database
  before(async () => {
    database = await open()
  })

  test('each statement reads by an index', async () => {
    const store = new ChoiceStore(database)
    const plans = await plansOf(database, async () => {
      await store.of('romeo@a')
      await store.forRoom('one@r')
      await store.save('romeo@a', new Map([['one@r', undefined]]))
      await store.clear('romeo@a')
    })
    for (const plan of plans) assert.doesNotMatch(plan, /scan|sort/)
  })

  test('choices are found by room and by account, and changed one by one', async () => {
    const store = new ChoiceStore(database)
    await store.save(
      'romeo@a',
      new Map([
        ['one@r', 'always'],
        ['two@r', 'never'],
      ] as const),
    )
    await store.save('böb@a', new Map([['one@r', 'never']] as const))
    await store.save('bob@a', new Map([['One@r', 'on-mention']] as const))
    assert.deepEqual([...(await store.forRoom('one@r'))].sort(), [
      ['böb@a', 'never'],
      ['romeo@a', 'always'],
    ])
    await store.save(
      'romeo@a',
      new Map([
        ['one@r', undefined],
        ['two@r', 'always'],
        ['three@r', 'always'],
      ] as const),
    )
    assert.deepEqual([...(await store.of('romeo@a'))].sort(), [
      ['three@r', 'always'],
      ['two@r', 'always'],
    ])
    assert.deepEqual([...(await store.forRoom('one@r'))], [['böb@a', 'never']])
    await store.clear('romeo@a')
    assert.deepEqual(await store.of('romeo@a'), new Map())
    assert.equal((await store.of('bob@a')).size, 1)
  })

  test('many choices of one account, and of one room', async () => {
    const store = new ChoiceStore(database)
    const rooms = Array.from({ length: 900 }, (_, n) => [`room${n}@r`, 'always'] as const)
    await store.save('romeo@a', new Map(rooms))
    assert.equal((await store.of('romeo@a')).size, 900)
    await store.save('romeo@a', new Map(rooms.map(([room]) => [room, undefined])))
    assert.equal((await store.of('romeo@a')).size, 0)
    const rows = Array.from({ length: 450 }, (_, n) => ({ room: 'hall@r', account: `account${n}@a`, notify: 'never' }))
    await database.knex('bookmark_choices').insert(rows.slice(0, 400))
    await database.knex('bookmark_choices').insert(rows.slice(400))
    assert.equal((await store.forRoom('hall@r')).size, 450)
  })
})
