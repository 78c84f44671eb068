import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { liveLimits, preAuthLimits } from '../../../src/xml/limits.ts'
import { NS } from '../../../src/xml/namespaces.ts'
import { type ParserTarget, parseDocument, StreamParser } from '../../../src/xml/parser.ts'
import { serialize } from '../../../src/xml/wire.ts'
import { cuts, header, read, trailer } from './reading.ts'

/** A parser whose target does as it is told with each stanza. */
function reader(onStanza: (name: string, parser: StreamParser) => void) {
  const told: string[] = []
  const target: ParserTarget = {
    onOpen: () => told.push('open'),
    onStanza: (element) => {
      told.push(element.name)
      onStanza(element.name, parser)
    },
    onEnd: () => told.push('end'),
    onError: (error) => told.push(error.condition),
  }
  const parser: StreamParser = new StreamParser(target, liveLimits)
  return { parser, told, write: (text: string) => parser.write(Buffer.from(text)) }
}

describe('a stream', () => {
  it('is the same however it is cut, over the borders of characters too', () => {
    const body =
      '<message to="a&amp;b"><body>é 😀 \u{10ffff} &lt;&#x1F600;\r\n]] <![CDATA[<x>]]]]> ]</body></message>\n<iq/>'
    for (const [cut, chunks] of cuts(`\ufeff<?xml version='1.0' encoding="utf-8"?>\n${header}${body}${trailer}`)) {
      const { root, stanzas, ended, errors } = read(chunks)
      assert.deepEqual(errors, [], cut)
      assert.equal(root?.attrs['to'], 'example.org', cut)
      assert.deepEqual(
        stanzas.map((stanza) => stanza.name),
        ['message', 'iq'],
        cut,
      )
      assert.equal(stanzas[0]?.attrs['to'], 'a&b', cut)
      assert.deepEqual(stanzas[0]?.getChild('body')?.children, ['é 😀 \u{10ffff} <😀\n]] <x>]] ]'], cut)
      assert.ok(ended, cut)
    }
  })

  it('gives its header as it was written', () => {
    const text = `<?xml version='1.0'?><s:stream xmlns:s='${NS.streams}' xmlns='jabber:server' from='a' xml:lang='de' id='1' version='1.0'>`
    assert.deepEqual(
      { ...read([text]).root?.attrs },
      { 'xmlns:s': NS.streams, xmlns: 'jabber:server', from: 'a', 'xml:lang': 'de', id: '1', version: '1.0' },
    )
  })

  it('without a content namespace says so', () => {
    assert.equal(read([`<stream:stream xmlns:stream='${NS.streams}'>`]).root?.attrs['xmlns'], undefined)
  })

  it('that ends with its header ends', () => {
    for (const [cut, chunks] of cuts(`${header.replace('>', '/>')} x`)) assert.ok(read(chunks).ended, cut)
  })

  it('is not read after its end (RFC 6120 §4.4)', () => {
    const { ended, stanzas, errors } = read([`${header}${trailer}<a/>`, '<b/>', '\0'])
    assert.deepEqual([ended, stanzas.length, errors.length], [true, 0, 0])
  })

  it('is not read after an error', () => {
    const { stanzas, errors } = read([`${header}<a/><b></c><d/>`, '<e/>', '</f>'])
    assert.deepEqual([stanzas.map((stanza) => stanza.name), errors], [['a'], ['not-well-formed']])
  })

  it('takes white space between stanzas for a sign of life (RFC 6120 §4.6.1)', () => {
    const { stanzas, errors } = read([header, ' ', '\n', '<a/>', ' \r\n\t', '<b/>', ' ', trailer], {
      ...liveLimits,
      bytes: 150,
    })
    assert.deepEqual([stanzas.length, errors.length], [2, 0])
  })

  it('stays linear when a megabyte comes in small pieces', () => {
    const text = `${header}<a b='${'x'.repeat(1 << 20)}'>${'y'.repeat(1 << 20)}<![CDATA[${'>'.repeat(1 << 20)}]]></a>`
    const bytes = Buffer.from(text)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => bytes.subarray(i * 16, i * 16 + 16))
    const before = process.cpuUsage()
    const { stanzas } = read(chunks, undefined, {}, false)
    const { user } = process.cpuUsage(before)
    assert.equal(stanzas[0]?.getText().length, 2 << 20)
    // Quadratic, this would copy some hundred gigabytes.
    assert.ok(user < 5_000_000, `${user} µs`)
  })
})

