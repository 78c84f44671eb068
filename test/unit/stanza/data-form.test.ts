import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataForm, readForm } from '../../../src/api.ts'
import { serialize, stanza } from '../session/stage.ts'

const TYPE = 'urn:example:play'

test('a form begins with its type, and says of a field what is known of it // XEP-0004 §3.2, XEP-0068 §3', () => {
  const form = dataForm(
    'form',
    TYPE,
    [
      { var: 'name', type: 'text-single', label: 'Your <name>', required: true },
      { var: 'feuds', values: ['Capulet', 'Montague'] },
    ],
    { title: 'Join', instructions: 'Fill in.' },
  )
  assert.equal(
    serialize(form),
    '<x xmlns="jabber:x:data" type="form"><title>Join</title><instructions>Fill in.</instructions>' +
      `<field var="FORM_TYPE" type="hidden"><value>${TYPE}</value></field>` +
      '<field var="name" type="text-single" label="Your &lt;name&gt;"><required/></field>' +
      '<field var="feuds"><value>Capulet</value><value>Montague</value></field></x>',
  )
})

test('a submitted form is read by name', () => {
  const query = stanza('<query/>')
  query.append(
    dataForm('submit', TYPE, [{ var: 'a', values: ['1', '2'] }, { var: '__proto__', values: [''] }, { var: 'b' }]),
  )
  assert.deepEqual(
    readForm(query, TYPE),
    new Map([
      ['FORM_TYPE', [TYPE]],
      ['a', ['1', '2']],
      ['__proto__', ['']],
      ['b', []],
    ]),
  )
})

test('what is absent, not submitted, or of another type is not read', () => {
  const inside = (form: string) => readForm(stanza(`<query>${form}</query>`), TYPE)
  const field = (type: string) => `<field var='FORM_TYPE'><value>${type}</value></field>`
  assert.equal(inside(''), undefined)
  for (const type of ['cancel', 'form', 'result'])
    assert.equal(inside(`<x xmlns='jabber:x:data' type='${type}'>${field(TYPE)}</x>`), undefined, type)
  assert.equal(inside(`<x xmlns='jabber:x:data' type='submit'>${field('other')}</x>`), undefined)
  assert.equal(inside(`<x xmlns='jabber:x:data' type='submit'/>`), undefined)
  assert.equal(inside(`<x xmlns='urn:x' type='submit'>${field(TYPE)}</x>`), undefined)
  assert.ok(inside(`<x xmlns='jabber:x:data' type='submit'>${field(TYPE)}</x>`))
})
