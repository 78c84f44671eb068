import assert from 'node:assert/strict'
import { test } from 'node:test'
import { looksOf, mixesScripts } from '../../../../modules/registration/look-alike.ts'

test('registration: what looks like a name has its looks', () => {
  // Cyrillic, Greek, Armenian, digits, accents, and two letters that look like one.
  for (const name of ['аdmin', 'αdmin', 'аԁміп', 'ádmin', 'admın', 'adrnin', 'a\u200Bdmin'])
    assert.equal(looksOf(name), looksOf('admin'), name)
  for (const name of ['r00t', 'гооt']) assert.equal(looksOf(name), 'root', name)
  for (const name of ['adam', 'ольга', 'administrator']) assert.notEqual(looksOf(name), looksOf('admin'), name)
})

test('registration: no name has letters of two scripts that look alike', () => {
  for (const name of ['jоhn', 'οlga', 'ольгa', 'ոick']) assert.equal(mixesScripts(name), true, name)
  for (const name of ['john', 'ольга', 'όλγα', '山田taro', 'zoë-1', '123'])
    assert.equal(mixesScripts(name), false, name)
})
