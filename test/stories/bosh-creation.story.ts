import assert from 'node:assert/strict'
import { conditionOf } from '../support/bosh-client.ts'
import { boshStory } from '../support/bosh-story.ts'

// XEP-0124 §5 to §7, XEP-0206 §4

const SID = /\bsid="([\w-]{22,})"/
const GOLDEN =
  '<body xmlns="http://jabber.org/protocol/httpbind" xmlns:stream="http://etherx.jabber.org/streams"' +
  ' xmlns:xmpp="urn:xmpp:xbosh" sid="SID" wait="60" hold="1" requests="2" inactivity="60" polling="5" maxpause="120"' +
  ' ver="1.6" from="localhost" xmpp:version="1.0" xmpp:restartlogic="true" ack="1573741820"><stream:features>'

boshStory(
  'A session begins with what was agreed on, and the features of the stream // XEP-0124 §7.2, XEP-0206 §4',
  async (_s, { client }) => {
    const [one, other] = [client(), client()]
    const { text } = await one.opens({ from: 'romeo@localhost', route: 'xmpp:localhost:9999', stream: 'first' })
    assert.equal(text.replace(SID, 'sid="SID"').slice(0, GOLDEN.length), GOLDEN)
    assert.match(text, /<\/stream:features><\/body>$/)
    await other.opens()
    assert.notEqual(one.sid, other.sid)
  },
)

/** What a client asks for, and what it gets. */
const TERMS: readonly [Record<string, string | number | undefined>, Record<string, string | undefined>][] = [
  [{ wait: 30 }, { wait: '30' }],
  [{ wait: 3600 }, { wait: '60' }],
  [
    { wait: undefined, hold: undefined, ver: undefined },
    { wait: '60', hold: '1', requests: '2', ver: undefined },
  ],
  [{ hold: 2 }, { hold: '2', requests: '3' }],
  [{ hold: 9007199254740991 }, { hold: '2', requests: '3' }],
  // §12: more patience with those who poll, by more than the interval.
  [{ hold: 0 }, { hold: '0', requests: '1', inactivity: '71' }],
  [{ wait: 0 }, { wait: '0', hold: '1', requests: '2', inactivity: '71' }],
  // Each part is a number of its own.
  [{ ver: '1.9' }, { ver: '1.9' }],
  [{ ver: '1.30' }, { ver: '1.11' }],
  [{ ver: '0.99' }, { ver: '0.99' }],
  [{ ver: '2.0' }, { ver: '1.11' }],
  // Nothing of what is not offered is told of.
  [{ secure: 'true' }, { stream: undefined, accept: undefined, charsets: undefined, authid: undefined }],
]

boshStory('A client gets what it asks for, within bounds // XEP-0124 §7', async (_s, { client }) => {
  for (const [asked, told] of TERMS) {
    const { attrs } = (await client().opens(asked)).body
    for (const name in told) assert.equal(attrs[name], told[name], `${name} of ${JSON.stringify(asked)}`)
  }
})

boshStory(
  'Answers are called what the client wants, whatever it calls its own // XEP-0124 §5, §7.1',
  async (_s, { client }) => {
    for (const [content, type] of [
      [undefined, 'text/xml; charset=utf-8'],
      ['text/plain', 'text/plain'],
      ['application/xml; charset=utf-8', 'application/xml; charset=utf-8'],
    ]) {
      const one = client()
      assert.equal((await one.opens({ content })).headers.get('content-type'), type)
      for (const headers of [
        { 'content-type': 'application/x-www-form-urlencoded' },
        { 'content-type': 'text/xml; charset=iso-8859-1' },
        { 'content-type': '' },
      ]) {
        const { status, headers: answered } = await one.post({ type: 'x' }, "<r xmlns='urn:xmpp:sm:3'/>", { headers })
        assert.deepEqual([status, answered.get('content-type')], [200, type])
      }
    }
    for (const content of ['text/html', 'text/xml\r\nx: y', 'image/svg+xml', ''])
      assert.equal(conditionOf(await client().opens({ content: content.replace('\r\n', '&#13;&#10;') })), 'bad-request')
  },
)

