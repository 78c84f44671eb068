import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appointments } from '../../../../modules/muc/features/appointments.ts'

const before = { admin: ['nurse@a', 'peter@a'], owner: ['juliet@a', 'romeo@a'] }
const changes = (admins: string[] | undefined, owners: string[] | undefined, isForMembers = false) =>
  Object.fromEntries(
    appointments(before, { admins, owners }, isForMembers).map(({ jid, affiliation }) => [jid, affiliation]),
  )

test('the lists of a form are whole, and make what is different // XEP-0045 §10.2, §10.5, §10.8', () => {
  assert.deepEqual(changes(['nurse@a', 'peter@a'], ['juliet@a', 'romeo@a']), {})
  assert.deepEqual(changes(['peter@a', 'paris@a'], undefined), { 'nurse@a': 'none', 'paris@a': 'admin' })
  assert.deepEqual(changes(['peter@a'], undefined, true), { 'nurse@a': 'member' })
  assert.deepEqual(changes(undefined, ['juliet@a']), { 'romeo@a': 'admin' })
  assert.deepEqual(changes(['nurse@a', 'peter@a'], ['juliet@a']), { 'romeo@a': 'none' })
  assert.deepEqual(changes(undefined, ['juliet@a', 'romeo@a', 'nurse@a']), { 'nurse@a': 'owner' })
})

test('whoever is on both lists is an owner, and owners stay so when only admins are named // XEP-0045 §10.2', () => {
  assert.deepEqual(changes(['nurse@a', 'peter@a', 'juliet@a'], ['juliet@a', 'romeo@a']), {})
  assert.deepEqual(changes(['nurse@a', 'peter@a', 'juliet@a'], undefined), {})
  assert.deepEqual(changes(['juliet@a'], ['romeo@a']), { 'nurse@a': 'none', 'peter@a': 'none', 'juliet@a': 'admin' })
})
