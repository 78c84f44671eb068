import { finished } from 'node:stream'
import { type Cancel, type Clock, HttpProblem, type HttpReply, type HttpRequest, isUnavailable, linger } from '#api'
import { type FileStore, FullError } from './file-store.ts'
import { essenceOf, isMediaType } from './media-type.ts'
import { keyOf, showsToken } from './slot-key.ts'
import type { FileRecord, UploadStore } from './store.ts'

/** What files are received with. */
export interface ReceivingParts {
  readonly store: UploadStore
  readonly files: FileStore
  readonly clock: Clock
  readonly after: (ms: number, fn: () => void) => Cancel
  readonly secret: Uint8Array
  /** How long a file may take to come, in ms; 0 for as long as it takes. */
  readonly uploadMs: number
  /** How a request has ended. */
  readonly count: (outcome: Outcome, bytes: number) => void
}

/** Stored; refused, or not what was promised; cut off; or the server could not. */
export type Outcome = 'cut' | 'failed' | 'refused' | 'stored'

interface Coming {
  readonly account: string
  readonly controller: AbortController
  readonly done: Promise<void>
}

/** A request as Node has it. */
type RawRequest = HttpRequest['raw']

/** The address of a file, decoded. */
export interface Address {
  readonly slot: string
  readonly name: string
}

/** Takes files for which there are slots: each once, of the promised size. */
export class Receiving {
  readonly #parts: ReceivingParts
  readonly #coming = new Map<string, Coming>()
  /** Accounts for which nothing is taken any more. */
  readonly #shut = new Set<string>()
  #stopped = false

  constructor(parts: ReceivingParts) {
    this.#parts = parts
  }

  /** Keys of an account's files that are coming. */
  of(account: string): string[] {
    return [...this.#coming].filter(([, one]) => one.account === account).map(([key]) => key)
  }

  isComing(key: string): boolean {
    return this.#coming.has(key)
  }

  /** Takes nothing of an account any more, and settles when what was coming has been given up; what is returned lets it in again. */
  async shut(account: string): Promise<() => void> {
    this.#shut.add(account)
    await this.#giveUp((one) => one.account === account)
    return () => this.#shut.delete(account)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#giveUp(() => true)
  }

  async #giveUp(which: (one: Coming) => boolean): Promise<void> {
    const ending = [...this.#coming.values()].filter(which)
    for (const { controller } of ending) controller.abort(new HttpProblem(503, 'The file is not taken any more.'))
    await Promise.all(ending.map(({ done }) => done))
  }

  /** Answers a PUT request (XEP-0363 §6): 201 once the file is there. */
  async put(request: HttpRequest, reply: HttpReply): Promise<unknown> {
    const { raw } = request
    try {
      const { slot, name } = request.params as Address
      const file = await this.#find(keyOf(slot, name))
      await this.#take(request, file)
      this.#parts.count('stored', file.size)
      return await reply.code(201).send()
    } catch (error) {
      linger(raw, reply.raw, this.#parts.after)
      const problem = this.#problemOf(error)
      if (problem === undefined) {
        this.#parts.count('failed', 0)
        throw error
      }
      this.#parts.count(
        problem.status === 400 && raw.destroyed ? 'cut' : problem.status < 500 ? 'refused' : 'failed',
        0,
      )
      throw problem
    }
  }

  async #find(key: string): Promise<FileRecord> {
    const file = await this.#parts.store.find(key)
    if (file === undefined) throw new HttpProblem(404, 'There is no such slot, or it is over.')
    return file
  }

