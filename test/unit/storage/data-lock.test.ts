import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lockData } from '../../../src/storage/data-lock.ts'
import { DatabaseError } from '../../../src/storage/database.ts'

const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-lock-'))
  folders.push(folder)
  return folder
}

test('a data folder is had by one at a time, and made when it is missing', async () => {
  const data = join(await temporary(), 'made/here')
  const unlock = await lockData(data)
  assert.ok(unlock)
  assert.equal(await lockData(data), undefined)
  await unlock()
  const again = await lockData(data)
  assert.ok(again)
  await again()
})

test('of many that ask together one gets it', async () => {
  const data = await temporary()
  const locks = await Promise.all(Array.from({ length: 8 }, () => lockData(data)))
  const held = locks.filter((unlock) => unlock !== undefined)
  assert.equal(held.length, 1)
  await held[0]!()
})

test('a data folder that cannot be one is refused with the cure', async () => {
  const file = join(await temporary(), 'file')
  await writeFile(file, '')
  await assert.rejects(lockData(file), (error: Error) => {
    assert.ok(error instanceof DatabaseError)
    assert.match(error.message, /cannot be used: .*Make it a folder/)
    return true
  })
})
