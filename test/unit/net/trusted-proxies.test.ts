import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { scalarSchema } from '../../../src/config/scalar.ts'
import { forwardedClient, Networks, plainAddress } from '../../../src/net/trusted-proxies.ts'

const proxies = new Networks(['10.0.0.0/8', '2001:db8:7::/64', '192.0.2.1'])
const CLIENT = '198.51.100.7'
const BALANCER = '10.0.0.7'

test('an address has one form, however it is written', () => {
  for (const [text, plain] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['2001:0DB8:0:0::0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.1%eth0', undefined],
    ['192.0.2.01', undefined],
    ['::ffff:192.0.2.256', undefined],
    ['localhost', undefined],
    ['', undefined],
  ] as const)
    assert.equal(plainAddress(text), plain, text)
})

test('addresses and networks are trusted, in whatever form they come', () => {
  for (const [address, expected] of [
    ['10.255.0.1', true],
    ['::ffff:10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['2001:db8:7::9', true],
    ['2001:0DB8:0007:0::9', true],
    ['2001:db8:8::9', false],
    ['::10.0.0.1', false],
    ['garbage', false],
    ['', false],
  ] as const)
    assert.equal(proxies.has(address), expected, address)
  assert.equal(new Networks([]).has('127.0.0.1'), false)
  assert.equal(new Networks(['::ffff:10.0.0.0/104']).has('10.1.2.3'), true)
  assert.equal(new Networks(['0.0.0.0/0']).has('2001:db8::1'), false)
})

test('what is no network is refused, and all that the configuration takes is taken', () => {
  for (const text of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::/129', '::/x', 'fe80::1%eth0'])
    assert.throws(() => new Networks([text]), RangeError, text)
  const schema = scalarSchema('network', {})
  const network = fc
    .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), fc.option(fc.nat(140)))
    .map(([address, prefix]) => (prefix === null ? address : `${address}/${prefix}`))
  fc.assert(
    fc.property(network, (text) => {
      if (schema.safeParse(text).success) new Networks([text])
      else assert.throws(() => new Networks([text]), RangeError)
    }),
  )
})

/** Rows of `Forwarded`, `X-Forwarded-For` and whose request it then is. */
const table: readonly (readonly [forwarded: string | undefined, xForwardedFor: string | undefined, client: string])[] =
  [
    [undefined, undefined, BALANCER],
    // X-Forwarded-For: from the right, over those who are trusted.
    [undefined, CLIENT, CLIENT],
    [undefined, `${CLIENT}, 10.0.0.9, 10.0.0.8`, CLIENT],
    [undefined, `203.0.113.9, ${CLIENT}`, CLIENT],
    [undefined, `203.0.113.9,${CLIENT},,10.0.0.8, `, CLIENT],
    [undefined, '10.0.0.9, 10.0.0.8', '10.0.0.9'],
    [undefined, `${CLIENT}:40312`, CLIENT],
    [undefined, '2001:db8::5', '2001:db8::5'],
    [undefined, '[2001:DB8::5]:443', '2001:db8::5'],
    [undefined, `"[2001:db8::5]:443"`, '2001:db8::5'],
    [undefined, `::ffff:${CLIENT}`, CLIENT],
    [undefined, '203.0.113.9, unknown, 10.0.0.8', '10.0.0.8'],
    [undefined, '203.0.113.9, unknown', BALANCER],
    [undefined, 'unix:', BALANCER],
    [undefined, '', BALANCER],
    [undefined, `<script>, ${CLIENT}`, CLIENT],
    // RFC 7239 §4, §6, §7.1
    [`for=${CLIENT}`, undefined, CLIENT],
    [`For="${CLIENT}:40312";proto=https;by=10.0.0.7`, undefined, CLIENT],
    [`for="[2001:db8:cafe::17]:4711"`, undefined, '2001:db8:cafe::17'],
    [`for="[2001:db8:cafe::17]:_port-1"`, undefined, '2001:db8:cafe::17'],
    [`for="[2001:db8:cafe::17]"; proto="https" ; host="a\\"b,c;d"`, undefined, '2001:db8:cafe::17'],
    [`for="198.51.100.\\7"`, undefined, CLIENT],
    [`for=203.0.113.9, for=${CLIENT}, for=10.0.0.9;by=10.0.0.8`, undefined, CLIENT],
    [`for=203.0.113.9,,for=${CLIENT}, `, undefined, CLIENT],
    // RFC 7239 §6.2, §6.3: a proxy that does not say.
    ['for=203.0.113.9, for=unknown', undefined, BALANCER],
    ['for=203.0.113.9, for=_hidden, for=10.0.0.8', undefined, '10.0.0.8'],
    ['for=203.0.113.9, proto=https', undefined, BALANCER],
    // Garbage: what stands to the right of it can be believed.
    [`!!!, for=${CLIENT}`, undefined, CLIENT],
    [`for=${CLIENT} for=10.0.0.8`, undefined, BALANCER],
    [`for=203.0.113.9;for=${CLIENT}`, undefined, BALANCER],
    ['for=198.51.100', undefined, BALANCER],
    ['for="[198.51.100.7]"', undefined, BALANCER],
    ['for=[2001:db8::5', undefined, BALANCER],
    // A quote that a client has left open is to swallow what the proxy adds.
    [`for=203.0.113.9, x=", for=${CLIENT}`, undefined, BALANCER],
    [`for=203.0.113.9, x=", for="${CLIENT}:1"`, undefined, BALANCER],
    [`for=203.0.113.9, x="\\, for="${CLIENT}:1"`, undefined, BALANCER],
    // Both headers: where they differ, one of them is the client's own.
    [`for=${CLIENT}`, CLIENT, CLIENT],
    ['for=203.0.113.9', CLIENT, BALANCER],
    [`for=${CLIENT}`, '203.0.113.9', BALANCER],
    ['garbage', CLIENT, BALANCER],
  ]