  async #take(request: HttpRequest, file: FileRecord): Promise<void> {
    const { key, account } = file
    const type = this.#check(request, file)
    // From here to the entry nothing may come between.
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const controller = new AbortController()
    this.#coming.set(key, { account, controller, done })
    const { uploadMs, after } = this.#parts
    const late = new HttpProblem(408, 'The file took too long to come.')
    const cancel = uploadMs > 0 ? after(uploadMs, () => controller.abort(late)) : () => {}
    try {
      // It may have come, or be over, since it was looked for.
      if ((await this.#find(key)).storedMs !== null) throw alreadyThere()
      await this.#keep(request.raw, file, type, controller.signal)
    } finally {
      cancel()
      // Whoever kept it may have left off in the middle.
      controller.abort()
      this.#coming.delete(key)
      resolve()
    }
  }

  /** The type to keep. @throws HttpProblem when this is not what was promised, or not now. */
  #check({ headers }: HttpRequest, file: FileRecord): string | null {
    const { secret, clock } = this.#parts
    if (file.storedMs !== null || file.untilMs === null) throw alreadyThere()
    if (!showsToken(headers.authorization, secret, { ...file, untilMs: file.untilMs }))
      throw new HttpProblem(403, 'The header Authorization does not have the token of the slot.')
    if (clock.now() >= file.untilMs) throw new HttpProblem(410, 'The slot is over: ask for another.')
    if (this.#coming.has(file.key)) throw new HttpProblem(409, 'The file is coming already.')
    if (this.#stopped || this.#shut.has(file.account)) throw new HttpProblem(503, 'Nothing is taken now.')
    // XEP-0363 §6: the size must match, the type should.
    const length = headers['content-length']
    if (length !== undefined && Number(length) !== file.size) throw wrongSize(file.size, Number(length) > file.size)
    // RFC 9112 §6.1
    if ((headers['transfer-encoding'] ?? 'chunked').toLowerCase() !== 'chunked')
      throw new HttpProblem(501, 'No such transfer encoding is known here.')
    if (headers['content-encoding'] !== undefined) throw new HttpProblem(415, 'Files are sent as they are.')
    if (headers['content-range'] !== undefined) throw new HttpProblem(400, 'Files are sent whole.')
    const { 'content-type': given = '' } = headers
    if (given === '') return file.type
    if (file.type === null) {
      if (!isMediaType(given)) throw new HttpProblem(400, 'The content type is none.')
      return given
    }
    if (essenceOf(given) !== essenceOf(file.type))
      throw new HttpProblem(415, `The slot is for a file of type ${file.type}.`)
    return file.type
  }

  async #keep(raw: RawRequest, file: FileRecord, type: string | null, signal: AbortSignal): Promise<void> {
    const { files, store, clock } = this.#parts
    const { key, size } = file
    const body = new Body(raw, size, signal)
    try {
      await files.write({ key, size, type: type ?? 'application/octet-stream' }, body, signal)
    } catch (error) {
      // Whoever passes the bytes on may wrap what they threw.
      throw body.failure ?? (signal.aborted ? signal.reason : error)
    }
    // Only now can anybody get it. Should this fail, what was written goes with the slot.
    if (await store.settle(key, type, clock.now())) return
    if ((await store.find(key)) !== undefined) throw alreadyThere()
    await files.remove(key)
    throw new HttpProblem(410, 'The slot is over.')
  }

  #problemOf(error: unknown): HttpProblem | undefined {
    if (error instanceof HttpProblem) return error
    if (error instanceof FullError) return new HttpProblem(507, 'There is no room for the file.')
    if (isUnavailable(error)) return new HttpProblem(503, 'The database does not answer now.', { 'retry-after': '10' })
    return undefined
  }
}

/** The bytes of a request, which must be so many. The connection is left as it is when they are not: its owner hears why. */
class Body implements AsyncIterable<Uint8Array> {
  /** Why the bytes did not come. */
  failure: HttpProblem | undefined
  readonly #raw: RawRequest
  readonly #size: number
  readonly #signal: AbortSignal

  constructor(raw: RawRequest, size: number, signal: AbortSignal) {
    this.#raw = raw
    this.#size = size
    this.#signal = signal
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let count = 0
    try {
      for await (const chunk of chunksOf(this.#raw, this.#signal)) {
        count += chunk.length
        if (count > this.#size) throw wrongSize(this.#size, true)
        yield chunk
      }
      if (count < this.#size) throw wrongSize(this.#size, false)
    } catch (error) {
      this.failure ??= error instanceof HttpProblem ? error : new HttpProblem(400, 'The file did not come whole.')
      throw this.failure
    }
  }
}

/**
 * What comes with a request, piece by piece as it comes: read from the stream, what waits would be joined to larger pieces, which costs more than
 * all the rest. Ends at once, with the reason of `signal`, when that tells it to; the request goes on, and is nobody's.
 */
async function* chunksOf(raw: RawRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let came: Uint8Array | undefined
  let end: { readonly error: Error | null | undefined } | undefined
  let wake = () => {}
  const take = (chunk: Uint8Array) => {
    raw.pause()
    came = chunk
    wake()
  }
  const forget = finished(raw, { writable: false, signal }, (error) => {
    end = { error }
    raw.off('data', take)
    wake()
  })
  raw.on('data', take)
  try {
    while (end === undefined) {
      const waking = new Promise<void>((resolve) => (wake = resolve))
      raw.resume()
      await waking
      if (came === undefined) continue
      const chunk: Uint8Array = came
      came = undefined
      yield chunk
    }
    signal.throwIfAborted()
    if (end.error) throw end.error
  } finally {
    raw.off('data', take)
    forget()
  }
}

function alreadyThere(): HttpProblem {
  return new HttpProblem(409, 'The file is there already.')
}

function wrongSize(size: number, isMore: boolean): HttpProblem {
  return new HttpProblem(isMore ? 413 : 400, `The slot is for a file of ${size} bytes.`)
}
