import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDocument, type XmlCondition, XmlError } from '../../../src/xml/parser.ts'
import { cuts, header, read, trailer } from './reading.ts'

type Row = [title: string, body: string | Uint8Array, condition: XmlCondition]

const bytes = (...parts: (number[] | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)))

/** What stands between a good header and a good trailer. */
const inStream: Row[] = [
  // RFC 6120 §11.1, §4.9.3.18
  ['a comment', '<a><!-- x --></a>', 'restricted-xml'],
  ['a comment between stanzas', '<!-- x -->', 'restricted-xml'],
  ['a processing instruction', '<a><?php x ?></a>', 'restricted-xml'],
  ['a stylesheet', '<?xml-stylesheet href="x"?>', 'restricted-xml'],
  ['a very short processing instruction', '<?a?>', 'restricted-xml'],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]>', 'restricted-xml'],
  ['a document type in a stanza', '<a><!DOCTYPE a></a>', 'restricted-xml'],
  ['an entity declaration', '<!ENTITY b "c">', 'restricted-xml'],
  ['an entity in text', '<a>&nbsp;</a>', 'restricted-xml'],
  ['an entity in an attribute', "<a b='&lol;'/>", 'restricted-xml'],
  // RFC 6120 §11.3, §4.9.3.13
  ['a stray ampersand', '<a>b & c; d</a>', 'not-well-formed'],
  ['an ampersand without an end', '<a>b &amp</a>', 'not-well-formed'],
  ['an endless reference', `<a>&#${'0'.repeat(100)}65;</a>`, 'not-well-formed'],
  ['an empty reference', '<a>&;</a>', 'not-well-formed'],
  ['an upper-case hexadecimal mark', '<a>&#X41;</a>', 'not-well-formed'],
  ['a reference to nothing', '<a>&#;</a>', 'not-well-formed'],
  ['a reference to NUL', '<a>&#0;</a>', 'not-well-formed'],
  ['a reference to a control character', '<a>&#x1b;</a>', 'not-well-formed'],
  ['a reference to a surrogate', '<a>&#xD800;</a>', 'not-well-formed'],
  ['a reference to U+FFFE', '<a>&#xFFFE;</a>', 'not-well-formed'],
  ['a reference past Unicode', "<a b='&#x110000;'/>", 'not-well-formed'],
  ['a huge reference', '<a>&#99999999999999999999;</a>', 'not-well-formed'],
  ['NUL', '<a>\0</a>', 'not-well-formed'],
  ['a control character in text', '<a>\x0b</a>', 'not-well-formed'],
  ['a control character in an attribute', "<a b='\x1f'/>", 'not-well-formed'],
  ['a control character in CDATA', '<a><![CDATA[\x01]]></a>', 'not-well-formed'],
  ['U+FFFF', '<a>\uffff</a>', 'not-well-formed'],
  ['U+FFFE in an attribute', "<a b='\ufffe'/>", 'not-well-formed'],
  [']]> in text', '<a>b ]]> c</a>', 'not-well-formed'],
  [']]> in text after CDATA', '<a><![CDATA[b]]>]]></a>', 'not-well-formed'],
  ['a CDATA section in lower case', '<a><![cdata[b]]></a>', 'not-well-formed'],
  ['a section that is not CDATA', '<a><![INCLUDE[b]]></a>', 'not-well-formed'],
  ['nothing after <!', '<a><!></a>', 'not-well-formed'],
  ['a closing tag that does not fit', '<a><b></a></b>', 'not-well-formed'],
  ['a closing tag in another case', '<a></A>', 'not-well-formed'],
  ['a closing tag that is longer', '<a></ab>', 'not-well-formed'],
  ['a closing tag that is shorter', '<ab></a>', 'not-well-formed'],
  ['a closing tag with an attribute', "<a></a b='c'>", 'not-well-formed'],
  ['a closing tag with a space first', '<a></ a>', 'not-well-formed'],
  ['a closing tag of nothing', '</a>', 'not-well-formed'],
  ['a closing tag with another prefix of the same namespace', "<p:a xmlns:p='u' xmlns:q='u'></q:a>", 'not-well-formed'],
  ['an attribute twice', "<a b='1' b='2'/>", 'not-well-formed'],
  ['an attribute named like a method twice', "<a toString='1' toString='2'/>", 'not-well-formed'],
  ['an attribute twice by expanded name', "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", 'not-well-formed'],
  ['xmlns twice', "<a xmlns='u' xmlns='u'/>", 'not-well-formed'],
  ['a declaration twice', "<a xmlns:p='u' xmlns:p='v'/>", 'not-well-formed'],
  ['xml:lang twice', "<a xml:lang='en' xml:lang='de'/>", 'not-well-formed'],
  ['an attribute without a value', '<a b/>', 'not-well-formed'],
  ['an attribute without quotes', '<a b=c/>', 'not-well-formed'],
  ['an attribute with mixed quotes', `<a b='c"/><d e='`, 'not-well-formed'],
  ['< in an attribute', "<a b='<'/>", 'not-well-formed'],
  ['< in an attribute that does not end', "<a b='<c/>", 'not-well-formed'],
  ['no space between attributes', "<a b='c'd='e'/>", 'not-well-formed'],
  ['a slash in a tag', "<a / b='c'>", 'not-well-formed'],
  ['a slash apart from its bracket', '<a/ >', 'not-well-formed'],
  ['a quote in a tag', '<a "b">', 'not-well-formed'],
  ['a tag in a tag', '<a <b>', 'not-well-formed'],
  ['an empty tag', '<></>', 'not-well-formed'],
  ['a space before the name', '< a/>', 'not-well-formed'],
  ['a name that begins with a digit', '<1a/>', 'not-well-formed'],
  ['a name that begins with a hyphen', '<-a/>', 'not-well-formed'],
  ['a name with a forbidden letter', '<a\u00d7/>', 'not-well-formed'],
  ['a name that begins with a combining mark', '<\u0301a/>', 'not-well-formed'],
  ['an attribute name that begins with a dot', "<a .b='c'/>", 'not-well-formed'],
  ['a name with an ampersand', '<a&amp;b/>', 'not-well-formed'],
  // Namespaces in XML 1.0
  ['an undeclared prefix of an element', '<p:a/>', 'not-well-formed'],
  ['an undeclared prefix of an attribute', "<a p:b='c'/>", 'not-well-formed'],
  ['a prefix declared elsewhere', "<a><b xmlns:p='u'/><p:c/></a>", 'not-well-formed'],
  ['an empty prefix', "<:a xmlns:p='u'/>", 'not-well-formed'],
  ['an empty local name', "<p: xmlns:p='u'/>", 'not-well-formed'],
  ['two colons', "<p:a:b xmlns:p='u'/>", 'not-well-formed'],
  ['a local name that begins with a digit', "<p:1 xmlns:p='u'/>", 'not-well-formed'],
  ['a prefix undeclared', "<p:a xmlns:p='u'><b xmlns:p=''/></p:a>", 'not-well-formed'],
  ['xmlns: with nothing after it', "<a xmlns:='u'/>", 'not-well-formed'],
  ['the prefix xmlns declared', "<a xmlns:xmlns='u'/>", 'not-well-formed'],
  ['the prefix xml declared as another', "<a xmlns:xml='u'/>", 'not-well-formed'],
  ['another prefix for xml', "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", 'not-well-formed'],
  ['a prefix for the namespace of xmlns', "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", 'not-well-formed'],
  ['the namespace of xml as default', "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 'not-well-formed'],
  ['the namespace of xmlns as default', "<a xmlns='http://www.w3.org/2000/xmlns/'/>", 'not-well-formed'],
  ['an element with the prefix xmlns', '<xmlns:a/>', 'not-well-formed'],
  ['an element with the prefix xml', '<xml:a/>', 'bad-namespace-prefix'],
  // Names that are dangerous as keys
  ['an attribute named __proto__', "<a __proto__='b'/>", 'not-well-formed'],
  ['an element named __proto__', '<__proto__/>', 'not-well-formed'],
  ['a prefix named like it', "<p:__proto__ xmlns:p='u'/>", 'not-well-formed'],
  // RFC 6120 §4.9.3.22
  ['a byte that is never UTF-8', bytes('<a>', [0xff], '</a>'), 'unsupported-encoding'],
  ['a continuation alone', bytes('<a>', [0x80], '</a>'), 'unsupported-encoding'],
  ['an overlong form', bytes('<a>', [0xc0, 0xaf], '</a>'), 'unsupported-encoding'],
  ['an overlong form of three bytes', bytes('<a>', [0xe0, 0x80, 0xaf], '</a>'), 'unsupported-encoding'],
  ['a surrogate', bytes('<a>', [0xed, 0xa0, 0x80], '</a>'), 'unsupported-encoding'],
  ['more than Unicode', bytes('<a>', [0xf4, 0x90, 0x80, 0x80], '</a>'), 'unsupported-encoding'],
  ['a character cut short', bytes('<a>', [0xe2, 0x82], '</a>'), 'unsupported-encoding'],
  ['Latin-1 in an attribute', bytes("<a b='", [0xe9], "'/>"), 'unsupported-encoding'],
  // RFC 6120 §4.9.3.1
  ['text between stanzas', '<a/>hello<b/>', 'bad-format'],
  ['a reference between stanzas', '&#32;', 'bad-format'],
  ['CDATA between stanzas', '<![CDATA[ ]]>', 'bad-format'],
  ['a second header', header, 'bad-format'],
  ['a stream in a stanza', '<message><stream:stream/></message>', 'bad-format'],
  ['a stream error in a stanza', '<message><stream:error/></message>', 'bad-format'],
  [
    'an element of the stream by another prefix',
    "<a><b xmlns:s='http://etherx.jabber.org/streams'><s:x/></b></a>",
    'bad-format',
  ],
  [
    'an element of the stream by default namespace',
    "<a><b xmlns='http://etherx.jabber.org/streams'/></a>",
    'bad-format',
  ],
  // Of two errors, the first
  ['an entity and then a control character', "<a b='&c;' \0/>", 'restricted-xml'],
  ['an entity and then what is not UTF-8', bytes("<a b='&c;' ", [0xff], '/>'), 'restricted-xml'],
  // Declarations
  ['a declaration after the header', "<?xml version='1.0'?>", 'not-well-formed'],
  ['a declaration in a stanza', "<a><?xml version='1.0'?></a>", 'not-well-formed'],
]

