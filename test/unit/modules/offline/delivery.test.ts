import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptElsewhere, type WaitingMessage } from '../../../../modules/offline/hooks.ts'
import { type Element, parseDocument, type Session, sessionResumed } from '../../../../src/api.ts'
import { numbered, Scene, settle } from './scene.ts'

/** A text of which four fill a batch, and sixteen the window. */
const large = (fill = 'x') => `<x xmlns='urn:example:x'>${fill.repeat(66_000)}</x>`
const delays = (message: Element) => message.getChildren('delay', 'urn:xmpp:delay')

async function withMessages(ids: readonly string[], more = ''): Promise<Scene> {
  const scene = new Scene()
  for (const id of ids) await scene.takes(id, more)
  return scene
}

test('offline: what was handed to a client that acknowledges goes from the store when it has acknowledged it', async () => {
  const scene = await withMessages(['1', '2', '3'])
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['1', '2', '3'])
  assert.deepEqual(scene.store.ids, ['1', '2', '3'])
  balcony.queue!.acknowledge(2)
  await settle()
  assert.deepEqual(scene.store.ids, ['1', '2', '3'])
  balcony.queue!.acknowledge()
  await settle()
  assert.deepEqual(scene.store.ids, [])
  await balcony.ends()
})

test('offline: a client that acknowledges nothing has what is out of our hands', async () => {
  const scene = await withMessages(['1', '2'])
  const balcony = await scene.resource('balcony')
  const go = balcony.stalls()
  await balcony.comes()
  assert.deepEqual(scene.store.ids, ['1', '2'])
  go()
  await settle()
  assert.deepEqual(scene.store.ids, [])
})

test('offline: what a session that ends has not received stays, and comes first for the next, once', async () => {
  const scene = await withMessages(['1', '2', '3'])
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  await balcony.ends()
  await scene.takes('4')
  assert.deepEqual(scene.store.ids, ['1', '2', '3', '4'])
  const chamber = await scene.resource('chamber', 'acknowledges')
  await chamber.comes()
  await chamber.comes()
  assert.deepEqual(chamber.heard(), ['1', '2', '3', '4'])
  chamber.queue!.acknowledge()
  await settle()
  assert.deepEqual(scene.store.ids, [])
})

test('offline: when the session ends, another that is there gets what it had not received', async () => {
  const scene = await withMessages(['1', '2'])
  const balcony = await scene.resource('balcony', 'acknowledges')
  const chamber = await scene.resource('chamber')
  await balcony.comes()
  await chamber.comes()
  assert.deepEqual(chamber.heard(), [])
  await balcony.ends()
  assert.deepEqual(chamber.heard(), ['1', '2'])
  assert.deepEqual(scene.store.ids, [])
})

test('offline: a connection that is lost while it is sent to takes nothing along', async () => {
  const scene = await withMessages(numbered(150))
  const balcony = await scene.resource('balcony')
  const chamber = await scene.resource('chamber')
  const { write } = balcony.stream
  balcony.stream.write = (text) => {
    write.call(balcony.stream, text)
    if (parseDocument(text).attrs['id'] === '3') scene.stage.host.close(balcony.session)
  }
  chamber.session.priority = 0
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['0', '1', '2', '3'])
  assert.deepEqual(chamber.heard(), numbered(150))
  assert.deepEqual(scene.store.ids, [])
})

test('offline: a session with a negative priority, or over, gets nothing', async () => {
  const scene = await withMessages(['1'])
  const machine = await scene.resource('machine')
  machine.session.priority = -1
  scene.spool.deliveries.deliver(machine.session)
  const gone = await scene.resource('gone')
  await gone.ends()
  await gone.comes()
  assert.deepEqual([...machine.heard(), ...gone.heard()], [])
  assert.deepEqual(scene.store.ids, ['1'])
})

