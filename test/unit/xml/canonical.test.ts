import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serialize } from '../../../src/xml/wire.ts'
import { plainOf, secondOpinion, secondOpinionOfStanza } from '../../fuzz/second-opinion.ts'
import { header, read, trailer } from './reading.ts'

const streams = 'http://etherx.jabber.org/streams'

/** What comes in, and how the tree it becomes is written. */
const rows: [title: string, source: string, tree: string][] = [
  ['a stanza of the stream', "<message to='a'><body>b</body></message>", '<message to="a"><body>b</body></message>'],
  ['a declaration that says nothing new', "<message xmlns='jabber:client' to='a'/>", '<message to="a"/>'],
  ['the same deeper', "<a xmlns='u'><b xmlns='u'/></a>", '<a xmlns="u"><b/></a>'],
  ['a foreign payload', "<iq><query xmlns='u'><item/></query></iq>", '<iq><query xmlns="u"><item/></query></iq>'],
  [
    'a foreign payload by prefix',
    "<iq><p:query xmlns:p='u'><p:item/></p:query></iq>",
    '<iq><query xmlns="u"><item/></query></iq>',
  ],
  ['back in the stream', "<a xmlns='u'><b xmlns='jabber:client'/></a>", '<a xmlns="u"><b xmlns="jabber:client"/></a>'],
  ['unprefixed in prefixed', "<p:a xmlns:p='u'><b/></p:a>", '<a xmlns="u"><b xmlns="jabber:client"/></a>'],
  ['prefixed in default of the same', "<a xmlns='u' xmlns:p='u'><p:b/></a>", '<a xmlns="u"><b/></a>'],
  ['a default that only children use', "<p:a xmlns:p='u' xmlns='v'><b/></p:a>", '<a xmlns="u"><b xmlns="v"/></a>'],
  ['a default that the prefix equals', "<p:a xmlns:p='jabber:client' xmlns='v'><b/></p:a>", '<a><b xmlns="v"/></a>'],
  ['a prefix given anew', "<p:a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></p:a>", '<a xmlns="u"><b xmlns="v"/><c/></a>'],
  ['no namespace', "<a><b xmlns=''><c/></b></a>", '<a><b xmlns=""><c/></b></a>'],
  ['no namespace at the top', "<a xmlns=''/>", '<a xmlns=""/>'],
  ['a declaration nobody uses', "<a xmlns:p='u' b='c'/>", '<a b="c"/>'],
  ['xml declared', "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='de'/>", '<a xml:lang="de"/>'],
  ['a prefixed attribute', "<a xmlns:p='u' p:b='1'/>", '<a p:b="1" xmlns:p="u"/>'],
  ['one whose declaration is outside', "<a xmlns:p='u'><b p:c='1'/></a>", '<a><b p:c="1" xmlns:p="u"/></a>'],
  [
    'two of two namespaces',
    "<a xmlns:p='u' xmlns:q='v' p:b='1' q:b='2' b='3'/>",
    '<a p:b="1" q:b="2" b="3" xmlns:p="u" xmlns:q="v"/>',
  ],
  ['a prefix of the stream header', "<d:x d:y='1'/>", '<x d:y="1" xmlns="urn:dialback" xmlns:d="urn:dialback"/>'],
  ['an element of the stream', '<stream:features/>', `<features xmlns="${streams}"/>`],
  [
    'a stream error',
    "<stream:error><reset xmlns='urn:e'/></stream:error>",
    `<error xmlns="${streams}"><reset xmlns="urn:e"/></error>`,
  ],
  ['text and CDATA are one', '<a>b<![CDATA[<c>]]>d&#33;</a>', '<a>b&lt;c&gt;d!</a>'],
  ['empty CDATA is nothing', '<a><![CDATA[]]></a>', '<a/>'],
  ['line ends', '<a>b\r\nc\rd\ne&#13;</a>', '<a>b\nc\nd\ne&#xD;</a>'],
  ['white space in a value', "<a b='1\t2\n3\r\n4&#9;5&#10;6'/>", '<a b="1 2 3 4&#x9;5&#xA;6"/>'],
  ['quotes and brackets', `<a b='"&apos;>&lt;&amp;'>"'&gt;</a>`, `<a b="&quot;&apos;&gt;&lt;&amp;">"'&gt;</a>`],
  ['no reference is read twice', '<a b="&amp;lt;">&amp;amp;&#38;lt;</a>', '<a b="&amp;lt;">&amp;amp;&amp;lt;</a>'],
  ['brackets by reference', '<a>]]&gt; &#93;]></a>', '<a>]]&gt; ]]&gt;</a>'],
  ['a CDATA section that ends in brackets', '<a><![CDATA[]]]]></a>', '<a>]]</a>'],
  ['a bracket apart from the rest', '<a>]]&#62;<![CDATA[]]]]><![CDATA[>]]></a>', '<a>]]&gt;]]&gt;</a>'],
  ['names of other scripts', '<\u0436\u00b7-.1 \u540d="\u00fc"/>', '<\u0436\u00b7-.1 \u540d="\u00fc"/>'],
  [
    'names of methods',
    "<constructor toString='1' hasOwnProperty='2'/>",
    '<constructor toString="1" hasOwnProperty="2"/>',
  ],
  ['space in tags', "<a\n b = '1'\t></a\r\n>", '<a b="1"/>'],
  ['> in a value and in text', "<a b='>'>></a>", '<a b="&gt;">&gt;</a>'],
]

