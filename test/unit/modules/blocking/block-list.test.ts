import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '#api'
import { BlockList } from '../../../../modules/blocking/block-list.ts'

// XEP-0191 §6
const table: readonly (readonly [item: string, jid: string, blocked: boolean])[] = [
  ['romeo@montague.example/orchard', 'romeo@montague.example/orchard', true],
  ['romeo@montague.example/orchard', 'romeo@montague.example/garden', false],
  ['romeo@montague.example/orchard', 'romeo@montague.example', false],
  ['romeo@montague.example', 'romeo@montague.example', true],
  ['romeo@montague.example', 'romeo@montague.example/orchard', true],
  ['romeo@montague.example', 'mercutio@montague.example', false],
  ['romeo@montague.example', 'montague.example', false],
  ['montague.example/gate', 'montague.example/gate', true],
  ['montague.example/gate', 'montague.example', false],
  ['montague.example/gate', 'romeo@montague.example/gate', false],
  ['montague.example', 'montague.example', true],
  ['montague.example', 'montague.example/gate', true],
  ['montague.example', 'romeo@montague.example', true],
  ['montague.example', 'romeo@montague.example/orchard', true],
  ['montague.example', 'romeo@rooms.montague.example', false],
]

for (const [item, jid, blocked] of table)
  test(`blocking: ${item} ${blocked ? 'blocks' : 'does not block'} ${jid}`, () => {
    assert.equal(new BlockList([item]).blocks(Jid.parse(jid)), blocked)
  })

test('blocking: an empty list blocks nobody', () => {
  assert.equal(BlockList.empty.blocks(Jid.parse('romeo@montague.example/orchard')), false)
})

test('blocking: a change makes a new list and leaves the old one', () => {
  const one = BlockList.empty.with(['a.example', 'b.example'])
  const two = one.without(new Set(['a.example', 'c.example']))
  assert.deepEqual([...two.items()], ['b.example'])
  assert.equal(one.size, 2)
  assert.equal(BlockList.empty.size, 0)
})