test('offline: a second session gets only what was not handed to another that lives', async () => {
  const scene = await withMessages(['1', '2'])
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  // Stored while nobody took it, such as what was for a resource that went at that moment.
  balcony.session.priority = null
  await scene.takes('3')
  const chamber = await scene.resource('chamber', 'acknowledges')
  await chamber.comes()
  assert.deepEqual(chamber.heard(), ['3'])
  assert.deepEqual(scene.store.ids, ['1', '2', '3'])
})

test('offline: a message that was on its way to the store when a session came is delivered', async () => {
  const scene = new Scene()
  const taken = scene.takes('1')
  const balcony = await scene.resource('balcony')
  await balcony.comes()
  await taken
  assert.deepEqual(balcony.heard(), ['1'])
  assert.deepEqual(scene.store.ids, [])
})

test('offline: what arrives while messages are handed over comes behind them, once', async () => {
  const scene = await withMessages(numbered(230))
  const balcony = await scene.resource('balcony')
  const coming = balcony.comes()
  void scene.arrives('new')
  await coming
  await settle()
  assert.deepEqual(balcony.heard(), [...numbered(230), 'new'])
  assert.deepEqual(scene.store.ids, [])
})

test('offline: large messages are read once, and as many at a time as are handed over', async () => {
  const scene = await withMessages(numbered(20), large())
  const balcony = await scene.resource('balcony')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), numbered(20))
  assert.equal(scene.store.pages, 1)
})

test('offline: a client that acknowledges nothing of a window gets no more, and nobody waits for it', async () => {
  const scene = await withMessages(numbered(40), large())
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), numbered(16))
  // Its sender is done with it as soon as it is stored, and it keeps its place.
  await scene.arrives('new')
  assert.deepEqual(scene.store.ids.slice(-2), ['39', 'new'])
  await scene.arrives('new too', 'balcony')
  for (let i = 0; i < 20; i++) {
    balcony.queue!.acknowledge()
    await settle()
  }
  assert.deepEqual(balcony.heard(), [...numbered(40), 'new', 'new too'])
  assert.deepEqual(scene.store.ids, [])
  await scene.arrives('live')
  assert.deepEqual(scene.store.ids, [])
  assert.equal(balcony.heard().at(-1), 'live')
})

test('offline: a client that reads slowly gets no more than a batch at a time, and nobody waits for it', async () => {
  const scene = await withMessages(numbered(12), large())
  const balcony = await scene.resource('balcony')
  let go = balcony.stalls()
  await balcony.comes()
  assert.deepEqual(balcony.heard(), numbered(4))
  await scene.arrives('new')
  assert.equal(scene.store.ids.at(-1), 'new')
  go()
  go = balcony.stalls()
  await settle()
  assert.deepEqual(balcony.heard(), numbered(8))
  go()
  await settle()
  assert.deepEqual(balcony.heard(), [...numbered(12), 'new'])
  assert.deepEqual(scene.store.ids, [])
})

test('offline: what need not be kept, or is for another resource, passes a client that takes no more', async () => {
  const scene = await withMessages(numbered(20), large())
  const balcony = await scene.resource('balcony', 'acknowledges')
  const machine = await scene.resource('machine')
  machine.session.priority = -1
  await balcony.comes()
  await scene.arrives('room', 'balcony', '<body>Hi</body>', 'groupchat')
  await scene.arrives('typing', '', `<composing xmlns='http://jabber.org/protocol/chatstates'/>`)
  await scene.arrives('private', 'machine')
  assert.deepEqual(balcony.heard().slice(16), ['room', 'typing'])
  assert.deepEqual(machine.heard(), ['private'])
  assert.deepEqual(scene.store.ids, numbered(20))
})

test('offline: when a client takes no more, another that is there goes on', async () => {
  const scene = await withMessages(numbered(20), large())
  const balcony = await scene.resource('balcony', 'acknowledges')
  const chamber = await scene.resource('chamber')
  await balcony.comes()
  await chamber.comes()
  assert.deepEqual(chamber.heard(), numbered(20).slice(16))
  assert.deepEqual(scene.store.ids, numbered(16))
  // All is with somebody: what arrives now goes to both.
  await scene.arrives('live')
  assert.deepEqual([balcony.heard().at(-1), chamber.heard().at(-1)], ['live', 'live'])
})

