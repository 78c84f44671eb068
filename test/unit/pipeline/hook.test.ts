import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defineCollection,
  definedHooks,
  defineGate,
  defineNotice,
  defineQuestion,
  Hooks,
} from '../../../src/pipeline/hook.ts'

// Names begin with test/, which keeps them out of the generated list of hooks.
const notice = defineNotice<string>('test/hook-notice', 'A test tells.')
const gate = defineGate<string>('test/hook-gate', 'A test asks leave.')
const question = defineQuestion<string, string>('test/hook-question', 'nobody knows', 'A test asks.')
const collection = defineCollection<string>('test/hook-collection', 'A test gathers.')

const quiet = () => new Hooks((hook, error) => assert.fail(`${hook}: ${error}`))

test('two hooks of one name are refused, and each defined one is listed with its sentence', () => {
  assert.throws(() => defineNotice('test/hook-gate', 'Again.'), /two hooks are called test\/hook-gate/)
  assert.equal(definedHooks().get('test/hook-gate'), 'A test asks leave.')
})

test('everybody hears of a notice in order, whoever throws', () => {
  const crashes: string[] = []
  const heard: string[] = []
  const hooks = new Hooks((hook, error) => crashes.push(`${hook}: ${(error as Error).message}`))
  hooks.attach(notice, (e: string) => heard.push(`first ${e}`))
  hooks.attach(notice, () => {
    throw new Error('a bug')
  })
  hooks.attach(notice, (e: string) => heard.push(`third ${e}`))
  hooks.notify(notice, 'x')
  assert.deepEqual(heard, ['first x', 'third x'])
  assert.deepEqual(crashes, ['test/hook-notice: a bug'])
})

test('a listener that takes itself away as it hears costs nobody else the news', () => {
  const hooks = quiet()
  const heard: string[] = []
  const detach = hooks.attach(notice, () => {
    heard.push('once')
    detach()
  })
  hooks.attach(notice, () => heard.push('always'))
  hooks.notify(notice, 'x')
  hooks.notify(notice, 'x')
  assert.deepEqual(heard, ['once', 'always', 'always'])
})

test('a gate waits for each in turn and ends at the first refusal', async () => {
  const hooks = quiet()
  const asked: string[] = []
  hooks.attach(gate, async () => {
    await null
    asked.push('a')
  })
  hooks.attach(gate, () => {
    asked.push('b')
    throw new Error('no')
  })
  hooks.attach(gate, () => asked.push('c'))
  await assert.rejects(hooks.pass(gate, 'x'), { message: 'no' })
  assert.deepEqual(asked, ['a', 'b'])
})

test('the first answer to a question wins, and `false`-like answers are answers', () => {
  const hooks = quiet()
  assert.equal(hooks.ask(question, 'x'), 'nobody knows')
  hooks.attach(question, () => undefined)
  hooks.attach(question, (e: string) => (e === 'x' ? '' : undefined))
  hooks.attach(question, () => 'late')
  assert.equal(hooks.ask(question, 'x'), '')
  assert.equal(hooks.ask(question, 'y'), 'late')
})

test('a collection keeps the order, and what is taken away is gone', () => {
  const hooks = quiet()
  assert.deepEqual(hooks.all(collection), [])
  const detach = hooks.attach(collection, 'a')
  hooks.attach(collection, 'b')
  assert.deepEqual(hooks.all(collection), ['a', 'b'])
  detach()
  detach()
  assert.deepEqual(hooks.all(collection), ['b'])
})

test('hooks of two hosts share nothing', () => {
  const [one, other] = [quiet(), quiet()]
  one.attach(collection, 'a')
  assert.deepEqual(other.all(collection), [])
})
