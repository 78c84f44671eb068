import type { Readable } from 'node:stream'
import type { ByteRange } from './byte-range.ts'

/** What is to be kept of a file, by the name that the server has given it. */
export interface NewFile {
  readonly key: string
  readonly size: number
  readonly type: string
}

/** Where the bytes of files are. It knows no accounts and no names that people gave. */
export interface FileStore {
  /**
   * Keeps a file. When it resolves the file is there whole, whatever happens to the server; when it rejects, as it does with what `bytes`
   * throws, nothing is. Whatever was there by that key is replaced. The memory that `bytes` come in is the store's from then on.
   */
  write(file: NewFile, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>
  /**
   * The bytes of a file of that size, or of a part of it; `undefined` when there is none. They are for `pipe`, and
   * not to be kept: in place of a chunk may come the next but one.
   */
  read(key: string, size: number, range: ByteRange | undefined): Promise<Readable | undefined>
  /** Removes a file, if it is there. When it resolves there is none, whatever happens to the server. */
  remove(key: string): Promise<void>
  /** Removes what was left of files that did not come whole. */
  tidy(): Promise<void>
}

/** There is no room for a file. */
export class FullError extends Error {}