test('offline: a client that rests gets no more until it is back, and then goes on', async () => {
  const scene = await withMessages(numbered(20), large())
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  balcony.session.rest()
  balcony.queue!.acknowledge()
  await settle()
  await scene.arrives('new')
  assert.deepEqual(scene.store.ids, [...numbered(20).slice(16), 'new'])
  assert.equal(balcony.heard().length, 16)
  balcony.session.stream = balcony.stream
  scene.stage.host.hooks.notify(sessionResumed, balcony.session)
  await settle()
  assert.deepEqual(balcony.heard(), [...numbered(20), 'new'])
})

test('offline: a session that was made again after a restart has what it was handed before', async () => {
  const scene = await withMessages(['1', '2'])
  const before = await scene.resource('balcony', 'acknowledges')
  await before.comes()
  const saved = JSON.parse(JSON.stringify(before.session.slots.save()))
  // As if the server had been stopped: what it knew is gone, the store is as it was.
  const after = new Scene()
  after.store.rows = scene.store.rows
  const balcony = await after.resource('balcony', 'acknowledges')
  balcony.session.slots.restore(saved)
  balcony.queue!.add('<message/>', undefined)
  balcony.session.priority = 0
  const chamber = await after.resource('chamber')
  await chamber.comes()
  assert.deepEqual(chamber.heard(), [])
  after.stage.host.hooks.notify(sessionResumed, balcony.session)
  assert.deepEqual(after.store.ids, ['1', '2'])
  balcony.queue!.acknowledge()
  await settle()
  assert.deepEqual(after.store.ids, [])
})

test('offline: a message that comes back from a client stands before newer ones, with the time when it came', async () => {
  const scene = new Scene()
  await scene.takes('newer')
  const stamp = `<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='1970-01-01T00:00:00.500Z'/>`
  await scene.takes('back', stamp, 500)
  const balcony = await scene.resource('balcony')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['back', 'newer'])
  const [back] = balcony.stream.heard.map((text) => parseDocument(text))
  assert.deepEqual(
    delays(back!).map(({ attrs }) => [attrs['from'], Date.parse(attrs['stamp']!)]),
    [['capulet.example', 500]],
  )
})

test('offline: a message that comes back when newer ones have been handed over is delivered, too', async () => {
  const scene = await withMessages(numbered(20), large())
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  await scene.takes('back', '', 500)
  balcony.queue!.acknowledge()
  await settle()
  assert.equal(balcony.heard()[16], 'back')
  balcony.queue!.acknowledge()
  await settle()
  assert.deepEqual(scene.store.ids, [])
})

test('offline: what the client fetches elsewhere is not sent, and waits no longer', async () => {
  const scene = await withMessages(['1', '2', '3'])
  const asked: [Session, number][] = []
  scene.stage.host.hooks.attach(keptElsewhere, (message: WaitingMessage) => {
    asked.push([message.session, delays(message.stanza).length])
    return message.stanza.attrs['id'] === '2' ? true : undefined
  })
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  assert.deepEqual(balcony.heard(), ['1', '3'])
  // It is asked about the message as it came.
  assert.deepEqual(
    asked,
    numbered(3).map(() => [balcony.session, 0]),
  )
  balcony.queue!.acknowledge()
  await settle()
  assert.deepEqual(scene.store.ids, [])
})

test('offline: messages that cannot be removed are delivered again, and no more than said so', async () => {
  const scene = await withMessages(['1'])
  const balcony = await scene.resource('balcony', 'acknowledges')
  await balcony.comes()
  scene.store.fails = true
  balcony.queue!.acknowledge()
  await settle()
  assert.match(scene.logged.join(), /could not be removed/)
  scene.store.fails = false
  const chamber = await scene.resource('chamber')
  await chamber.comes()
  assert.deepEqual(chamber.heard(), ['1'])
})
