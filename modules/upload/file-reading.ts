import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { ByteRange } from './byte-range.ts'

/** Read at once: more than what a socket takes before it has whoever writes wait, so that each is waited for. */
const PIECE_BYTES = 131_072

/**
 * Reads a part of a file, into the same two pieces of memory in turn: were each new, the collector of garbage would cost several times
 * what reading and sending do. A chunk is whoever reads the stream's until the next but one comes; `pipe` to a socket has sent it by then.
 * The file is closed with the stream.
 */
export function readInTurn(file: FileHandle, { start, end }: ByteRange): Readable {
  const pieces: Buffer[] = []
  let turn = 0
  let position = start
  return new Readable({
    // What has been read is to be taken before more is read.
    highWaterMark: 1,
    read() {
      if (position > end) {
        this.push(null)
        return
      }
      pieces[turn] ??= Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - start + 1))
      const piece = pieces[turn]!.subarray(0, end + 1 - position)
      turn = 1 - turn
      file.read(piece, 0, piece.length, position).then(
        ({ bytesRead }) => {
          position += bytesRead
          // A socket would not have whoever writes wait for a shorter piece.
          if (bytesRead < piece.length) this.destroy(new Error('the file is shorter than it was'))
          else this.push(piece)
        },
        (error: Error) => this.destroy(error),
      )
    },
    destroy(error, done) {
      file.close().then(() => done(error), done)
    },
  })
}
