import { isUtf8 } from 'node:buffer'

const nothing = new Uint8Array(0)

/** Turns the bytes of a stream into text, whole characters at a time, and stops at the first that are not UTF-8. */
export class Utf8Reader {
  /** The beginning of a character whose rest is still to come: at most three bytes. */
  held: Uint8Array = nothing
  /** What is not UTF-8, from its first byte on; nothing is read after it. */
  bad: Buffer | undefined
  /** How many bytes the text read last was. */
  size = 0

  /** The characters that are complete now. */
  read(chunk: Uint8Array): string {
    let bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    if (this.held.length > 0) bytes = Buffer.concat([this.held, bytes])
    const end = completeEnd(bytes)
    this.held = end === bytes.length ? nothing : new Uint8Array(bytes.subarray(end))
    if (end !== bytes.length) bytes = bytes.subarray(0, end)
    this.size = end
    return isUtf8(bytes) ? bytes.toString() : this.#readGood(bytes)
  }

  #readGood(bytes: Buffer): string {
    // A lenient decoder puts U+FFFD for what is wrong: the first byte that does not survive the way back is there.
    const back = Buffer.from(bytes.toString())
    let wrong = 0
    while (bytes[wrong] === back[wrong]) wrong++
    const end = completeEnd(bytes.subarray(0, wrong))
    this.bad = Buffer.concat([bytes.subarray(end), this.held])
    this.held = nothing
    this.size = end
    return bytes.toString('utf8', 0, end)
  }
}

/** Where the last character that is complete ends. */
function completeEnd(bytes: Uint8Array): number {
  const { length } = bytes
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!
    if (byte < 0x80) return length
    if (byte >= 0xc0) {
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return byte >= 0xc2 && byte <= 0xf4 && size > back ? length - back : length
    }
  }
  return length
}
