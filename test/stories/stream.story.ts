import assert from 'node:assert/strict'
import { story } from '../support/story.ts'

const open = (domain: string, over: Partial<Record<'xmlns' | 'stream' | 'version' | 'tail', string>> = {}) =>
  `<?xml version='1.0'?><stream:stream xmlns='${over.xmlns ?? 'jabber:client'}' xmlns:stream='${over.stream ?? 'http://etherx.jabber.org/streams'}' to='${domain}'${over.version ?? " version='1.0'"}${over.tail ?? ''}>`

const noHeader = 'a stream begins with a request there, and its answer'

story(
  'A stream is answered with a header of the server’s own and features // RFC 6120 §4.7',
  async (s) => {
    const client = await s.connects()
    const features = await client.opens(s.domain, `xml:lang='de' from='romeo@${s.domain}'`)
    const { id, from, to, version, xmlns, 'xml:lang': language } = client.header!.attrs
    assert.deepEqual(
      { from, to, version, xmlns, language },
      { from: s.domain, to: `romeo@${s.domain}`, version: '1.0', xmlns: 'jabber:client', language: 'en' },
    )
    assert.match(id!, /^[\w-]{22}$/)
    assert.ok(features.getChild('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl'))
    const other = await s.connects()
    await other.opens(s.domain)
    assert.notEqual(other.header!.attrs['id'], id)
  },
  { notOn: { bosh: noHeader } },
)

/** What only a header that is no element of its own can be (RFC 7395 §3.4). */
const tcpOnly = { notOn: { bosh: noHeader, websocket: 'a stream begins with <open/> there' } }
const headerOnly = { notOn: { bosh: noHeader } }
const badXml = { notOn: { bosh: 'a request that is no XML is a bad-request there' } }