describe('a tree in the program’s form', () => {
  const withDialback = header.replace('>', " xmlns:d='urn:dialback'>")
  for (const [title, source, tree] of rows)
    it(`${title}: ${source}`, () => {
      const { stanzas, errors } = read([withDialback, source, trailer])
      assert.deepEqual(errors, [])
      const [stanza] = stanzas
      assert.equal(serialize(stanza!), tree)
      assert.equal(stanza!.parent, null)
      // The second parser reads the same from what came in, and from what would go out.
      const seen = secondOpinion(`${withDialback}${source}${trailer}`).children[0]
      assert.deepEqual(plainOf(stanza!), seen)
      assert.deepEqual(secondOpinionOfStanza(serialize(stanza!)), seen)
    })

  it('links children to their parents', () => {
    const [stanza] = read([header, '<a><b><c/></b></a>']).stanzas
    const b = stanza!.getChild('b')!
    assert.equal(b.parent, stanza)
    assert.equal(b.getChild('c')!.parent, b)
  })
})

// What is accepted, written again, is well-formed and the same to another parser.
describe('smuggling', () => {
  const hostile = [
    '<message><body>&lt;/body>&lt;/message>&lt;presence/></body></message>',
    "<message><body><![CDATA[</body></message><iq type='set'/>]]></body></message>",
    "<message id='&quot;/>&lt;iq/>' to='&apos;&#x3c;!--'/>",
    "<message id='&#10;&#13;&#9;'><body>&#13;&#10;</body></message>",
    '<message><body>]]&gt;<![CDATA[ ]] > ]]]]><![CDATA[>]]></body></message>',
    "<message><x xmlns='a&quot; b=&quot;c'/></message>",
    "<message><x xmlns:p='a&quot;&gt;&lt;/x&gt;' p:y='&amp;'/></message>",
    "<message><p:x xmlns:p='&amp;lt;'/></message>",
    "<p:message xmlns:p='jabber:client'><p:body>x</p:body></p:message>",
    "<message xmlns:stream='urn:other'><stream:error/></message>",
    "<message><x xmlns='urn:x'><message xmlns='jabber:client'/></x></message>",
    "<message><body xmlns:a='u' xmlns:b='u' a:c='1'>x</body></message>",
    "<message xmlns:xmlnsx='u' xmlnsx:a='1'/>",
    '<message><body>\u2028\u0085\u00a0\ufeff&#x2028;&#x85;</body></message>',
    "<message><x xmlns=' '/></message>",
    "<message><x xmlns='jabber:client '/></message>",
    "<a xmlns='http://etherx.jabber.org/streams#'/>",
  ]
  for (const source of hostile)
    it(source, () => {
      const { stanzas, errors } = read([header, source, trailer])
      assert.deepEqual(errors, [])
      assert.equal(stanzas.length, 1)
      const seen = secondOpinion(`${header}${source}${trailer}`).children[0]
      const text = serialize(stanzas[0]!)
      assert.deepEqual(secondOpinionOfStanza(text), seen)
      assert.equal(serialize(read([header, text]).stanzas[0]!), text)
    })
})
