import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBookmark, merged, NODE, OldForm } from '../../../../modules/bookmarks/bookmark.ts'
import { type Element, parseDocument, StanzaError, serialize } from '../../../../src/api.ts'

const conference = (attrs: string, inside = ''): Element =>
  parseDocument(`<conference xmlns="${NODE}"${attrs}>${inside}</conference>`)
const storage = (inside: string): Element => parseDocument(`<storage xmlns="storage:bookmarks">${inside}</storage>`)
const none: ReadonlyMap<string, Element> = new Map()

/** The bookmark after an older client has written this one. */
function after(current: Element | undefined, attrs: string, inside = ''): string | undefined {
  const form = new OldForm(storage(`<conference jid="orchard@rooms.example"${attrs}>${inside}</conference>`), 0)
  const next = merged(current, form.entries(none).get('orchard@rooms.example')!)
  return next && serialize(next)
}

const state = '<state xmlns="urn:example:state" minimized="true"/>'
const rich = () =>
  conference(' name="O" autojoin="1"', `<nick>J</nick><password>x</password><extensions>${state}</extensions>`)

// XEP-0402 §3, §5.3.2
test('what an older client writes changes what it knows of, and nothing else', () => {
  const same = '<nick>J</nick><password>x</password>'
  const table: [attrs: string, inside: string, expected: string | undefined][] = [
    [' name="O" autojoin="1"', same, undefined],
    [' autojoin="true" name="O"', `<password>x</password><nick>J</nick><extensions>${state}</extensions>`, undefined],
    [' name="O"', same, `<conference xmlns="${NODE}" name="O">${same}<extensions>${state}</extensions></conference>`],
    [
      ' name="P" autojoin="1"',
      '<nick/>',
      `<conference xmlns="${NODE}" name="P" autojoin="1"><extensions>${state}</extensions></conference>`,
    ],
    [
      ' name="O" autojoin="1"',
      `${same}<state xmlns="urn:example:state"/><other xmlns="urn:example:other"/>`,
      `<conference xmlns="${NODE}" name="O" autojoin="1">${same}<extensions><state xmlns="urn:example:state"/><other xmlns="urn:example:other"/></extensions></conference>`,
    ],
    [
      ' name="O" autojoin="1" minimize="1"',
      same,
      `<conference xmlns="${NODE}" name="O" autojoin="1" minimize="1">${same}<extensions>${state}</extensions></conference>`,
    ],
  ]
  for (const [attrs, inside, expected] of table) assert.equal(after(rich(), attrs, inside), expected, attrs + inside)
  assert.equal(after(undefined, ''), `<conference xmlns="${NODE}"/>`)
  assert.equal(after(undefined, ' autojoin="false"'), `<conference xmlns="${NODE}" autojoin="false"/>`)
  assert.equal(after(conference(''), ' autojoin="0"'), undefined)
  // What is in no specification stays as it is.
  const odd = conference(' x="1"', '<y/><z xmlns="urn:z"/>')
  assert.equal(after(odd, ''), undefined)
  assert.equal(
    after(odd, ' name="O"'),
    `<conference xmlns="${NODE}" name="O" x="1"><y/><z xmlns="urn:z"/></conference>`,
  )
})

test('what was the older form’s own comes back as it was', () => {
  const written =
    '<conference name="O" jid="orchard@rooms.example"><nick>J</nick><extensions><a xmlns="urn:a"><b xmlns="urn:b"/>text</a></extensions><minimize>true</minimize></conference>'
  const form = new OldForm(storage(written), 0)
  const [[room, entry]] = [...form.entries(none)] as [[string, Element]]
  const bookmark = merged(undefined, entry)!
  assert.equal(serialize(new OldForm(undefined, 0).with(new Map([[room, bookmark]]))), serialize(storage(written)))
})

test('bookmarks of an older form: the last of each room, however it is spelled; all else is kept as it is', () => {
  const others = [
    '<url url="urn:x"/>',
    '<conference/>',
    '<conference jid="x@"/>',
    '<conference jid="a@b/c"/>',
    `<conference jid="large@b" name="${'x'.repeat(99)}"/>`,
  ]
  const form = new OldForm(
    storage(
      `<conference jid="A@b" name="1"/>${others.join('')}<conference jid="a@B" name="2"/><conference jid="C@d"/>`,
    ),
    100,
  )
  const known = new Map([['C@d', conference(' name="3"')]])
  const entries = form.entries(known)
  assert.deepEqual(
    [...entries].map(([room, { attrs }]) => [room, attrs['name']]),
    [
      ['a@b', '2'],
      ['C@d', undefined],
    ],
  )
  assert.deepEqual(form.others(known).map(serialize), others)
  const now = new Map([...known, ['a@b', conference('')], ['new@b', conference('')]])
  const more = [parseDocument('<url url="urn:x"/>'), parseDocument('<url url="urn:y"/>')]
  assert.equal(
    serialize(form.with(now, more)),
    serialize(
      storage(
        `<conference jid="a@b"/>${others.join('')}<conference name="3" jid="C@d"/><conference jid="new@b"/><url url="urn:y"/>`,
      ),
    ),
  )
})

test('only bookmarks are published', () => {
  assert.doesNotThrow(() => checkBookmark('Orchard@rooms.example', conference(' x="1"', '<y/>'), 1000))
  for (const [id, payload] of [
    ['rooms.example', conference('')],
    ['orchard@rooms.example/nick', conference('')],
    [`${'x'.repeat(1020)}@rooms.example`, conference('')],
    ['orchard@rooms.example', undefined],
    ['orchard@rooms.example', storage('')],
    ['orchard@rooms.example', conference(` name="${'x'.repeat(1000)}"`)],
  ] as const)
    assert.throws(() => checkBookmark(id, payload, 1000), StanzaError, id)
})