const headers: readonly [string, string, (domain: string) => string, object?][] = [
  ['a domain that is not served // RFC 6120 §4.9.3.6', 'host-unknown', () => open('elsewhere.example')],
  ['an address with a localpart // RFC 6120 §4.9.3.6', 'host-unknown', (d) => open(`romeo@${d}`)],
  ['no `to` // RFC 6120 §4.9.3.6', 'host-unknown', (d) => open(d).replace(/ to='[^']*'/, ''), headerOnly],
  [
    'another content namespace // RFC 6120 §4.9.3.10',
    'invalid-namespace',
    (d) => open(d, { xmlns: 'jabber:wrong' }),
    tcpOnly,
  ],
  [
    'another stream namespace // RFC 6120 §4.9.3.10',
    'invalid-namespace',
    (d) => open(d, { stream: 'urn:wrong' }),
    tcpOnly,
  ],
  ['version 0.9 // RFC 6120 §4.9.3.25', 'unsupported-version', (d) => open(d, { version: " version='0.9'" })],
  ['no version // RFC 6120 §4.9.3.25', 'unsupported-version', (d) => open(d, { version: '' }), headerOnly],
  [
    'another root element // RFC 6120 §4.9.3.1',
    'bad-format',
    () => `<stream:flow xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`,
    tcpOnly,
  ],
  ['a comment // RFC 6120 §4.9.3.18', 'restricted-xml', (d) => `${open(d)}<!-- hello -->`, badXml],
  [
    'a DTD // RFC 6120 §4.9.3.18',
    'restricted-xml',
    () => `<?xml version='1.0'?><!DOCTYPE stream [<!ENTITY a "b">]>`,
    badXml,
  ],
  ['a processing instruction // RFC 6120 §4.9.3.18', 'restricted-xml', (d) => `${open(d)}<?php ?>`, badXml],
  ['an entity of its own // RFC 6120 §4.9.3.18', 'restricted-xml', (d) => `${open(d)}<auth>&hello;</auth>`, badXml],
  ['tags that do not match // RFC 6120 §4.9.3.13', 'not-well-formed', (d) => `${open(d)}<message></presence>`, badXml],
  ['an undeclared prefix // RFC 6120 §4.9.3.13', 'not-well-formed', (d) => `${open(d)}<who:am/>`, badXml],
  [
    'another encoding // RFC 6120 §4.9.3.22',
    'unsupported-encoding',
    (d) => open(d).replace("version='1.0'", "version='1.0' encoding='ISO-8859-1'"),
    badXml,
  ],
  [
    'a stanza before login // RFC 6120 §4.9.3.12',
    'not-authorized',
    (d) => `${open(d)}<message to='romeo@${d}'><body>hi</body></message>`,
  ],
  [
    'more than 8 KiB before login // RFC 6120 §4.9.3.14',
    'policy-violation',
    (d) => `${open(d)}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${'A'.repeat(12_000)}`,
  ],
  [
    'more than 32 elements before login // RFC 6120 §4.9.3.14',
    'policy-violation',
    (d) => `${open(d)}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${'<a/>'.repeat(40)}</auth>`,
  ],
]
for (const [what, condition, text, options] of headers)
  story(
    `${what} ends the stream with ${condition}`,
    async (s) => {
      const client = await s.connects()
      client.send(text(s.domain))
      let next = await client.next()
      if (next.name === 'features') next = await client.next()
      assert.equal(next.name, 'error')
      assert.ok(next.getChild(condition, 'urn:ietf:params:xml:ns:xmpp-streams'), `expected ${condition}, got ${next}`)
      assert.equal(client.header?.attrs['version'], '1.0', 'the error follows a header')
      await client.ends()
    },
    options,
  )

story(
  'Bytes that are not UTF-8 end the stream // RFC 6120 §4.9.3.22',
  async (s) => {
    const romeo = await s.login('romeo')
    romeo.send(
      Buffer.concat([Buffer.from('<message><body>'), Buffer.from([0xc3, 0x28]), Buffer.from('</body></message>')]),
    )
    await romeo.receivesStreamError('unsupported-encoding')
  },
  badXml,
)

story('A login takes no longer than the limit // RFC 6120 §4.9.3.4', async (s) => {
  const client = await s.connects()
  await client.opens(s.domain)
  await s.advance(29_000)
  assert.equal(client.ended, false)
  await s.advance(1_000)
  await client.receivesStreamError('connection-timeout')
})

story('A logged-in client is not held to the time for logging in', async (s) => {
  const romeo = await s.login('romeo')
  await s.advance(60_000)
  await romeo.receivesNothing()
})

story(
  'A restarted stream keeps its domain // CVE-2018-10847',
  async (s) => {
    await s.createAccount('romeo', 'password')
    const client = await s.connects()
    await client.opens(s.domain)
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0password')}</auth>`)
    await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
    client.expectsHeader()
    client.send(open('capulet.example'))
    await client.receivesStreamError('not-authorized')
  },
  { hosts: ['localhost', 'capulet.example'] },
)

story('A stanza before a resource is bound ends the stream // RFC 6120 §7.1', async (s) => {
  await s.createAccount('romeo', 'password')
  const client = await s.connects()
  await client.opens(s.domain)
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0password')}</auth>`)
  await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
  await client.opens(s.domain)
  client.send('<presence/>')
  await client.receivesStreamError('not-authorized')
})

story('A stanza from somebody else’s address ends the stream // RFC 6120 §4.9.3.9', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await romeo.sends`<message from='juliet@${s.domain}/balcony' to='${romeo.jid}'><body>O Romeo</body></message>`
  await romeo.receivesStreamError('invalid-from')
})

story('A stanza from one’s own bare or full address is from one’s session // RFC 6120 §8.1.2.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await romeo.sends`<message from='${romeo.bare}' to='${romeo.jid}' id='1'/>`
  await romeo.receives`<message from='${romeo.jid}' to='${romeo.jid}' id='1'/>`
  await romeo.sends`<message from='${romeo.jid}' to='${romeo.jid}' id='2'/>`
  await romeo.receives`<message from='${romeo.jid}' to='${romeo.jid}' id='2'/>`
})

story('Another resource of the same account is not one’s own // RFC 6120 §8.1.2.1', async (s) => {
  const romeo = await s.login('romeo/orchard')
  await s.login('romeo/tomb')
  await romeo.sends`<message from='${romeo.bare}/tomb' to='${romeo.jid}'/>`
  await romeo.receivesStreamError('invalid-from')
})

story('What is not a stanza ends the stream // RFC 6120 §4.9.3.24', async (s) => {
  const romeo = await s.login('romeo')
  romeo.send('<pubsub/>')
  await romeo.receivesStreamError('unsupported-stanza-type')
})

story(
  'Text between stanzas ends the stream, white space does not // RFC 6120 §4.6.1',
  async (s) => {
    const romeo = await s.login('romeo')
    romeo.send(' \n \t ')
    await romeo.receivesNothing()
    romeo.send('wherefore')
    const error = await romeo.next()
    assert.equal(error.name, 'error')
    await romeo.ends()
  },
  badXml,
)

