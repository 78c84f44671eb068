import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Context } from '#api'
import type { ByteRange } from './byte-range.ts'
import { type FileStore, FullError, type NewFile } from './file-store.ts'

const ANSWER_MS = 30_000

/** A bucket of a store that speaks S3. */
export interface Bucket {
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly accessKey: string
  readonly secretKey: string
}

/**
 * Files as objects in a bucket, through this server: so a token is good for one file of one size there as well, and nobody else needs to
 * reach the store. An object is there once all its bytes have come, or not at all.
 */
export class S3Files implements FileStore {
  readonly #bucket: Bucket
  readonly #after: Context['after']
  #signer: Promise<Signer> | undefined

  constructor(bucket: Bucket, after: Context['after']) {
    this.#bucket = bucket
    this.#after = after
  }

  async write({ key, size, type }: NewFile, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const body = streamOf(bytes)
    const headers = { 'content-type': type, 'content-length': String(size) }
    const answer = await this.#ask(key, { method: 'PUT', headers, body, signal })
    const told = await answer.text()
    if (answer.status === 507) throw new FullError('The store is full.')
    if (!answer.ok) throw refused('PUT', answer, told)
  }

  async read(key: string, size: number, range: ByteRange | undefined): Promise<Readable | undefined> {
    const headers: Record<string, string> = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` }
    const controller = new AbortController()
    const answer = await this.#hears(controller, key, { method: 'GET', headers })
    if (answer.status === 404) {
      await answer.body?.cancel()
      return undefined
    }
    const wanted = range === undefined ? size : range.end - range.start + 1
    if (
      answer.status !== (range === undefined ? 200 : 206) ||
      Number(answer.headers.get('content-length')) !== wanted
    ) {
      controller.abort()
      throw refused('GET', answer, `${answer.headers.get('content-length')} bytes instead of ${wanted}`)
    }
    return Readable.fromWeb(answer.body as ReadableStream)
  }

  async remove(key: string): Promise<void> {
    const answer = await this.#hears(new AbortController(), key, { method: 'DELETE' })
    const told = await answer.text()
    if (!answer.ok && answer.status !== 404) throw refused('DELETE', answer, told)
  }

  async tidy(): Promise<void> {}

  /** Asks a store that has to begin its answer before long, or nobody would notice that it is stuck. */
  async #hears(controller: AbortController, key: string, init: Omit<Init, 'signal'>): Promise<Response> {
    const cancel = this.#after(ANSWER_MS, () =>
      controller.abort(new Error(`the store does not answer when asked to ${init.method}`)),
    )
    return await this.#ask(key, { ...init, signal: controller.signal }).finally(cancel)
  }

  async #ask(key: string, init: Init): Promise<Response> {
    const { endpoint, bucket } = this.#bucket
    this.#signer ??= signerOf(this.#bucket)
    const signer = await this.#signer
    const url = `${endpoint.replace(/\/$/, '')}/${bucket}/${key.slice(0, 2)}/${key}`
    const { body, signal, ...unsigned } = init
    const { headers } = await signer.sign(url, { ...unsigned, headers: { ...init.headers } })
    // Not a part of what is signed: there are proxies that change it. Unpacked, an object would not have its length.
    headers.set('accept-encoding', 'identity')
    const options = {
      method: init.method,
      headers,
      redirect: 'error',
      ...(body !== undefined && { body, duplex: 'half' }),
      ...(signal !== undefined && { signal }),
    } as RequestInit
    return await fetch(url, options).catch((error: Error) => {
      if (error.cause === undefined) throw error
      const { message, code } = error.cause as NodeJS.ErrnoException
      throw new Error(`the store cannot be asked to ${init.method}: ${message || code}`, { cause: error })
    })
  }
}

interface Init {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: ReadableStream
  readonly signal?: AbortSignal
}

interface Signer {
  sign(url: string, init: object): Promise<Request>
}

/** The package is loaded where a store is used, and nowhere else. */
async function signerOf({ region, accessKey, secretKey }: Bucket): Promise<Signer> {
  const { AwsClient } = await import('aws4fetch')
  return new AwsClient({ accessKeyId: accessKey, secretAccessKey: secretKey, region, service: 's3' })
}

function streamOf(bytes: AsyncIterable<Uint8Array>): ReadableStream {
  return Readable.toWeb(Readable.from(bytes, { objectMode: false }))
}

function refused(method: string, { status }: Response, told: string): Error {
  return new Error(`the store answered ${status} to ${method}: ${told.slice(0, 500)}`)
}
