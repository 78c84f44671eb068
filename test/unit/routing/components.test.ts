import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Components } from '../../../src/routing/components.ts'

const BOT = 'bot.verona.example'

/** A component with this many connections; `heard[n]` is what the nth was sent. */
function connected(count: number) {
  const components = new Components([[BOT, 0]])
  const heard: string[][] = []
  const links = Array.from({ length: count }, (_, n) => {
    heard[n] = []
    return { write: (text: string) => void heard[n]!.push(text) }
  })
  for (const link of links) components.connect(BOT, link)
  /** Which connection gets what somebody sends. */
  const takerOf = (from: string, answer?: { id: string; from: string; to: string }): number => {
    for (const list of heard) list.length = 0
    assert.ok(components.send(BOT, 'x', { from, answer }))
    assert.equal(heard.flat().length, 1)
    return heard.findIndex((list) => list.length > 0)
  }
  return { components, links, takerOf }
}

const people = Array.from({ length: 300 }, (_, i) => `citizen${i}@verona.example`)

test('what one account sends keeps to one connection, and the accounts are divided among all', () => {
  const { takerOf } = connected(3)
  const takers = people.map((one) => takerOf(one))
  assert.deepEqual(
    people.map((one) => takerOf(one)),
    takers,
  )
  for (const n of [0, 1, 2]) assert.ok(takers.filter((taker) => taker === n).length > 60, `connection ${n}: ${takers}`)
})

test('a connection that goes takes nobody’s conversation along but its own, and one that comes moves few', () => {
  const { components, links, takerOf } = connected(3)
  const before = people.map((one) => takerOf(one))
  components.disconnect(BOT, links[1]!)
  const after = people.map((one) => takerOf(one))
  for (const [i, taker] of before.entries()) if (taker !== 1) assert.equal(after[i], taker)
  assert.ok(!after.includes(1))
  let heard = 0
  components.connect(BOT, { write: () => void heard++ })
  for (const from of people) components.send(BOT, 'x', { from })
  assert.ok(heard > 60 && heard < 140, `${heard}`)
})

test('an answer goes to the connection that has asked, while that is there', () => {
  const { components, links, takerOf } = connected(3)
  const answer = { id: '1', from: 'verona.example', to: BOT }
  const usual = takerOf('verona.example', answer)
  const asker = (usual + 1) % 3
  components.asks(BOT, links[asker]!, { id: '1', from: BOT, to: 'verona.example' })
  assert.equal(takerOf('verona.example', answer), asker)
  assert.equal(takerOf('verona.example', { ...answer, id: '2' }), usual)
  assert.equal(takerOf('verona.example', { ...answer, to: `a@${BOT}` }), usual)
  components.disconnect(BOT, links[asker]!)
  assert.notEqual(takerOf('verona.example', answer), asker)
})

test('connections past the limit are refused, and all gone is not connected', () => {
  const components = new Components([[BOT, 2]])
  const [one, two, three] = [{ write() {} }, { write() {} }, { write() {} }]
  assert.deepEqual(
    [one, two, three].map((link) => components.connect(BOT, link!)),
    [true, true, false],
  )
  components.disconnect(BOT, three!)
  components.disconnect(BOT, one!)
  assert.ok(components.send(BOT, 'x', { from: 'a@b' }))
  components.disconnect(BOT, two!)
  assert.equal(components.isConnected(BOT), false)
  assert.equal(components.send(BOT, 'x', { from: 'a@b' }), false)
  assert.equal(components.has(BOT), true)
})
