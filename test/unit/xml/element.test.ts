import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Element, xml } from '../../../src/xml/element.ts'

test('an element is made of what is there, and leaves alone what it is given', () => {
  const attrs = { type: 'get', id: undefined, to: '' }
  const child = xml('b', null, 'text')
  const element = xml('a', attrs, child, undefined, false, null, '', 'more')
  assert.ok(element instanceof Element)
  assert.equal(element.toString(), '<a type="get" to=""><b>text</b>more</a>')
  assert.deepEqual(Object.keys(element.attrs), ['type', 'to'])
  assert.equal(child.parent, element)
  assert.deepEqual(Object.keys(attrs), ['type', 'id', 'to'])
  assert.equal(xml('a').toString(), '<a/>')
})
