import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complaints, type ExternalService, serviceElement } from '../../../../modules/external-services/service.ts'

const turn = { type: 'turn', host: 'turn.example', lifetime: 3_600_000 } as ExternalService

test('time-limited credentials are the expiry, the account and their HMAC-SHA-1 // draft-uberti-behave-turn-rest §2.2', () => {
  const { attrs } = serviceElement({ ...turn, secret: 'north' }, 'romeo', 1_384_787_496_123)
  assert.equal(attrs['username'], '1384791096:romeo')
  // openssl dgst -sha1 -hmac north -binary | base64
  assert.equal(attrs['password'], 'Lh5a7HCOhRkGzHCk3DbaNBXG3Bw=')
  assert.equal(attrs['expires'], '2013-11-18T16:11:36.000Z')
  assert.equal(attrs['restricted'], 'true')
})

test('a service has a name with a password, or a secret, or neither', () => {
  assert.deepEqual(complaints([turn]), [])
  assert.deepEqual(complaints([{ ...turn, secret: 's' }]), [])
  assert.deepEqual(complaints([{ ...turn, username: 'u', password: 'p' }]), [])
  for (const wrong of [{ username: 'u' }, { password: 'p' }, { username: 'u', password: 'p', secret: 's' }])
    assert.equal(complaints([turn, { ...turn, ...wrong }])[0]!.option, 'services[1]')
})