describe('pause and resume', () => {
  it('hold back everything after the present stanza', () => {
    const { told, write, parser } = reader((name, p) => {
      if (name === 'b') p.pause()
    })
    write(`${header}<a/><b/><c/><d`)
    write('/><e/>')
    assert.deepEqual(told, ['open', 'a', 'b'])
    parser.resume()
    assert.deepEqual(told, ['open', 'a', 'b', 'c', 'd', 'e'])
  })

  it('hold back errors', () => {
    const { told, write, parser } = reader((_, p) => p.pause())
    write(`${header}<a/><b>\0`)
    assert.deepEqual(told, ['open', 'a'])
    parser.resume()
    assert.deepEqual(told, ['open', 'a', 'not-well-formed'])
  })

  it('in one call change nothing', () => {
    const { told, write } = reader((_, p) => {
      p.pause()
      p.resume()
    })
    write(`${header}<a/><b/>`)
    assert.deepEqual(told, ['open', 'a', 'b'])
  })
})

describe('stop', () => {
  it('returns what nobody was told about, byte for byte, and says nothing more', () => {
    const rest = Buffer.concat([Buffer.from(' <é/><x'), Buffer.from([0xff, 0x00, 0xe2])])
    let stopped: Uint8Array | undefined
    const { told, parser } = reader((name, p) => {
      if (name === 'starttls') stopped = p.stop()
    })
    parser.write(Buffer.concat([Buffer.from(`${header}<starttls/>`), rest]))
    parser.write(Buffer.from('<more/>'))
    parser.end()
    assert.deepEqual(told, ['open', 'starttls'])
    assert.deepEqual(Buffer.from(stopped!), rest)
    assert.equal(parser.dead, true)
    assert.equal(parser.stop().length, 0)
  })

  it('returns what is incomplete and what waits', () => {
    const { parser, write } = reader((_, p) => p.pause())
    write(`${header}<a/><b c='`)
    write("d'/>")
    assert.equal(Buffer.from(parser.stop()).toString(), "<b c='d'/>")
    const other = reader(() => {})
    other.parser.write(Buffer.concat([Buffer.from(`${header}<a b='é`), Uint8Array.of(0xf0, 0x9f)]))
    assert.deepEqual(
      Buffer.from(other.parser.stop()),
      Buffer.concat([Buffer.from("<a b='é"), Uint8Array.of(0xf0, 0x9f)]),
    )
  })

  it('lets a new stream begin from inside the old one', () => {
    const told: string[] = []
    const target = (name: string): ParserTarget => ({
      onOpen: () => told.push(`${name} open`),
      onStanza: (element) => {
        told.push(`${name} ${element.name}`)
        if (element.name !== 'auth') return
        const rest = first.stop()
        new StreamParser(target('second'), liveLimits).write(rest)
      },
      onEnd: () => told.push(`${name} end`),
      onError: (error) => told.push(`${name} ${error.condition}`),
    })
    const first: StreamParser = new StreamParser(target('first'), preAuthLimits)
    first.write(Buffer.from(`${header}<auth/><?xml version='1.0'?>${header}<iq/>${trailer}`))
    assert.deepEqual(told, ['first open', 'first auth', 'second open', 'second iq', 'second end'])
  })

  it('inside onError and onEnd does no harm', () => {
    for (const input of ['x', trailer]) {
      const parser: StreamParser = new StreamParser(
        { onOpen() {}, onStanza() {}, onEnd: () => void parser.stop(), onError: () => void parser.stop() },
        liveLimits,
      )
      parser.write(Buffer.from(header + input))
      assert.equal(parser.dead, true)
    }
  })
})

it('what a target throws reaches the one who wrote, and the stream can go on', () => {
  const { told, write } = reader((name) => {
    if (name === 'a') throw new Error('a bug')
  })
  assert.throws(() => write(`${header}<a/><b/>`), /a bug/)
  write('<c/>')
  assert.deepEqual(told, ['open', 'a', 'b', 'c'])
})

it('a document is given in the form it has in a stream of clients', () => {
  assert.equal(
    serialize(parseDocument("<?xml version='1.0'?>\n<message xmlns='jabber:client'><a xmlns=''/></message>\n")),
    '<message><a xmlns=""/></message>',
  )
  assert.equal(serialize(parseDocument(Buffer.from('\ufeff<a>é</a>'))), '<a>é</a>')
  const { stanzas, errors } = read(['<a/>'], undefined, { framing: 'document', namespace: 'urn:a' })
  assert.deepEqual([stanzas.length, errors.length], [1, 0])
})
