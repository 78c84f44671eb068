import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid } from '#api'
import { type Preferences, wanted } from '../../../../modules/archive/preferences.ts'

const of = (policy: Preferences['policy'], always: string[] = [], never: string[] = []): Preferences => ({
  policy,
  always: new Set(always),
  never: new Set(never),
})

// XEP-0441 §2.1.1–§2.1.3, §2.3.1
const table: readonly (readonly [title: string, preferences: Preferences, peer: string, answer: boolean | 'roster'])[] =
  [
    ['always', of('always'), 'a@x/r', true],
    ['never', of('never'), 'a@x/r', false],
    ['the roster says', of('roster'), 'a@x/r', 'roster'],
    ['a listed bare JID stands for all its resources', of('never', ['a@x']), 'a@x/r', true],
    ['a listed full JID stands for itself', of('never', ['a@x/r']), 'a@x/s', false],
    ['and is not its account', of('never', ['a@x/r']), 'a@x', false],
    ['never', of('always', [], ['a@x']), 'a@x/r', false],
    ['the list comes before the roster', of('roster', ['a@x']), 'a@x', true],
    ['a full JID comes before a bare one', of('always', ['a@x/r'], ['a@x']), 'a@x/r', true],
    ['in both lists: never', of('always', ['a@x'], ['a@x']), 'a@x', false],
  ]
for (const [title, preferences, peer, answer] of table)
  test(`${title}: ${peer}`, () => assert.equal(wanted(preferences, Jid.parse(peer)), answer))
