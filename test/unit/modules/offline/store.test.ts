import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OfflineStore } from '../../../../modules/offline/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const texts = (messages: readonly { text: string }[]) => messages.map((message) => message.text)

eachDatabase((open) => {
  test('offline store: pages follow the order of coming, each account for itself', async () => {
    const store = new OfflineStore(await open(), 'capulet.example')
    for (const n of [1, 2, 3, 4, 5]) await store.append('juliet', `<message id='${n}'/>`, 1_767_225_600_000 + n)
    await store.append('nurse', '<message/>', 1)
    const first = await store.page('juliet', 0, 2)
    assert.deepEqual(texts(first), ["<message id='1'/>", "<message id='2'/>"])
    assert.deepEqual(
      first.map((message) => message.receivedMs),
      [1_767_225_600_001, 1_767_225_600_002],
    )
    const second = await store.page('juliet', first[1]!.id, 10)
    assert.deepEqual(texts(second), ["<message id='3'/>", "<message id='4'/>", "<message id='5'/>"])
    assert.equal(await store.count('juliet'), 5)
    assert.equal(await store.count('romeo'), 0)
  })

  test('offline store: text is kept to the letter', async () => {
    const store = new OfflineStore(await open(), 'capulet.example')
    const text = `<message><body>ЖЗ 😀 &lt;  </body><x xmlns='urn:x'>${'y'.repeat(200_000)}</x></message>`
    await store.append('juliet', text, 0)
    assert.deepEqual(texts(await store.page('juliet', 0, 10)), [text])
  })

  test('offline store: accounts are told apart letter by letter, and by host', async () => {
    const db = await open()
    const store = new OfflineStore(db, 'capulet.example')
    const other = new OfflineStore(db, 'montague.example')
    await store.append('böb', '<a/>', 0)
    assert.equal(await store.count('bob'), 0)
    assert.equal(await other.count('böb'), 0)
    await other.forget('böb')
    assert.equal(await store.count('böb'), 1)
  })

  test('offline store: forgets up to an id, and everything', async () => {
    const store = new OfflineStore(await open(), 'capulet.example')
    for (const n of [1, 2, 3]) await store.append('juliet', `${n}`, n)
    await store.append('nurse', 'n', 1)
    const [, second] = await store.page('juliet', 0, 10)
    await store.forgetUpTo('juliet', second!.id)
    assert.deepEqual(texts(await store.page('juliet', 0, 10)), ['3'])
    await store.forget('juliet')
    assert.equal(await store.count('juliet'), 0)
    assert.equal(await store.count('nurse'), 1)
  })

  test('offline store: forgets what is old, a few at a time, on its own host only', async () => {
    const db = await open()
    const store = new OfflineStore(db, 'capulet.example')
    const other = new OfflineStore(db, 'montague.example')
    for (const n of [1, 2, 3, 4]) await store.append('juliet', `${n}`, n)
    await other.append('romeo', 'old', 1)
    assert.equal(await store.forgetBefore(4, 2), 2)
    assert.deepEqual(texts(await store.page('juliet', 0, 10)), ['3', '4'])
    assert.equal(await store.forgetBefore(4, 2), 1)
    assert.equal(await store.forgetBefore(4, 2), 0)
    assert.deepEqual(texts(await store.page('juliet', 0, 10)), ['4'])
    assert.equal(await other.count('romeo'), 1)
  })
})
