import { Pieces } from './pieces.ts'
import { TagScan } from './tag-scan.ts'
import { Utf8Reader } from './utf8.ts'
import { notWellFormed, tooMany, XmlError } from './xml-error.ts'

// XML 1.0 §2.2, production 2. Surrogates that stand alone do not come out of UTF-8.
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
/** What makes a closer look necessary: forbidden, white space that is changed, a reference, perhaps a `]]>`. */
const remarkable = /[\0-\x1f&\]\ufffe\uffff]/

const nothing = Buffer.alloc(0)

/** The text of a stream: decodes chunks, keeps what is incomplete between them, and counts the bytes of a stanza. */
export class Source {
  /** What can be read now. */
  text = ''
  /** How far it has been read. */
  pos = 0
  /** Whether nothing in `text` is {@link remarkable}. */
  plain = true
  /** The position the stanza's limit of bytes ends at. */
  cut = Number.POSITIVE_INFINITY
  #ascii = true
  /** The stanza's bytes before `#base`. */
  #used = 0
  #base = 0
  readonly #utf8 = new Utf8Reader()
  /** The token that is incomplete, its bytes, and when to try again. */
  readonly #carry = new Pieces()
  #carryBytes = 0
  readonly #scan = new TagScan()
  /** Whether no character has come yet. */
  #fresh = true
  /** What is wrong in itself and everything after it, and why; what is before it is read first. */
  #bad: Buffer | undefined
  #badError: XmlError | undefined

  /** Whether the input so far ends in the middle of something. */
  get isCut(): boolean {
    return !this.#carry.empty || this.#utf8.held.length > 0
  }

  /** Takes a chunk; afterwards `text` is what can be read, with what was incomplete before it. */
  take(chunk: Uint8Array, limit: number): void {
    if (this.#bad !== undefined) return
    let piece = this.#utf8.read(chunk)
    let size = this.#utf8.size
    // RFC 6120 §4.9.3.22: another encoding, or UTF-8 gone wrong.
    if (this.#utf8.bad !== undefined)
      this.#markBad(this.#utf8.bad, new XmlError('unsupported-encoding', 'XMPP is written in UTF-8.'))
    const plain = !remarkable.test(piece)
    const at = plain ? -1 : piece.search(forbidden)
    if (at !== -1) {
      this.#markBad(Buffer.from(piece.slice(at)), notWellFormed('XML has no such character.'))
      piece = piece.slice(0, at)
      size = Buffer.byteLength(piece)
    }
    this.#load(piece, size, plain, limit)
    // Of two errors the first is told, so that it does not depend on chunks which it is.
    if (this.#bad !== undefined) this.finish(limit)
  }

  /** Makes what is incomplete readable: nothing follows. */
  finish(limit: number): void {
    if (!this.#carry.empty) this.#put(this.#carry.take(), this.#carryBytes, false, limit)
  }

  /** Keeps what was not read for the next chunk; throws what is wrong where the reading stopped. */
  settle(limit: number): void {
    if (this.text.length > this.cut) throw tooMany('bytes')
    if (this.pos < this.text.length) {
      const rest = this.text.slice(this.pos)
      this.#carryBytes = this.#sizeOf(this.pos, this.text.length)
      this.#carry.add(rest)
      this.#scan.begin(rest)
    }
    this.#used += this.#sizeOf(this.#base, this.pos)
    this.#empty()
    if (limit > 0 && !this.#carry.empty && this.#used + this.#carryBytes > limit) throw tooMany('bytes')
    if (this.#badError !== undefined) throw this.#badError
  }

  /** Counts a new stanza's bytes from here. */
  mark(limit: number): void {
    this.#used = 0
    this.#base = this.pos
    this.cut = this.#findCut(limit)
  }

  /** The bytes that were not read; afterwards there are none. */
  drain(): Buffer {
    const unread = this.#carry.take() + this.text.slice(this.pos)
    this.#empty()
    const undecoded = this.#bad ?? this.#utf8.held
    return unread === '' && undecoded.length === 0 ? nothing : Buffer.concat([Buffer.from(unread), undecoded])
  }

  #empty(): void {
    this.text = ''
    this.pos = 0
    this.#base = 0
    this.cut = Number.POSITIVE_INFINITY
  }

  #markBad(from: Buffer, error: XmlError): void {
    this.#bad = this.#bad === undefined ? from : Buffer.concat([from, this.#bad])
    this.#badError = error
  }

  /** Makes a piece readable, or adds it to a token that still is not complete. */
  #load(piece: string, size: number, plain: boolean, limit: number): void {
    if (piece === '') return
    // RFC 6120 §11.6 would take a byte order mark for a character; at the very start it harms nobody.
    if (this.#fresh && piece.charCodeAt(0) === 0xfeff) piece = piece.slice(1)
    this.#fresh = false
    if (this.#carry.empty) {
      this.#put(piece, size, plain, limit)
      return
    }
    this.#carry.add(piece)
    this.#carryBytes += size
    if (!this.#scan.more(piece)) return
    const whole = this.#carry.take()
    this.#put(whole, this.#carryBytes, !remarkable.test(whole), limit)
  }

  #put(text: string, size: number, plain: boolean, limit: number): void {
    this.text = text
    this.pos = 0
    this.plain = plain
    this.#ascii = text.length === size
    this.#base = 0
    this.cut = this.#findCut(limit)
  }

  #sizeOf(from: number, to: number): number {
    return this.#ascii || from === to ? to - from : Buffer.byteLength(this.text.slice(from, to))
  }

  #findCut(limit: number): number {
    if (limit === 0) return Number.POSITIVE_INFINITY
    let room = limit - this.#used
    const length = this.text.length - this.#base
    // A character is at most three bytes for each of its UTF-16 units.
    if ((this.#ascii ? length : length * 3) <= room) return Number.POSITIVE_INFINITY
    if (this.#ascii) return this.#base + room
    for (let at = this.#base; at < this.text.length; at++) {
      const code = this.text.charCodeAt(at)
      room -= code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
      if (room < 0) return at
    }
    return Number.POSITIVE_INFINITY
  }
}
