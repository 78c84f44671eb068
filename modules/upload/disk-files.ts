import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { randomId, syncFolder } from '#api'
import type { ByteRange } from './byte-range.ts'
import { readInTurn } from './file-reading.ts'
import { type FileStore, FullError, type NewFile } from './file-store.ts'

/** Only the server's user reads and writes. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** Written at once: each time costs more than the bytes. It is what a file that comes takes up in memory. */
const LOT_BYTES = 262_144

/**
 * Files in a folder, under names made of their keys: `ab/cd/abcd…`, so that no folder gets large. What is coming stands in
 * `incoming` until it is there whole and on disk.
 */
export class DiskFiles implements FileStore {
  readonly #folder: string
  /** Drafts that are being written. */
  readonly #drafts = new Set<string>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async write({ key }: NewFile, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const place = this.#place(key)
    const name = `${key}.${randomId()}`
    const draft = join(this.#incoming, name)
    this.#drafts.add(name)
    try {
      await mkdir(this.#incoming, { recursive: true, mode: FOLDER_MODE })
      const file = await open(draft, 'wx', FILE_MODE)
      try {
        await writeAll(file, bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      signal.throwIfAborted()
      await mkdir(dirname(place), { recursive: true, mode: FOLDER_MODE })
      await rename(draft, place)
      // A name is on disk once its folder is. Who made the folders may not have come so far, or have been cut off.
      await Promise.all([dirname(place), dirname(dirname(place)), this.#folder].map(syncFolder))
    } catch (error) {
      await rm(draft, { force: true })
      throw isFull(error) ? new FullError('The disk is full.', { cause: error }) : error
    } finally {
      this.#drafts.delete(name)
    }
  }

  async read(key: string, size: number, range: ByteRange | undefined): Promise<Readable | undefined> {
    const file = await open(this.#place(key), 'r').catch(ifMissing)
    if (file === undefined) return undefined
    try {
      const { size: there } = await file.stat()
      if (there !== size) throw new Error(`the file ${key} has ${there} bytes instead of ${size}`)
      return readInTurn(file, range ?? { start: 0, end: size - 1 })
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async remove(key: string): Promise<void> {
    const place = this.#place(key)
    await rm(place).catch(ifMissing)
    // Else it might come back when the machine fails, and nobody would know of it any more. It may have been gone for the same reason.
    await syncFolder(dirname(place)).catch(ifMissing)
  }

  async tidy(): Promise<void> {
    for (const name of (await readdir(this.#incoming).catch(ifMissing)) ?? [])
      if (!this.#drafts.has(name)) await rm(join(this.#incoming, name), { force: true })
  }

  get #incoming(): string {
    return join(this.#folder, 'incoming')
  }

  #place(key: string): string {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new Error('that is not the key of a file')
    return join(this.#folder, key.slice(0, 2), key.slice(2, 4), key)
  }
}

async function writeAll(file: FileHandle, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let lot: Uint8Array[] = []
  let count = 0
  for await (const chunk of bytes) {
    lot.push(chunk)
    count += chunk.length
    if (count < LOT_BYTES) continue
    await writeLot(file, lot, count)
    lot = []
    count = 0
  }
  if (count > 0) await writeLot(file, lot, count)
}

async function writeLot(file: FileHandle, lot: readonly Uint8Array[], count: number): Promise<void> {
  let { bytesWritten } = await file.writev(lot)
  if (bytesWritten < count) {
    // The disk may be about to be full: what is missing tells.
    const rest = Buffer.concat(lot)
    while (bytesWritten < count) bytesWritten += (await file.write(rest, bytesWritten)).bytesWritten
  }
  lot.forEach(release)
}

/** Gives back memory that is of no more use, where nothing else is in it: until it was collected, much of it would be, at a high cost. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function isFull(error: unknown): boolean {
  return ['EDQUOT', 'EFBIG', 'ENOSPC'].includes(codeOf(error) ?? '')
}

function ifMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}
