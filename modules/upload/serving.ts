import { Readable } from 'node:stream'
import { type Clock, HttpProblem, type HttpReply, type HttpRequest, isUnavailable } from '#api'
import { readRange } from './byte-range.ts'
import { dispositionOf } from './file-name.ts'
import type { FileStore } from './file-store.ts'
import { deliveryOf } from './media-type.ts'
import type { UploadConfig } from './options.ts'
import { retentionOf } from './quota.ts'
import type { Address } from './receiving.ts'
import { keyOf } from './slot-key.ts'
import type { FileRecord, UploadStore } from './store.ts'

/** The longest that whoever has fetched a file may keep it for the next time, in seconds. */
const CACHE_SECONDS = 31_536_000

/** What files are served with. */
export interface ServingParts {
  readonly store: UploadStore
  readonly files: FileStore
  readonly config: Pick<UploadConfig, 'retention'>
  readonly clock: Clock
}

/** Hands files out to whoever knows their addresses. */
export class Serving {
  readonly #parts: ServingParts

  constructor(parts: ServingParts) {
    this.#parts = parts
  }

  /** Answers a GET or HEAD request. */
  async get(request: HttpRequest, reply: HttpReply): Promise<unknown> {
    const { slot, name } = request.params as Address
    const file = await this.#find(keyOf(slot, name))
    const { size } = file
    const etag = `"${file.key.slice(0, 32)}"`
    const changed = new Date(file.storedMs).toUTCString()
    const { type, shown } = deliveryOf(file.type ?? undefined)
    reply.headers({
      etag,
      'last-modified': changed,
      'accept-ranges': 'bytes',
      'cache-control': `private, max-age=${this.#freshSeconds(file)}, immutable`,
      // Pages of others may show it: who has the address may have the file.
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-expose-headers': 'accept-ranges, content-range, etag',
    })
    if (isFresh(request, etag, file.storedMs)) return await reply.code(304).send()
    reply.headers({ 'content-type': type, 'content-disposition': dispositionOf(shown ? 'inline' : 'attachment', name) })
    // RFC 9110 §14.2: ranges are of GET only.
    if (request.method === 'HEAD') return await reply.header('content-length', String(size)).send(Readable.from([]))
    const range = mayPart(request, etag, changed) ? readRange(request.headers.range, size) : undefined
    if (range === 'none')
      throw new HttpProblem(416, `The file has ${size} bytes.`, {
        'content-range': `bytes */${size}`,
        'content-disposition': 'inline',
        'cache-control': 'no-store',
      })
    const bytes = await this.#parts.files.read(file.key, size, range)
    if (bytes === undefined) throw nothing()
    if (range === undefined) return await reply.header('content-length', String(size)).send(bytes)
    const { start, end } = range
    reply.headers({ 'content-length': String(end - start + 1), 'content-range': `bytes ${start}-${end}/${size}` })
    return await reply.code(206).send(bytes)
  }

  async #find(key: string): Promise<FileRecord & { readonly storedMs: number }> {
    const { store, clock } = this.#parts
    const file = await store.find(key).catch((error: unknown) => {
      if (!isUnavailable(error)) throw error
      throw new HttpProblem(503, 'The database does not answer now.', { 'retry-after': '10' })
    })
    const storedMs = file?.storedMs ?? null
    if (file === undefined || storedMs === null || this.#endMs({ ...file, storedMs }) <= clock.now()) throw nothing()
    return { ...file, storedMs }
  }

  /** When a file is over, whether it has been removed by then or not (XEP-0363 §4.3). */
  #endMs(file: FileRecord & { readonly storedMs: number }): number {
    const kept = retentionOf(this.#parts.config, file.purpose)
    return Math.min(
      file.untilMs ?? Number.POSITIVE_INFINITY,
      kept > 0 ? file.storedMs + kept : Number.POSITIVE_INFINITY,
    )
  }

  #freshSeconds(file: FileRecord & { readonly storedMs: number }): number {
    return Math.min(CACHE_SECONDS, Math.floor((this.#endMs(file) - this.#parts.clock.now()) / 1000))
  }
}

/** The same for what never was, is still coming, is over, or has another name. */
function nothing(): HttpProblem {
  return new HttpProblem(404, 'There is no such file.', { 'cache-control': 'no-store' })
}

/** Whether the client has the file already (RFC 9110 §13.2.2). */
function isFresh({ headers }: HttpRequest, etag: string, storedMs: number): boolean {
  const { 'if-none-match': known, 'if-modified-since': since } = headers
  if (known !== undefined)
    return known.trim() === '*' || known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
  const sinceMs = Date.parse(since ?? '')
  return Math.floor(storedMs / 1000) * 1000 <= sinceMs
}

/** Whether a part goes with what the client has (RFC 9110 §13.1.5). */
function mayPart({ headers }: HttpRequest, etag: string, changed: string): boolean {
  const condition = headers['if-range']
  return condition === undefined || condition === etag || condition === changed
}
