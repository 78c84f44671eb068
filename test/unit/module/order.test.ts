import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineModule, soft } from '../../../src/api.ts'
import type { AnyModule, Depends } from '../../../src/module/define.ts'
import { dependenciesOf, orderModules } from '../../../src/module/order.ts'

function module(name: string, depends: Depends = {}): AnyModule {
  return defineModule({ name, summary: '', implements: [], depends, setup() {} }) as AnyModule
}
/** A module by name only, so that tests can tie circles. */
const named = (name: string) => ({ name })

const namesOf = (modules: readonly AnyModule[]) => orderModules(modules).map(({ name }) => name)

test('dependencies come first, and names decide the rest, whatever the order given', () => {
  const roster = module('roster')
  const presence = module('presence', { roster })
  const blocking = module('blocking', { presence: soft(presence), roster })
  const modules = [presence, blocking, roster, module('archive')]
  assert.deepEqual(namesOf(modules), ['archive', 'roster', 'presence', 'blocking'])
  assert.deepEqual(namesOf(modules.toReversed()), ['archive', 'roster', 'presence', 'blocking'])
})

test('dependencies are told with their key and whether they are soft', () => {
  assert.deepEqual(dependenciesOf(module('a', { x: named('b'), y: soft(named('c')) })), [
    { key: 'x', name: 'b', soft: false },
    { key: 'y', name: 'c', soft: true },
  ])
  assert.deepEqual(dependenciesOf(module('a')), [])
})

test('a dependency that is not there does not matter to the order', () => {
  assert.deepEqual(namesOf([module('b', { c: named('c'), d: soft(named('d')) }), module('a')]), ['a', 'b'])
})

test('a circle is refused, naming its members and nobody else', () => {
  const circle = [
    module('a', { b: named('b') }),
    module('b', { c: named('c') }),
    module('c', { d: soft(named('d')) }),
    module('d', { b: named('b') }),
  ]
  assert.throws(() => orderModules(circle), /in a circle: b → c → d → b$/)
})

test('a module that depends on itself is a circle', () => {
  assert.throws(() => orderModules([module('a', { a: named('a') })]), /in a circle: a → a$/)
})