const limits: readonly [string, string][] = [
  ['256 KiB', `<message><body>${'x'.repeat(260 * 1024)}</body></message>`],
  ['128 levels', `<message>${'<a>'.repeat(130)}${'</a>'.repeat(130)}</message>`],
  ['10,000 elements', `<message>${'<a/>'.repeat(10_001)}</message>`],
  ['256 attributes', `<message ${Array.from({ length: 257 }, (_, i) => `a${i}=''`).join(' ')}/>`],
]
for (const [limit, text] of limits)
  story(`A stanza of more than ${limit} ends the stream with policy-violation // RFC 6120 §4.9.3.14`, async (s) => {
    const romeo = await s.login('romeo')
    romeo.send(text)
    await romeo.receivesStreamError('policy-violation')
  })

story('A stanza may come in any pieces, letters cut in two among them // RFC 6120 §11.6', async (s) => {
  const romeo = await s.login('romeo/orchard')
  const bytes = Buffer.from(`<message to='${romeo.jid}'><body>Größe € 😀 &amp; &#x1F600;</body></message>`)
  for (const byte of bytes) romeo.send(Buffer.of(byte))
  await romeo.receives`<message><body>Größe € 😀 &amp; 😀</body></message>`
})

story('A stanza says its language where the stream’s is not the server’s // RFC 6120 §8.1.5', async (s) => {
  await s.createAccount('romeo', 'password')
  const romeo = await s.connects()
  const logIn = romeo.opens.bind(romeo)
  romeo.opens = (domain) => logIn(domain, "xml:lang='it'")
  await romeo.logsIn('romeo', s.domain, 'password')
  const juliet = await s.login('juliet/balcony')
  await romeo.sends`<message to='${juliet.jid}'><body>Ciao</body></message>`
  await juliet.receives`<message xml:lang='it'><body>Ciao</body></message>`
  await romeo.sends`<message to='${juliet.jid}' xml:lang='fr'><body>Salut</body></message>`
  await juliet.receives`<message xml:lang='fr'><body>Salut</body></message>`
})

story('What is no language is repeated on no stanza // RFC 6120 §4.7.4', async (s) => {
  await s.createAccount('romeo', 'password')
  const romeo = await s.connects()
  const logIn = romeo.opens.bind(romeo)
  romeo.opens = (domain) => logIn(domain, `xml:lang='it-${'x'.repeat(4000)}'`)
  await romeo.logsIn('romeo', s.domain, 'password')
  const juliet = await s.login('juliet/balcony')
  await romeo.sends`<message to='${juliet.jid}'/>`
  assert.equal((await juliet.receives`<message/>`).attrs['xml:lang'], undefined)
})

story(
  'A header after login is held to what one before it is: it lasts as long as the stream',
  async (s) => {
    await s.createAccount('romeo', 'password')
    const client = await s.connects()
    await client.opens(s.domain)
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0password')}</auth>`)
    await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
    client.expectsHeader()
    client.send(open(s.domain, { tail: ` xmlns:p='urn:${'x'.repeat(9000)}'` }))
    await client.receivesStreamError('policy-violation')
  },
  headerOnly,
)

story(
  'The server calls itself by the domain that was asked for, however it is spelt // RFC 6120 §4.7.1',
  async (s) => {
    const client = await s.connects('capulet.example')
    await client.opens('CAPULET.example')
    assert.equal(client.header!.attrs['from'], 'capulet.example')
  },
  { hosts: ['localhost', 'capulet.example'] },
)

story('A stream is closed by both sides // RFC 6120 §4.4', async (s) => {
  const romeo = await s.login('romeo')
  romeo.send('</stream:stream>')
  await romeo.ends()
})

story('A stream error of the client’s ends the stream without one of the server’s // RFC 6120 §4.9.1.1', async (s) => {
  const romeo = await s.login('romeo')
  romeo.send(
    `<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
  )
  await romeo.ends()
})

story('A header sent along with a login opens the stream after it', async (s) => {
  await s.createAccount('romeo', 'password')
  const client = await s.connects()
  await client.opens(s.domain)
  client.expectsHeaderAfter('success')
  client.send(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${btoa('\0romeo\0password')}</auth>${open(s.domain)}`,
  )
  await client.receives`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`
  assert.ok((await client.next()).getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind'))
})
