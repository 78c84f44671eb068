import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of the key. */
const LENGTH = 32

/**
 * The key in the data folder, `server.key`, that secrets are derived from: what is in the database alone is worth nothing
 * without it. Made when there is none, so that only the server's user can read it.
 *
 * @throws Error when it cannot be read or made, or is no key.
 */
export async function serverKey(folder: string): Promise<Uint8Array> {
  const file = join(folder, 'server.key')
  const known = await read(file)
  if (known !== undefined) return known
  await mkdir(folder, { recursive: true })
  // Whole or not at all, and never in place of one that another process made at the same time.
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${randomBytes(LENGTH).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
  return (await read(file))!
}

async function read(file: string): Promise<Uint8Array | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== LENGTH) throw new Error(`${file} is not a key: it has ${LENGTH} bytes in base64.`)
  return key
}
