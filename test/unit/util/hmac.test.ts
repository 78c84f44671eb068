import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { hmac } from '../../../src/util/hmac.ts'

for (const hash of ['sha1', 'sha256', 'sha512'] as const)
  test(`HMAC with ${hash} is that of OpenSSL, for keys and texts of any length // RFC 2104 §2`, () => {
    for (const keyLength of [0, 1, 20, 32, 63, 64, 65, 127, 128, 129, 200])
      for (const data of ['', 'Client Key', 'n=jülia,r=🖉', 'x'.repeat(5_000), randomBytes(100)]) {
        const key = randomBytes(keyLength)
        const expected = createHmac(hash, key).update(data).digest()
        assert.deepEqual(hmac(hash, key, data), expected, `${keyLength} ${data.length}`)
      }
    assert.deepEqual(hmac(hash, 'a key ü', 'text'), createHmac(hash, 'a key ü').update('text').digest())
  })
