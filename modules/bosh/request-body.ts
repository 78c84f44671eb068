import { type Context, HttpProblem, type HttpReply, type HttpRequest, linger } from '#api'
import { BindingError } from './answer.ts'

type RawRequest = HttpRequest['raw']

/** How a body may come. */
export interface BodyBounds {
  /** The most bytes of a body of which nothing is known, and of one that begins with so many; 0 is no bound. */
  readonly most: number
  readonly mostAfter: (beginning: Buffer) => number
  /** How long it may take, in milliseconds. */
  readonly timeMs: number
  readonly after: Context['after']
}

const FIRST_BYTES = 1024

/**
 * Reads the body of a request, into as few pieces of memory as it needs: what comes in crumbs takes no more than what comes at once.
 *
 * @throws BindingError `policy-violation` for one that is too long.
 * @throws HttpProblem for one that takes too long, or does not come whole.
 */
export async function readBody(
  raw: RawRequest,
  answer: HttpReply['raw'],
  { most, mostAfter, timeMs, after }: BodyBounds,
): Promise<Buffer> {
  let bytes = Buffer.allocUnsafe(FIRST_BYTES)
  let length = 0
  let bound: number | undefined
  const add = (chunk: Buffer) => {
    const end = length + chunk.length
    if (end > bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * bytes.length))
      bytes.copy(larger, 0, 0, length)
      bytes = larger
    }
    length += chunk.copy(bytes, length)
    if (most === 0 || length <= most) return
    bound ??= mostAfter(bytes.subarray(0, length))
    if (bound > 0 && length > bound) throw new BindingError('policy-violation', 'The request is too long.')
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onData = (chunk: Buffer) => {
    try {
      add(chunk)
    } catch (error) {
      reject(error)
    }
  }
  const onClose = () => reject(new HttpProblem(400, 'The request did not come whole.'))
  const cancel = after(timeMs, () => reject(new HttpProblem(408, 'The request took too long to come.')))
  raw.on('data', onData).on('end', resolve).on('close', onClose).on('error', onClose)
  try {
    await promise
    return bytes.subarray(0, length)
  } catch (error) {
    linger(raw, answer, after)
    throw error
  } finally {
    cancel()
    raw.off('data', onData).off('close', onClose)
  }
}