/** Whole inputs. */
const fromTheStart: Row[] = [
  ['text first', `hello${header}`, 'not-well-formed'],
  ['a space before the declaration', ` <?xml version='1.0'?>${header}`, 'not-well-formed'],
  ['two declarations', `<?xml version='1.0'?><?xml version='1.0'?>${header}`, 'not-well-formed'],
  ['version 1.1', `<?xml version='1.1'?>${header}`, 'not-well-formed'],
  ['a declaration without a version', `<?xml encoding='UTF-8'?>${header}`, 'not-well-formed'],
  ['a declaration with its parts exchanged', `<?xml encoding='UTF-8' version='1.0'?>${header}`, 'not-well-formed'],
  ['a declaration with more', `<?xml version='1.0' more='x'?>${header}`, 'not-well-formed'],
  ['a declaration that does not end', `<?xml version='1.0' >${header}`, 'not-well-formed'],
  ['a very long declaration', `<?xml version='1.0'${' '.repeat(300)}?>${header}`, 'not-well-formed'],
  ['a declaration in upper case', `<?XML version='1.0'?>${header}`, 'restricted-xml'],
  // RFC 6120 §11.6, §4.9.3.22
  ['Latin-1 declared', `<?xml version='1.0' encoding='ISO-8859-1'?>${header}`, 'unsupported-encoding'],
  ['UTF-16 declared', `<?xml version="1.0" encoding="UTF-16"?>${header}`, 'unsupported-encoding'],
  ['UTF-16, little end first', Buffer.from(`\ufeff${header}`, 'utf16le'), 'unsupported-encoding'],
  ['UTF-16, big end first', Buffer.from(`\ufeff${header}`, 'utf16le').swap16(), 'unsupported-encoding'],
  ['two byte order marks', `\ufeff\ufeff${header}`, 'not-well-formed'],
  ['a document type', `<!DOCTYPE stream:stream>${header}`, 'restricted-xml'],
  ['a billion laughs', `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "&c;&c;">]>${header}`, 'restricted-xml'],
  ['a comment', `<!---->${header}`, 'restricted-xml'],
  // RFC 6120 §4.8.1, §4.9.3.10
  ['a root without a namespace', '<stream>', 'invalid-namespace'],
  ['a root of another namespace', "<stream:stream xmlns:stream='http://example.org/streams'>", 'invalid-namespace'],
  ['a stanza without a stream', "<message xmlns='jabber:client'/>", 'invalid-namespace'],
  ['a root with another name', "<stream:flow xmlns:stream='http://etherx.jabber.org/streams'>", 'bad-format'],
  ['a root with an undeclared prefix', '<stream:stream>', 'not-well-formed'],
  ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
  ['a closing tag first', trailer, 'not-well-formed'],
  ['TLS', Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01), 'not-well-formed'],
  ['half a header', header.slice(0, 30), 'not-well-formed'],
  ['a stream without an end', `${header}<a/>`, 'not-well-formed'],
  ['half a stanza', `${header}<a><b/>`, 'not-well-formed'],
  ['half a character', Buffer.concat([Buffer.from(header), Uint8Array.of(0xe2, 0x82)]), 'not-well-formed'],
]

