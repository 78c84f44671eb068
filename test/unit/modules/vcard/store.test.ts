import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VcardStore } from '../../../../modules/vcard/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

eachDatabase((open) => {
  test('vcard store: one card an account, the last one', async () => {
    const store = new VcardStore(await open())
    assert.equal(await store.find('juliet@capulet.example'), undefined)
    await store.put('juliet@capulet.example', '<one/>')
    await store.put('juliet@capulet.example', '<two>😀</two>')
    await store.put('nurse@capulet.example', '<three/>')
    assert.equal(await store.find('juliet@capulet.example'), '<two>😀</two>')
    await store.remove('juliet@capulet.example')
    assert.equal(await store.find('juliet@capulet.example'), undefined)
    assert.equal(await store.find('nurse@capulet.example'), '<three/>')
  })

  test('vcard store: a card as large as the limits allow', async () => {
    const store = new VcardStore(await open())
    const card = `<vCard>${'ü'.repeat(4 * 1024 * 1024 - 10)}</vCard>`
    await store.put('juliet@capulet.example', card)
    assert.equal((await store.find('juliet@capulet.example')) === card, true)
  })
})
