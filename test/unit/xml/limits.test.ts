import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ParserLimits } from '../../../src/xml/limits.ts'
import { liveLimits, preAuthLimits } from '../../../src/xml/limits.ts'
import { StreamParser } from '../../../src/xml/parser.ts'
import { cuts, header, noLimits, read } from './reading.ts'

/** Limits that let the header through and then only so much. */
function after(stanza: string | Uint8Array, limits: ParserLimits): string[] {
  const outcomes = new Set<string>()
  for (const [, chunks] of cuts(stanza)) {
    const { stanzas, errors } = limited(chunks, limits)
    outcomes.add(errors[0] ?? `${stanzas} stanzas`)
  }
  return [...outcomes]
}

function limited(chunks: Uint8Array[], limits: ParserLimits): { stanzas: number; errors: string[] } {
  let stanzas = 0
  const errors: string[] = []
  const parser = new StreamParser(
    { onOpen() {}, onStanza: () => stanzas++, onEnd() {}, onError: (e) => errors.push(e.condition) },
    noLimits,
  )
  parser.write(Buffer.from(header))
  parser.setLimits(limits)
  for (const chunk of chunks) parser.write(chunk)
  return { stanzas, errors }
}

// RFC 6120 §4.9.3.14
const policy = ['policy-violation']

describe('limits hold while reading', () => {
  it('bytes: the limit is allowed, one more is not', () => {
    for (const stanza of [
      "<a b='0123456789'/>",
      '<a>0123456789</a>',
      '<a><b/><![CDATA[x]]></a>',
      '<a>é😀</a>',
      '<é/>',
      "<a b='é&amp;😀'/>",
    ]) {
      const bytes = Buffer.byteLength(stanza)
      assert.deepEqual(after(stanza, { ...noLimits, bytes }), ['1 stanzas'], stanza)
      assert.deepEqual(after(stanza, { ...noLimits, bytes: bytes - 1 }), policy, stanza)
    }
  })

  it('bytes: each stanza is counted alone, and white space between them is free', () => {
    assert.deepEqual(after(`<a/>${' '.repeat(50)}<b/>\n<c>é</c>   `, { ...noLimits, bytes: 9 }), ['3 stanzas'])
    assert.deepEqual(after('<a/> <b/> <c>éé</c>', { ...noLimits, bytes: 9 }), policy)
  })

  it('bytes: a token without an end is cut at the limit', () => {
    for (const begin of ["<a b='", '<a>', '<a', '<a><![CDATA[', '<a ', '</', "<a b='é", '<a>é']) {
      const text = begin.padEnd(41, 'x')
      const { errors } = limited(
        Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte)),
        { ...noLimits, bytes: 40 },
      )
      assert.notDeepEqual(errors, [], begin)
      if (begin !== '</') assert.deepEqual(errors, policy, begin)
    }
    const { errors } = limited([Buffer.from(`<a b='${'x'.repeat(1 << 20)}`)], liveLimits)
    assert.deepEqual(errors, policy)
  })

  it('bytes: the header and the declaration are limited', () => {
    const long = header.replace('to=', `x='${'y'.repeat(9000)}' to=`)
    for (const size of [1, 100, 100_000]) {
      const bytes = Buffer.from(long)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      assert.deepEqual(read(chunks, preAuthLimits).errors, policy)
    }
  })

  it('depth: the limit is allowed, one more is not', () => {
    const nested = (levels: number) => '<a>'.repeat(levels) + '</a>'.repeat(levels)
    assert.deepEqual(after(nested(5) + nested(5), { ...noLimits, depth: 5 }), ['2 stanzas'])
    assert.deepEqual(after(nested(6), { ...noLimits, depth: 5 }), policy)
    assert.deepEqual(after('<a><b/></a>', { ...noLimits, depth: 1 }), policy)
  })

  it('elements: the limit is allowed, one more is not', () => {
    assert.deepEqual(after('<a><b/><c/></a><a><b/><c/></a>', { ...noLimits, elements: 3 }), ['2 stanzas'])
    assert.deepEqual(after('<a><b/><c/><d/></a>', { ...noLimits, elements: 3 }), policy)
  })

  it('attributes: declarations count', () => {
    assert.deepEqual(after("<a b='' xmlns='u' xmlns:c='v'><d e=''/></a>", { ...noLimits, attributes: 3 }), [
      '1 stanzas',
    ])
    assert.deepEqual(after("<a b='' xmlns='u' xmlns:c='v' d=''/>", { ...noLimits, attributes: 3 }), policy)
  })

  it('bytes: what namespaces declared once would add to many elements counts as well', () => {
    const namespace = `urn:${'n'.repeat(96)}`
    for (const [declaration, many] of [
      [`xmlns:p='${namespace}'`, '<p:a/>'],
      [`xmlns:p='${namespace}'`, "<a p:b=''/>"],
      [`xmlns='${namespace}' xmlns:p='urn:p'`, '<p:a><b/></p:a>'],
    ] as const) {
      assert.deepEqual(after(`<m ${declaration}>${many.repeat(5)}</m>`, { ...noLimits, bytes: 1000 }), ['1 stanzas'])
      assert.deepEqual(after(`<m ${declaration}>${many.repeat(12)}</m>`, { ...noLimits, bytes: 1000 }), policy, many)
      const short = `<m ${declaration}>${many.repeat(5)}</m>`
      assert.deepEqual(after(short.repeat(2), { ...noLimits, bytes: 1000 }), ['2 stanzas'], 'each stanza alone')
    }
  })

  it('0 is none', () => {
    const stanza = `${'<a>'.repeat(3000)}${'<b/>'.repeat(20_000)}${'</a>'.repeat(3000)}`
    assert.deepEqual(limited([Buffer.from(stanza)], noLimits), { stanzas: 1, errors: [] })
  })

  it('the document framing has them too', () => {
    const options = { framing: 'document' } as const
    assert.deepEqual(read(['<a>é</a>'], { ...noLimits, bytes: 9 }, options).errors, [])
    assert.deepEqual(read(['<a>é</a>'], { ...noLimits, bytes: 8 }, options).errors, policy)
    assert.deepEqual(read(['<a><b/></a>'], { ...noLimits, depth: 2 }, options).errors, [])
    assert.deepEqual(read(['<a><b/></a>'], { ...noLimits, depth: 1 }, options).errors, policy)
  })
})