test('the client of a request is the first address on the way back that no trusted proxy has', () => {
  for (const [forwarded, xForwardedFor, client] of table)
    assert.equal(
      forwardedClient(BALANCER, { forwarded, xForwardedFor }, proxies).address,
      client,
      `${forwarded} ${xForwardedFor}`,
    )
})

test('a client came over TLS where the farthest trusted proxy says so, and no header says anything else', () => {
  const for443 = `for=${CLIENT};proto=https`
  for (const [forwarded, xForwardedFor, xForwardedProto, secure] of [
    [undefined, CLIENT, 'https', true],
    [undefined, CLIENT, 'http', false],
    [undefined, CLIENT, undefined, false],
    [undefined, CLIENT, 'https, http', false],
    [undefined, CLIENT, 'wss', true],
    // RFC 7239 §5.4
    [for443, undefined, undefined, true],
    [`proto="HTTPS"; for=${CLIENT}`, undefined, undefined, true],
    [`for=${CLIENT};proto=http`, undefined, undefined, false],
    [`for=${CLIENT}`, undefined, undefined, false],
    ['for=unknown;proto=https', undefined, undefined, true],
    ['proto=https', undefined, undefined, true],
    [`${for443}, for=10.0.0.9;proto=http`, undefined, undefined, true],
    [`for=${CLIENT};proto=http, for=10.0.0.9;proto=https`, undefined, undefined, false],
    [`for=${CLIENT}, for=10.0.0.9;proto=https`, undefined, undefined, false],
    [`for=203.0.113.9;proto=https, for=${CLIENT};proto=http`, undefined, undefined, false],
    [`for=203.0.113.9;proto=https, for=${CLIENT}`, undefined, undefined, false],
    // What cannot be read says nothing, and hides nothing.
    [`${for443};proto=http`, undefined, undefined, false],
    [`${for443}x; y`, undefined, undefined, false],
    [`for=203.0.113.9;proto=https;x=", ${for443}`, undefined, undefined, false],
    [`!!!, ${for443}`, undefined, undefined, true],
    // Two headers: neither says what the other denies, and one that a proxy does not know is a client's.
    [for443, CLIENT, 'https', true],
    [for443, CLIENT, 'http', false],
    [`for=${CLIENT};proto=http`, CLIENT, 'https', false],
    [`for=${CLIENT}`, CLIENT, 'https', true],
    [for443, undefined, 'http', false],
    [for443, CLIENT, undefined, false],
  ] as const) {
    const headers = { forwarded, xForwardedFor, xForwardedProto }
    assert.equal(forwardedClient(BALANCER, headers, proxies).secure, secure, JSON.stringify(headers))
    assert.equal(forwardedClient(CLIENT, headers, proxies).secure, false)
  }
})

test('nobody else is believed, whatever a request says', () => {
  const headers = { forwarded: 'for=203.0.113.9', xForwardedFor: '203.0.113.9' }
  assert.equal(forwardedClient(CLIENT, headers, proxies).address, CLIENT)
  assert.equal(forwardedClient(`::ffff:${CLIENT}`, headers, proxies).address, CLIENT)
  assert.equal(forwardedClient(BALANCER, headers, new Networks([])).address, BALANCER)
  assert.equal(forwardedClient(`::ffff:${BALANCER}`, headers, proxies).address, '203.0.113.9')
  assert.equal(forwardedClient('', headers, proxies).address, '')
})

const hostile = fc
  .array(
    fc.constantFrom(
      '"',
      '\\',
      ',',
      ';',
      '=',
      ' ',
      ':',
      '[',
      ']',
      'for',
      'for=',
      '1.2.3.4',
      '10.0.0.8',
      '::1',
      '_x',
      'unknown',
      '\0',
      'é',
    ),
  )
  .map((pieces) => pieces.join(''))

test('whatever a client sends before, the header its proxy adds decides, or else the proxy itself is the client', () => {
  fc.assert(
    fc.property(hostile, (before) => {
      for (const [forwarded, xForwardedFor] of [
        [`${before}, for=${CLIENT}`, undefined],
        [`${before}, for="${CLIENT}:99";proto=https;by="[2001:db8:7::1]"`, undefined],
        [undefined, `${before}, ${CLIENT}`],
        [before, CLIENT],
        [`for=${CLIENT}`, before],
      ]) {
        const address = forwardedClient(BALANCER, { forwarded, xForwardedFor }, proxies).address
        assert.ok(address === CLIENT || address === BALANCER, `${forwarded} ${xForwardedFor}: ${address}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('nothing makes it throw, and the answer is an address', () => {
  fc.assert(
    fc.property(fc.option(hostile, { nil: undefined }), fc.option(hostile, { nil: undefined }), (forwarded, old) => {
      assert.notEqual(isIP(forwardedClient(BALANCER, { forwarded, xForwardedFor: old }, proxies).address), 0)
    }),
    { numRuns: 300 },
  )
})

test('every address can be told in both headers', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(65535), (address, port) => {
      const node = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
      const plain = plainAddress(address)!
      for (const xForwardedFor of [address, node])
        assert.equal(forwardedClient(BALANCER, { xForwardedFor }, proxies).address, plain, xForwardedFor)
      assert.equal(forwardedClient(BALANCER, { forwarded: `for="${node}"` }, proxies).address, plain)
    }),
    { numRuns: 200 },
  )
})
