import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFindable, personOf, wishIn, wordsOf } from '../../../../modules/user-search/person.ts'
import { readSearch } from '../../../../modules/user-search/protocol.ts'
import { parseDocument } from '../../../../src/api.ts'

const card = (content: string) => parseDocument(`<vCard xmlns='vcard-temp'>${content}</vCard>`)

test('a vCard tells who somebody is by its parts, or by the whole name where it has none', () => {
  const nobody = { first: '', last: '', nick: '', email: '' }
  const table: [string, object | undefined][] = [
    ['<N><GIVEN> Juliet </GIVEN><FAMILY>Capulet</FAMILY></N><FN>Miss J</FN>', { first: 'Juliet', last: 'Capulet' }],
    ['<FN>Juliet  Maria\n Capulet</FN>', { first: 'Juliet Maria', last: 'Capulet' }],
    ['<FN>Juliet</FN>', { first: 'Juliet' }],
    ['<NICKNAME>jc</NICKNAME><EMAIL/><EMAIL><HOME/><USERID>j@c.lit</USERID></EMAIL>', { nick: 'jc', email: 'j@c.lit' }],
    [`<FN>${'x'.repeat(300)}</FN>`, { first: 'x'.repeat(256) }],
    ['<PHOTO/>', undefined],
    ['<FN> </FN><N/>', undefined],
  ]
  for (const [content, person] of table)
    assert.deepEqual(personOf(card(content)), person && { ...nobody, ...person }, content)
})

test('words are compared without case, accents and signs', () => {
  const table: [string, string[]][] = [
    ['Böb Müller-Śmith', ['bob', 'muller', 'smith']],
    ['juliet@capulet.lit', ['juliet', 'capulet', 'lit']],
    ['O’Neill o neill', ['o', 'neill']],
    ['孔丘 ＡＢＣ', ['孔丘', 'abc']],
    [' *% ', []],
    ['y'.repeat(100), ['y'.repeat(64)]],
  ]
  for (const [text, words] of table) assert.deepEqual(wordsOf(text), words, text)
  assert.equal(wordsOf(Array.from({ length: 40 }, (_, i) => `w${i}`).join(' ')).length, 16)
})

test('what hides somebody counts more than what shows them', () => {
  const table: [
    everybody: boolean,
    wish: boolean | undefined,
    cardWish: boolean | undefined,
    barred: boolean,
    is: boolean,
  ][] = [
    [true, undefined, undefined, false, true],
    [true, false, undefined, false, false],
    [true, undefined, false, false, false],
    [true, true, false, false, false],
    [true, false, true, false, false],
    [true, true, true, true, false],
    [false, undefined, undefined, false, false],
    [false, true, undefined, false, true],
    [false, undefined, true, false, true],
    [false, false, true, false, false],
    [false, true, true, true, false],
  ]
  for (const [everybody, wish, cardWish, barred, is] of table)
    assert.equal(
      isFindable({ everybody, wish, cardWish, barred }),
      is,
      JSON.stringify([everybody, wish, cardWish, barred]),
    )
  for (const [name, wish] of [
    ['PUBLIC', true],
    ['PRIVATE', false],
    ['CONFIDENTIAL', false],
    ['OTHER', undefined],
  ] as const)
    assert.equal(wishIn(card(`<CLASS><${name}/></CLASS>`)), wish)
  assert.equal(wishIn(card('')), undefined)
})

// XEP-0055 §2.1
test('a search is read from fields, longest word first, and is refused when it is for nothing', () => {
  const query = (content: string) => parseDocument(`<query xmlns='jabber:iq:search'>${content}</query>`)
  assert.deepEqual(readSearch(query('<first>J*</first><last>Cap</last><nick/><other>zzzz</other>'), 2), {
    wanted: [
      { field: 'last', word: 'cap' },
      { field: 'first', word: 'j' },
    ],
    byForm: false,
  })
  for (const content of ['', '<first/>', '<first>*</first>', '<first>j</first><last>c</last>'])
    assert.throws(() => readSearch(query(content), 2), { condition: 'not-acceptable' })
  assert.equal(readSearch(query('<first>a bb c d</first><last>a b c d</last>'), 2).wanted.length, 8)
  assert.throws(() => readSearch(query('<first>a bb c d e</first><last>a b c d</last>'), 2), {
    condition: 'not-acceptable',
  })
  assert.throws(() => readSearch(query(`<x xmlns='jabber:x:data' type='cancel'/>`), 2), { condition: 'bad-request' })
})