/** Requests that no session comes of. */
const REFUSED: readonly [Record<string, string | number | undefined>, string][] = [
  [{ to: undefined }, 'improper-addressing'],
  [{ to: '' }, 'improper-addressing'],
  [{ to: 'verona.example' }, 'host-unknown'],
  [{ rid: undefined }, 'bad-request'],
  ...['', '0', '-1', 'NaN', '1.5', '1e3', '0x10', '9007199254740992', '99999999999999999999', '١'].map(
    (rid) => [{ rid }, 'bad-request'] as [{ rid: string }, string],
  ),
  ...['-1', 'NaN', '1.5', '9007199254740992', ''].flatMap((number) =>
    ['wait', 'hold', 'ack', 'pause'].map((name) => [{ [name]: number }, 'bad-request'] as [{ [name]: string }, string]),
  ),
  ...['1', 'x', '1.', '1.6.2', '-1.6', '1.99999'].map((ver) => [{ ver }, 'bad-request'] as [{ ver: string }, string]),
  ...['x', 'g'.repeat(40), 'a'.repeat(41)].map((newkey) => [{ newkey }, 'bad-request'] as [{ newkey: string }, string]),
  [{ sid: 'x' }, 'item-not-found'],
  [{ sid: '' }, 'item-not-found'],
]

boshStory('A request for what cannot be is refused // XEP-0124 §7.1, §17.2', async (_s, { client }) => {
  for (const [attributes, condition] of REFUSED) {
    const answer = await client().opens(attributes)
    assert.equal(conditionOf(answer), condition, JSON.stringify(attributes))
    assert.equal(answer.headers.get('content-type'), 'text/xml; charset=utf-8')
  }
})

boshStory('A client may go before there is a session // XEP-0124 §13', async (_s, { client }) => {
  const { body } = await client().opens({ type: 'terminate' })
  assert.equal(body.attrs['type'], 'terminate')
  assert.equal(body.attrs['condition'], undefined)
})

boshStory('Pages of any origin may connect, and people see what it is // XEP-0124 §5', async (s, { client }) => {
  const headers = { origin: 'https://chat.example' }
  const { headers: answered } = await client().send(client().request({ to: 'localhost' }), { headers })
  assert.equal(answered.get('access-control-allow-origin'), '*')
  const asked = {
    ...headers,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }
  const preflight = await s.fetch('/http-bind', { method: 'OPTIONS', headers: asked })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST')
  assert.match(preflight.headers.get('access-control-allow-headers')!, /content-type/)
  const page = await s.fetch('/http-bind')
  assert.equal(page.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.match(await page.text(), /BOSH/)
})

boshStory(
  'Pages of other origins than those allowed may not connect',
  async (s, { client }) => {
    const one = client()
    const request = one.request({ to: 'localhost' })
    const good = await one.send(request, { headers: { origin: 'https://chat.example' } })
    assert.equal(good.headers.get('access-control-allow-origin'), 'https://chat.example')
    for (const origin of ['https://evil.example', 'null', 'https://chat.example.evil.example', 'http://chat.example']) {
      const { status, headers } = await one.send(request, { headers: { origin } })
      assert.deepEqual([status, headers.get('access-control-allow-origin')], [403, null])
    }
    // Whoever is no page has no origin.
    assert.equal((await one.send(request)).status, 200)
    assert.equal((await s.fetch('/http-bind', { method: 'PUT', body: request })).status, 404)
  },
  { modules: { bosh: { origins: ['https://chat.example'] } } },
)

boshStory(
  'A domain that has BOSH turned off is not there by that of another',
  async (_s, { client }) => {
    assert.equal(conditionOf(await client().opens({ to: 'verona.example' })), 'host-unknown')
    assert.match((await client().opens()).text, /<stream:features>/)
  },
  { hosts: ['localhost', 'verona.example'], without: { 'verona.example': ['bosh'] } },
)
