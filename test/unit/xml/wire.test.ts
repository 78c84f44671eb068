import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Element, xml } from '../../../src/xml/element.ts'
import { parseDocument } from '../../../src/xml/parser.ts'
import { serialize, Wire } from '../../../src/xml/wire.ts'

describe('serialize', () => {
  it('escapes what would end something, and what a reader would change', () => {
    assert.equal(
      serialize(xml('a', { b: `&<>"'\t\n\r` }, `&<>"'\t\n\r`)),
      `<a b="&amp;&lt;&gt;&quot;&apos;&#x9;&#xA;&#xD;">&amp;&lt;&gt;"'\t\n&#xD;</a>`,
    )
  })

  it('replaces what XML cannot say', () => {
    assert.equal(serialize(xml('a', { b: '\0x\uffff' }, '\x1b[1m\ufffe')), '<a b="\ufffdx\ufffd">\ufffd[1m\ufffd</a>')
  })

  it('leaves out attributes without a value, and empty elements short', () => {
    assert.equal(
      serialize(xml('a', { b: undefined, c: '' }, xml('d'), 'e', xml('f', null, 'g'))),
      '<a c=""><d/>e<f>g</f></a>',
    )
  })

  it('writes numbers and skips holes among children', () => {
    const element = xml('a')
    element.children.push(1 as never, null as never, undefined as never, 'b')
    assert.equal(serialize(element), '<a>1b</a>')
  })

  it('takes depth without a deep stack', () => {
    const root = new Element('a')
    let inside = root
    for (let i = 0; i < 100_000; i++) inside = inside.c('a')
    assert.equal(serialize(root).length, '<a></a>'.length * 100_000 + '<a/>'.length)
  })
})

describe('Wire', () => {
  const stanza = () =>
    parseDocument("<message type='chat' to='juliet@example.org' id='1'><body>a &amp; b</body></message>")

  it('is the stanza, to its own address or another', () => {
    const wire = Wire.of(stanza())
    const same = parseDocument(wire.text())
    assert.deepEqual({ ...same.attrs }, { type: 'chat', to: 'juliet@example.org', id: '1' })
    assert.equal(same.getChildText('body'), 'a & b')
    assert.deepEqual(
      { ...parseDocument(wire.textTo('nurse@example.org/x')).attrs },
      { type: 'chat', to: 'nurse@example.org/x', id: '1' },
    )
    assert.equal(wire.text(), wire.textTo('juliet@example.org'))
  })

  it('escapes the address', () => {
    const to = `d'artagnan&"<x>@example.org`
    assert.equal(parseDocument(Wire.of(stanza()).textTo(to)).attrs['to'], to)
  })

  it('adds an address where there is none', () => {
    const wire = Wire.of(parseDocument('<presence/>'))
    assert.equal(wire.text(), '<presence/>')
    assert.equal(wire.textTo('a@b'), '<presence to="a@b"/>')
    assert.equal(wire.text(), '<presence/>')
  })

  it('leaves the addresses inside alone', () => {
    const wire = Wire.of(parseDocument("<message to='a'><forwarded xmlns='f'><message to='b'/></forwarded></message>"))
    assert.equal(wire.textTo('c'), '<message to="c"><forwarded xmlns="f"><message to="b"/></forwarded></message>')
  })

  it('knows what it carries', () => {
    assert.deepEqual(
      [Wire.of(stanza()).name, Wire.of(stanza()).type, Wire.of(xml('iq')).type],
      ['message', 'chat', undefined],
    )
  })

  it('is rendered once', () => {
    const element = stanza()
    const wire = Wire.of(element)
    const before = wire.text()
    element.attrs['id'] = '2'
    assert.equal(wire.text(), before)
  })
})
