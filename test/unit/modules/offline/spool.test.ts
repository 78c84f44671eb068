import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, parseDocument, StanzaError } from '../../../../src/api.ts'
import { Scene } from './scene.ts'

const refusedWith = (condition: string, type: string) => (error: unknown) =>
  error instanceof StanzaError && error.condition === condition && error.type === type

test('offline: when the store is out of reach the sender is told to try again, and nothing is lost', async () => {
  const scene = new Scene()
  await scene.takes('1')
  scene.store.fails = true
  await assert.rejects(scene.takes('2'), refusedWith('internal-server-error', 'wait'))
  const balcony = await scene.resource('balcony')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), [])
  scene.store.fails = false
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['1'])
  assert.deepEqual(scene.logged.length, 2)
})

test('offline: messages of many senders are stored side by side, not one after the other', async () => {
  const scene = new Scene()
  let turns = 0
  const stored = Promise.all(Array.from({ length: 50 }, (_, n) => scene.takes(`${n}`)))
  let isDone = false
  void stored.then(() => (isDone = true))
  for (; !isDone; turns++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(turns < 10, `${turns} turns`)
})

test('offline: an account that was deleted while a message was on its way keeps nothing', async () => {
  const nobody = new Scene({ exists: false })
  assert.equal(await nobody.takes('1'), true)
  assert.deepEqual(nobody.store.rows, [])
  const scene = new Scene()
  const taken = scene.takes('1')
  const forgotten = scene.spool.forget('juliet')
  await Promise.all([taken, forgotten])
  assert.deepEqual(scene.store.rows, [])
})

// RFC 6120 §13.10.2
test('offline: what may not be stored comes back to those who may know who is there, and to nobody else', async () => {
  const noStore = `<no-store xmlns='urn:xmpp:hints'/>`
  await assert.rejects(
    new Scene({ seesPresence: true }).takes('1', noStore),
    refusedWith('service-unavailable', 'cancel'),
  )
  assert.equal(await new Scene({ seesPresence: false }).takes('1', noStore), true)
})

for (const exists of [true, false])
  test(`offline: an account that ${exists ? 'exists' : 'does not exist'} is full after the same number of messages, at once or one by one`, async () => {
    const scene = new Scene({ maxMessages: 3, exists })
    for (const id of ['1', '2', '3']) assert.equal(await scene.takes(id), true)
    await assert.rejects(scene.takes('4'), refusedWith('service-unavailable', 'cancel'))
    const crowd = new Scene({ maxMessages: 3, exists })
    const outcomes = await Promise.allSettled(['1', '2', '3', '4', '5'].map((id) => crowd.takes(id)))
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2)
  })

test('offline: an account that was full takes messages again once they were received', async () => {
  const scene = new Scene({ maxMessages: 2 })
  await scene.takes('1')
  await scene.takes('2')
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  await assert.rejects(scene.takes('3'), refusedWith('service-unavailable', 'cancel'))
  balcony.queue!.acknowledge()
  await balcony.ends()
  assert.equal(await scene.takes('3'), true)
})

test('offline: messages keep their order, whatever each of them has to ask first', async () => {
  const scene = new Scene({ maxMessages: 10 })
  let questions = 0
  const { accounts } = scene.stage.host
  accounts.exists = async () => {
    // The first answer takes longest.
    const turns = 5 - questions++
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    return true
  }
  await Promise.all(['1', '2', '3'].map((id) => scene.takes(id, '', 500)))
  assert.deepEqual(scene.store.ids, ['1', '2', '3'])
})

test('offline: who stops waits for what has come in, also before it is written', async () => {
  const scene = new Scene()
  const taken = scene.takes('1')
  await scene.spool.idle()
  assert.deepEqual(scene.store.ids, ['1'])
  await taken
})

test('offline: what comes by no flow, such as a room’s message, waits like others; too much of it is not kept', async () => {
  const scene = new Scene({ maxMessages: 2 })
  const juliet = Jid.parse('juliet@capulet.example')
  const said = (id: string) =>
    parseDocument(
      `<message id='${id}' type='groupchat' from='r@rooms.example/Romeo' to='${juliet}'><body>Hi</body></message>`,
    )
  assert.equal(await scene.spool.keep(juliet, said('1')), true)
  await scene.takes('2')
  assert.equal(await scene.spool.keep(juliet, said('3')), false)
  const balcony = await scene.resource('balcony')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['1', '2'])
  assert.deepEqual(scene.store.ids, [])
  // Whoever has come meanwhile gets it at once.
  await scene.spool.keep(juliet, said('4'))
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['1', '2', '4'])
  scene.store.fails = true
  await assert.rejects(scene.spool.keep(juliet, said('5')), refusedWith('internal-server-error', 'wait'))
})
