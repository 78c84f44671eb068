import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tokenOf, tokensOf, wordsOf } from '../../../../modules/archive/search-words.ts'

const table: readonly (readonly [title: string, text: string, words: readonly string[]])[] = [
  ['plain words', 'Wherefore art thou, Romeo?', ['wherefore', 'art', 'thou', 'romeo']],
  ['one of each', 'no no No', ['no']],
  ['accents stay', 'Böb bob', ['böb', 'bob']],
  ['composed and decomposed are one', 'bo\u0308b böb', ['böb']],
  ['compatibility forms', 'ﬁsh ＡＢＣ ½', ['fish', 'abc', '1', '2']],
  ['capitals whose small form is two characters', 'İstanbul', ['i̇stanbul'.normalize('NFKC')]],
  ['an address falls into its parts', 'juliet@capulet.example', ['juliet', 'capulet', 'example']],
  ['so it does beside other letters', 'é juliet@capulet.example', ['é', 'juliet', 'capulet', 'example']],
  ['apostrophes and underscores', "don't do_it", ['don', 't', 'do', 'it']],
  ['marks belong to their words', 'हिन्दी', ['हिन्दी']],
  ['a script without spaces', 'ภาษาไทย', ['ภาษา', 'ไทย']],
  ['nothing', '!?… 😀 --', []],
  ['empty', '', []],
]

for (const [title, text, words] of table)
  test(`archive search words: ${title}`, () => assert.deepEqual([...wordsOf(text)], words))

test('archive search words: ASCII falls into the same words alone and beside other letters', () => {
  const ascii = fc.string({ unit: 'binary-ascii' })
  fc.assert(
    fc.property(ascii, (text) => {
      assert.deepEqual([...wordsOf(`${text}\n`), 'ж'], [...wordsOf(`${text}\nж`)])
    }),
  )
})

test('archive search words: a long text has so many words and no more', () => {
  const text = Array.from({ length: 3000 }, (_, n) => n).join(' ')
  assert.equal(wordsOf(text).size, 1000)
  assert.equal(wordsOf(`${'x '.repeat(20_000)}late`).has('late'), false)
})

test('archive search tokens: one for each word, with its owner', () => {
  assert.equal(tokensOf(40, 'Hi there'), '14_hi 14_there')
  assert.equal(tokensOf(7, '!'), '')
})

test('archive search tokens: whatever the word, nothing an engine would take for an operator, and no token too long', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string({ unit: 'grapheme' }), (owner, word) => {
      assert.match(tokenOf(owner, word), /^[0-9a-z]+_[0-9a-z_]*$/)
      assert.ok(tokenOf(owner, word).length <= 84)
    }),
  )
})

test('archive search tokens: different words have different tokens', () => {
  const words = ['4e', '_4e_', '4', 'e', 'ä', 'a', '\u4e00', '_4e00_', 'x'.repeat(100), 'x'.repeat(101), 'h', '_h']
  assert.equal(new Set(words.map((word) => tokenOf(1, word))).size, words.length)
  assert.notEqual(tokenOf(1, '1'), tokenOf(11, ''))
})
