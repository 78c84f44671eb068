import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StoredToken, TokenStore } from '../../../../modules/fast/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const token = (nonce: string, changes: Partial<StoredToken> = {}): StoredToken => ({
  client: 'phone',
  nonce,
  mechanism: 'HT-SHA-256-NONE',
  issuedMs: 1,
  expiresMs: 100,
  fresh: true,
  count: 0,
  passwordVersion: 0,
  ...changes,
})

eachDatabase((open) => {
  test('tokens are issued, used, counted, limited and removed', async () => {
    const db = await open()
    const store = new TokenStore(db, 'verona.lit')
    const elsewhere = new TokenStore(db, 'mantua.lit')
    const nonces = async (client = 'phone') => (await store.find('juliet', client)).map(({ nonce }) => nonce).sort()

    await store.issue('juliet', token('a'), 0)
    assert.deepEqual(await store.find('juliet', 'phone'), [token('a')])
    // One that was never used makes way.
    await store.issue('juliet', token('b'), 0)
    assert.deepEqual(await nonces(), ['b'])
    assert.equal(await store.use('juliet', token('b'), undefined), true)
    assert.deepEqual(await store.find('juliet', 'phone'), [token('b', { fresh: false })])
    // One in use stays until the next is used.
    await store.issue('juliet', token('c'), 0)
    assert.deepEqual(await nonces(), ['b', 'c'])
    assert.equal(await store.use('juliet', token('b', { fresh: false }), 7), true)
    assert.equal(await store.use('juliet', token('b', { fresh: false }), 7), false)
    assert.deepEqual(await nonces(), ['b', 'c'])
    assert.equal(await store.use('juliet', token('c'), undefined), true)
    assert.deepEqual(await nonces(), ['c'])
    assert.equal(await store.use('juliet', token('b'), undefined), false)

    // What was taken back is not replaced.
    assert.equal(await store.issue('juliet', token('f'), 0, 'b'), false)
    assert.deepEqual(await nonces(), ['c'])
    assert.equal(await store.issue('juliet', token('f'), 0, 'c'), true)
    assert.deepEqual(await nonces(), ['c', 'f'])

    // At the bound those go that got theirs first, and never the one it is for.
    await store.issue('juliet', token('d', { client: 'desk', issuedMs: 2 }), 2)
    await store.issue('juliet', token('e', { client: 'tablet', issuedMs: 0 }), 2)
    assert.deepEqual(await nonces(), [])
    assert.deepEqual((await store.clients('juliet', 50)).sort(), ['desk', 'tablet'])
    assert.deepEqual(await store.clients('juliet', 100), [])

    await elsewhere.issue('juliet', token('x', { client: 'desk' }), 0)
    assert.equal(await store.remove('juliet', 'desk'), 1)
    assert.equal(await store.removeExpired(101, 10), 1)
    assert.deepEqual(await elsewhere.clients('juliet', 0), ['desk'])
    assert.equal(await store.remove('juliet'), 0)
    assert.equal(await elsewhere.remove('juliet'), 1)
  })
})