describe('malformed input', () => {
  for (const [title, body, condition] of inStream)
    it(`${title} is ${condition}, however it is cut`, () => {
      const good = Buffer.from('<good/>')
      const input = Buffer.concat([good, Buffer.from(body as string), good, Buffer.from(trailer)])
      for (const [cut, chunks] of cuts(input)) {
        const { errors, stanzas, ended } = read([header, ...chunks])
        assert.deepEqual(errors, [condition], cut)
        assert.equal(stanzas[0]?.name, 'good', cut)
        assert.ok(!stanzas.slice(1).some((stanza) => stanza.name === 'good'), `${cut}: read on`)
        assert.equal(ended, false, cut)
      }
    })

  for (const [title, input, condition] of fromTheStart)
    it(`${title} is ${condition}, however it is cut`, () => {
      for (const [cut, chunks] of cuts(input)) assert.deepEqual(read(chunks).errors, [condition], cut)
    })

  it('is told without waiting for the end of input', () => {
    for (const input of ['<a>\0', '<a>b &nbsp;', '<a><!-', '<a><?p', 'x', "<a b='<", '<!D', '<a></b'])
      assert.equal(read([header, input], undefined, {}, false).errors.length, 1, input)
  })

  it('in a document is thrown', () => {
    const rows: [string, XmlCondition][] = [
      ['', 'not-well-formed'],
      ['  ', 'not-well-formed'],
      ['<a', 'not-well-formed'],
      ['<a>', 'not-well-formed'],
      ['<a/><b/>', 'not-well-formed'],
      ['<a/>x', 'not-well-formed'],
      ['x<a/>', 'not-well-formed'],
      ['<a/><!-- -->', 'restricted-xml'],
      ['<!DOCTYPE a><a/>', 'restricted-xml'],
      ['<a>\ud800</a>', 'not-well-formed'],
      ["<a><b xmlns='http://etherx.jabber.org/streams'/></a>", 'bad-format'],
    ]
    for (const [text, condition] of rows)
      assert.throws(
        () => parseDocument(text),
        (error) => error instanceof XmlError && error.condition === condition,
        text,
      )
  })
})
