import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import type { Registration } from '../../../../modules/push/registration.ts'
import { PushStore } from '../../../../modules/push/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const JULIET = 'juliet@verona.example'
const form = "<x xmlns='jabber:x:data' type='submit'><field var='secret'><value>&lt;ü😀&gt; &amp;</value></field></x>"
const registration = (service: string, node?: string, more: Partial<Registration> = {}): Registration => ({
  service,
  node,
  resource: 'phone',
  options: undefined,
  ...more,
})
const nodes = (list: readonly Registration[]) => list.map(({ node }) => node)

eachDatabase((open) => {
  test('registrations come back as they were put, the oldest first', async () => {
    const store = new PushStore(await open())
    const all = [
      registration('push.example', 'n1', { options: parseDocument(form) }),
      registration('bob@push.example/über 😀', "<a b='&amp;'/>\n", { resource: 'ü/😀' }),
      registration('push.example'),
    ]
    for (const [at, one] of all.entries()) await store.put(JULIET, one, 3_000_000_000_000 + at)
    const back = await store.of(JULIET)
    assert.deepEqual(
      back.map(({ options, ...rest }) => ({ ...rest, options: options?.toString() })),
      all.map(({ options, ...rest }) => ({ ...rest, options: options?.toString() })),
    )
    assert.equal(back[0]!.options!.getChild('field')!.getChildText('value'), '<ü😀> &')
  })

  test('one for the same service and node takes the place of the other and is the newest', async () => {
    const store = new PushStore(await open())
    await store.put(JULIET, registration('push.example', 'a', { options: parseDocument(form) }), 1)
    await store.put(JULIET, registration('push.example', 'b'), 2)
    await store.put(JULIET, registration('push.example', 'a', { resource: 'tablet' }), 3)
    assert.deepEqual(await store.of(JULIET), [
      registration('push.example', 'b'),
      registration('push.example', 'a', { resource: 'tablet' }),
    ])
  })

  test('services, nodes and accounts are told apart to the letter', async () => {
    const store = new PushStore(await open())
    const distinct = [undefined, '', 'a', 'A', 'a ', 'ä', '=a']
    for (const [at, node] of distinct.entries()) await store.put(JULIET, registration('push.example', node), at)
    for (const service of ['b', 'bob@push.example', 'böb@push.example'])
      await store.put(JULIET, registration(service), 9)
    assert.equal((await store.of(JULIET)).length, distinct.length + 3)
    await store.remove(JULIET, 'bob@push.example', undefined)
    await store.remove(JULIET, 'push.example', 'a')
    await store.remove(JULIET, 'push.example', undefined)
    const left = await store.of(JULIET)
    assert.deepEqual(nodes(left.filter(({ service }) => service === 'push.example')), ['', 'A', 'a ', 'ä', '=a'])
    assert.ok(left.some(({ service }) => service === 'böb@push.example'))
    await store.put('böb@verona.example', registration('push.example', 'n'), 1)
    assert.deepEqual(await store.of('bob@verona.example'), [])
    await store.forget('bob@verona.example')
    await store.forget(JULIET)
    assert.deepEqual(await store.of(JULIET), [])
    assert.deepEqual(nodes(await store.of('böb@verona.example')), ['n'])
  })

  test('hostile text is text, and the longest a server may allow fits', async () => {
    const store = new PushStore(await open())
    const node = `'; DROP TABLE push_registrations; -- \\ "${'😀'.repeat(60_000)}`
    const service = `${'l'.repeat(1023)}@push.example/${'r'.repeat(1023)}`
    await store.put(JULIET, registration(service, node, { resource: 'r'.repeat(1023) }), 1)
    assert.deepEqual(await store.of(JULIET), [registration(service, node, { resource: 'r'.repeat(1023) })])
    await store.remove(JULIET, service, node)
    assert.deepEqual(await store.of(JULIET), [])
  })
})
