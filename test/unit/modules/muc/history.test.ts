import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import { History, readHistoryWish } from '../../../../modules/muc/history.ts'
import type { Room } from '../../../../modules/muc/room.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const all = { maxMessages: 500, maxCharacters: Number.MAX_SAFE_INTEGER, sinceMs: 0 }
const roomOf = (n: number) => ({ address: `r${n}@conference.example` }) as Room
const message = (body: string, payload = '') =>
  parseDocument(`<message from='r@conference.example/Romeo'><body>${body}</body>${payload}</message>`)
const bodiesOf = async (history: History, room: Room) =>
  (await history.read(room, all)).map(({ element }) => element.getChildText('body'))

test('of long messages fewer are remembered, the newest', async () => {
  const history = new History(new FakeClock(), 100, 10)
  const long = 'a'.repeat(100_000)
  for (let n = 0; n < 30; n++) history.add(roomOf(0), message(`${n} ${long}`))
  const bodies = await bodiesOf(history, roomOf(0))
  assert.ok(bodies.length > 5 && bodies.length < 11, `${bodies.length}`)
  assert.deepEqual(
    bodies.map((body) => Number(body!.split(' ')[0])),
    Array.from(bodies, (_, i) => 30 - bodies.length + i),
  )
})

test('each element counts, which takes far more memory than characters', async () => {
  const history = new History(new FakeClock(), 100, 10)
  for (let n = 0; n < 30; n++) history.add(roomOf(0), message(`${n}`, `<x xmlns='urn:x'>${'<a/>'.repeat(2000)}</x>`))
  assert.ok((await bodiesOf(history, roomOf(0))).length < 5)
})

test('a message that is too long by itself is not remembered', async () => {
  const history = new History(new FakeClock(), 100, 10)
  history.add(roomOf(0), message('a'.repeat(2_000_000)))
  assert.deepEqual(await bodiesOf(history, roomOf(0)), [])
  assert.equal(history.weight, 0)
})

test('all rooms together take so much; the rooms used least recently are forgotten', async () => {
  const history = new History(new FakeClock(), 100, 1000)
  const long = 'a'.repeat(100_000)
  for (let room = 0; room < 200; room++) {
    for (let n = 0; n < 10; n++) history.add(roomOf(room), message(long))
    // It stays in use.
    assert.ok((await bodiesOf(history, roomOf(0))).length > 0)
  }
  assert.ok(history.weight < 65 * 1024 * 1024, `${history.weight}`)
  assert.deepEqual(await bodiesOf(history, roomOf(1)), [])
  assert.equal((await bodiesOf(history, roomOf(199))).length, 10)
  for (let room = 0; room < 200; room++) history.forget(roomOf(room))
  assert.equal(history.weight, 0)
})

test('so many rooms are remembered', async () => {
  const history = new History(new FakeClock(), 100, 2)
  for (const room of [0, 1, 0, 2]) history.add(roomOf(room), message('Hi'))
  assert.deepEqual(await bodiesOf(history, roomOf(1)), [])
  assert.deepEqual(await bodiesOf(history, roomOf(0)), ['Hi', 'Hi'])
})

test('whoever bounds the history by time or length gets all that is kept within, who says nothing the usual', () => {
  const wish = (attributes: string) =>
    readHistoryWish(
      parseDocument(`<x xmlns='http://jabber.org/protocol/muc'><history ${attributes}/></x>`),
      { usual: 20, kept: 100 },
      Date.UTC(2026, 0, 1),
    )
  for (const [attributes, max] of [
    ['', 20],
    ["seconds='60'", 100],
    ["since='2025-12-31T00:00:00Z'", 100],
    ["maxchars='5000'", 100],
    ["maxchars='5000' maxstanzas='30'", 30],
    ["maxstanzas='5000'", 100],
    ["maxstanzas='-1' seconds='x' since='y'", 20],
  ] as const)
    assert.equal(wish(attributes).maxMessages, max, attributes)
  assert.equal(wish("seconds='60' since='2025-12-31T00:00:00Z'").sinceMs, Date.UTC(2025, 11, 31, 23, 59))
})
