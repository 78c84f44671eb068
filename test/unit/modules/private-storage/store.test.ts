import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrivateStore } from '../../../../modules/private-storage/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const hamlet = 'hamlet@denmark.example'
const prefs = { name: 'exodus', xmlns: 'exodus:prefs' }

eachDatabase((open) => {
  test('private store: one element a key, the last one', async () => {
    const store = new PrivateStore(await open())
    await store.put(hamlet, prefs, '<one/>')
    await store.put(hamlet, prefs, '<two/>')
    assert.equal(await store.find(hamlet, prefs), '<two/>')
    assert.equal(await store.find('ophelia@denmark.example', prefs), undefined)
    await store.remove(hamlet, prefs)
    assert.equal(await store.find(hamlet, prefs), undefined)
  })

  test('private store: keys are told apart letter by letter', async () => {
    const store = new PrivateStore(await open())
    const keys = [
      prefs,
      { ...prefs, name: 'Exodus' },
      { ...prefs, xmlns: 'exodus:Prefs' },
      { name: 'exodus:prefs', xmlns: 'exodus' },
    ]
    for (const [n, key] of keys.entries()) await store.put(hamlet, key, `${n}`)
    for (const [n, key] of keys.entries()) assert.equal(await store.find(hamlet, key), `${n}`)
  })

  test('private store: counts the elements under other keys', async () => {
    const store = new PrivateStore(await open())
    await store.put(hamlet, prefs, '<a/>')
    await store.put(hamlet, { ...prefs, name: 'b' }, '<b/>')
    await store.put(hamlet, { ...prefs, xmlns: 'urn:c' }, '<c/>')
    await store.put('ophelia@denmark.example', { ...prefs, name: 'd' }, '<d/>')
    assert.equal(await store.countOthers(hamlet, prefs), 2)
    assert.equal(await store.countOthers(hamlet, { name: 'new', xmlns: 'urn:new' }), 3)
    await store.clear(hamlet)
    assert.equal(await store.countOthers(hamlet, { name: 'new', xmlns: 'urn:new' }), 0)
    assert.equal(await store.find('ophelia@denmark.example', { ...prefs, name: 'd' }), '<d/>')
  })

  test('private store: takes the longest key', async () => {
    const store = new PrivateStore(await open())
    const key = { name: 'n'.repeat(255), xmlns: 'x'.repeat(1023) }
    await store.put(hamlet, key, '<a/>')
    assert.equal(await store.find(hamlet, key), '<a/>')
  })
})
