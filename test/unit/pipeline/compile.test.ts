import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileFlows, describeFlows, type Registration } from '../../../src/pipeline/compile.ts'
import { flows, type Phase } from '../../../src/pipeline/flow.ts'

const arriving = flows.message.arriving

function registered(module: string, phase: Phase, place: { before?: string; after?: string } = {}): Registration {
  return { module, flow: arriving, phase, handler: () => {}, ...place }
}

function order(registrations: readonly Registration[]): string[] {
  return compileFlows(registrations)[arriving.id]!.map(({ module, phase }) => `${phase} ${module}`)
}

test('phases run in their order, whatever the order of registration', () => {
  const given = ['deliver', 'copy', 'record', 'shape', 'guard'].map((phase) => registered('m', phase as Phase))
  assert.deepEqual(order(given), ['guard m', 'shape m', 'record m', 'copy m', 'deliver m'])
})

test('modules of one phase keep the order they were set up in', () => {
  assert.deepEqual(order([registered('b', 'copy'), registered('a', 'copy')]), ['copy b', 'copy a'])
})

test('before and after move a module among those of its phase, and no other', () => {
  assert.deepEqual(
    order([
      registered('a', 'record'),
      registered('b', 'record', { after: 'd' }),
      registered('c', 'record'),
      registered('d', 'record', { before: 'a' }),
    ]),
    ['record c', 'record d', 'record a', 'record b'],
  )
})

test('before and after see only their own phase, and ignore modules that are absent', () => {
  assert.deepEqual(
    order([
      registered('a', 'guard', { after: 'b' }),
      registered('b', 'deliver'),
      registered('c', 'guard', { before: 'nobody', after: 'nobody' }),
    ]),
    ['guard a', 'guard c', 'deliver b'],
  )
})

test('a module may have two handlers in one phase', () => {
  const first = () => {}
  const second = () => {}
  const steps = compileFlows([
    { ...registered('a', 'copy', { after: 'b' }), handler: first },
    { ...registered('a', 'copy', { after: 'b' }), handler: second },
    registered('b', 'copy'),
  ])[arriving.id]!
  assert.deepEqual(
    steps.map(({ module }) => module),
    ['b', 'a', 'a'],
  )
  assert.deepEqual([steps[1]!.run, steps[2]!.run], [first, second])
})

test('an order that contradicts itself is refused, naming flow, phase and the modules', () => {
  const contradictory = [
    registered('innocent', 'guard'),
    registered('a', 'guard', { before: 'b' }),
    registered('b', 'guard', { before: 'c' }),
    registered('c', 'guard', { before: 'a' }),
  ]
  assert.throws(() => compileFlows(contradictory), /message\.arriving guard .*: a, b, c$/)
})

test('a handler is in its own flow only', () => {
  const compiled = compileFlows([registered('a', 'guard')])
  for (const flow of [flows.message.leaving, flows.message.stranded, flows.presence.leaving, flows.iq.arriving])
    assert.deepEqual(compiled[flow.id], [])
})

test('the compiled order is described flow by flow, phase by phase', () => {
  const text = describeFlows(
    compileFlows([registered('a', 'copy'), registered('b', 'guard'), registered('c', 'guard')]),
  )
  assert.match(
    text,
    /^message\.leaving\n {2}\(nothing\)\nmessage\.arriving\n {2}guard {3}b, c\n {2}copy {4}a\nmessage\.str/,
  )
})
