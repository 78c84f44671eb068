import assert from 'node:assert/strict'
import { parseDocument } from '../../src/api.ts'
import { story } from '../support/story.ts'

// XEP-0156, RFC 6415

const LINKS = [
  { rel: 'urn:xmpp:alt-connections:websocket', href: 'wss://chat.example:8443/xmpp-websocket' },
  { rel: 'urn:xmpp:alt-connections:xbosh', href: 'https://chat.example:8443/http-bind' },
]

story(
  'Browsers read where they can connect, in both formats and from every page // XEP-0156 §2',
  async (s) => {
    const xrd = await s.fetch('/.well-known/host-meta')
    assert.equal(xrd.headers.get('content-type'), 'application/xrd+xml; charset=utf-8')
    assert.equal(xrd.headers.get('access-control-allow-origin'), null, 'for whoever is on no page')
    const root = parseDocument((await xrd.text()).trim())
    assert.equal(`${root.name} ${root.attrs['xmlns']}`, 'XRD http://docs.oasis-open.org/ns/xri/xrd-1.0')
    assert.deepEqual(
      root.getChildElements().map(({ name, attrs }) => [name, attrs]),
      LINKS.map((link) => ['Link', link]),
    )
    const jrd = await s.fetch('/.well-known/host-meta.json', { headers: { origin: 'https://elsewhere.example' } })
    assert.equal(jrd.headers.get('access-control-allow-origin'), '*')
    assert.deepEqual(await jrd.json(), { links: LINKS })
  },
  { server: { http: { url: 'https://chat.example:8443' } } },
)

story(
  'Nobody is led to a connection without TLS // XEP-0156 §2.2',
  async (s) => assert.equal((await s.fetch('/.well-known/host-meta')).status, 404),
  { server: { http: { url: 'http://chat.example' } } },
)

story(
  'A way in that is off is not told of',
  async (s) => assert.deepEqual(await (await s.fetch('/.well-known/host-meta.json')).json(), { links: [] }),
  { modules: { bosh: { enabled: false }, websocket: { enabled: false } } },
)
