import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverKey } from '../../../src/storage/server-key.ts'

test('the key of a server is made once, whoever comes first, for its user alone', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'stonechat-key-'))
  try {
    const folder = join(parent, 'data')
    const keys = await Promise.all([serverKey(folder), serverKey(folder), serverKey(folder)])
    assert.equal(keys[0]!.length, 32)
    for (const key of [...keys, await serverKey(folder)]) assert.deepEqual(key, keys[0])
    assert.deepEqual(await readdir(folder), ['server.key'])
    assert.equal((await stat(join(folder, 'server.key'))).mode & 0o777, 0o600)
    await writeFile(join(folder, 'server.key'), 'c2hvcnQ=\n')
    await assert.rejects(serverKey(folder), /not a key/)
  } finally {
    await rm(parent, { recursive: true })
  }
})
