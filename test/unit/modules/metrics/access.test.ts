import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsAccess } from '../../../../modules/metrics/access.ts'

const token = 'sixteen letters or more'
const loopback = ['127.0.0.0/8', '::1']
const bearer = (text: string) => ({ authorization: `Bearer ${text}` })

const cases: readonly (readonly [
  allow: readonly string[],
  token: string | undefined,
  address: string,
  headers: Record<string, string>,
  may: boolean,
])[] = [
  [loopback, undefined, '127.0.0.1', {}, true],
  [loopback, undefined, '127.8.9.10', {}, true],
  [loopback, undefined, '::1', {}, true],
  [loopback, undefined, '::ffff:127.0.0.1', {}, true],
  [loopback, undefined, '192.0.2.1', {}, false],
  [loopback, undefined, '', {}, false],
  [[], undefined, '127.0.0.1', {}, false],
  [['10.0.0.0/8'], undefined, '10.1.2.3', {}, true],
  [['10.0.0.0/8'], undefined, '127.0.0.1', {}, false],
  [['10.0.0.0/8'], undefined, '10.1.2.3', { 'x-forwarded-for': '192.0.2.1' }, true],
  // A proxy that is not trusted asks for somebody.
  [loopback, undefined, '127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, false],
  [loopback, undefined, '::1', { forwarded: 'for=192.0.2.1' }, false],
  [loopback, undefined, '127.0.0.1', { 'x-real-ip': '192.0.2.1' }, false],
  [loopback, undefined, '127.0.0.1', { via: '1.1 web' }, false],
  [loopback, undefined, '127.0.0.1', { 'x-forwarded-host': 'chat.example.org' }, false],
  [loopback, undefined, '127.0.0.1', { 'x-forwarded-proto': 'https' }, false],
  // With a token.
  [loopback, token, '127.0.0.1', {}, false],
  [loopback, token, '127.0.0.1', bearer(token), true],
  [loopback, token, '127.0.0.1', bearer(`${token} `), false],
  [loopback, token, '127.0.0.1', bearer(''), false],
  [loopback, token, '127.0.0.1', { authorization: token }, false],
  [loopback, token, '192.0.2.1', bearer(token), false],
]

test('metrics are for the networks allowed, with the token if there is one', () => {
  for (const [allow, token, address, headers, may] of cases)
    assert.equal(
      metricsAccess({ allow, token })({ client: { address }, headers }),
      may,
      JSON.stringify({ allow, token, address, headers }),
    )
})
