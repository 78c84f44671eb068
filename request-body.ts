import type { Readable } from 'node:stream'
import { type Clock, HttpProblem } from '#api'
import { BindingError } from './answer.ts'

/** How long a whole request may take, in ms. */
const LONGEST_MS = 60_000

/**
 * Reads the body of a request, of at most `bound` bytes; past that `boundOf` is asked, with what has come, whether it may be longer.
 * 0 is no bound.
 *
 * @throws BindingError `policy-violation` when it is too long.
 * @throws HttpProblem 408 when it takes too long, 400 when its end does not come.
 */
export function readBody(
  raw: Readable,
  bound: number,
  boundOf: (begun: Buffer) => number,
  clock: Pick<Clock, 'after'>,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let most = bound
    const settle = (then: () => void) => {
      cancel()
      raw.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      // Nobody listens, but what fails later is no crash.
      raw.on('error', () => {})
      raw.pause()
      then()
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (most === 0 || size <= most) return
      if (most === bound) most = boundOf(Buffer.concat(chunks))
      if (most !== 0 && size > most)
        settle(() => reject(new BindingError('policy-violation', 'The request is too long.')))
    }
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks, size)))
    const onClose = () => settle(() => reject(new HttpProblem(400, 'The request has no end.')))
    const cancel = clock.after(LONGEST_MS, () =>
      settle(() => reject(new HttpProblem(408, 'The request takes too long.', { connection: 'close' }))),
    )
    raw.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}
