import type { Element } from './element.ts'
import type { ParserLimits } from './limits.ts'
import { NS } from './namespaces.ts'
import { type Name, nameAt, nameEnd } from './names.ts'
import { Pieces } from './pieces.ts'
import { completeBrackets, completeText, endLines, readText, readValue } from './references.ts'
import { TagScan } from './tag-scan.ts'
import { Tree } from './tree.ts'
import { Utf8Reader } from './utf8.ts'
import { notWellFormed, XmlError } from './xml-error.ts'

export { parseDocument } from './parse-document.ts'
export { type XmlCondition, XmlError } from './xml-error.ts'

/** Who is told what a {@link StreamParser} reads, synchronously and in order. */
export interface ParserTarget {
  /** The stream header: the attributes as written, `xmlns` (the content namespace) and `xmlns:stream` among them. */
  onOpen(root: Element): void
  /** A whole top-level element; `attrs.xmlns` is there when it is not in the stream's content namespace. */
  onStanza(element: Element): void
  /** The stream's closing tag; nothing after it is read. */
  onEnd(): void
  /** The first violation; nothing after it is read. */
  onError(error: XmlError): void
}

export interface ParserOptions {
  /** `stream` (the default) reads a stream; `document` one element, given to `onStanza`. */
  readonly framing?: 'document' | 'stream'
  /** The namespace a document that declares none is in; it is left out of the tree. By default `jabber:client`. */
  readonly namespace?: string
}

/** What one step of reading comes to. */
type Step = 'end' | 'go' | 'more' | 'open' | 'stanza'

// XML 1.0 §2.2, production 2; surrogates that stand alone cannot come out of UTF-8.
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
/** What makes a closer look necessary: forbidden, white space that is changed, a reference, perhaps a `]]>`. */
const remarkable = /[\0-\x1f&\]\ufffe\uffff]/
// XML 1.0 §2.8, production 23.
const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][-\w.]*)"|'([A-Za-z][-\w.]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$/
const longestDeclaration = 256
const cdataStart = '<![CDATA['

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
}

/**
 * Reads one XML stream strictly (XML 1.0 5th ed., Namespaces in XML 1.0, RFC 6120 §11) and builds its stanzas.
 *
 * One for each stream: after the first error, the closing tag or {@link stop} it rests, takes calls and does nothing.
 * Between writes it keeps only what is incomplete. The strings in its trees are slices of the chunk they came with, and
 * V8 keeps the whole chunk alive with any of them: whoever keeps a part of a stanza for long copies it.
 */
export class StreamParser {
  readonly #target: ParserTarget
  #limits: ParserLimits
  readonly #isStream: boolean
  /** Open elements around a stanza. */
  readonly #top: number
  readonly #tree: Tree
  readonly #utf8 = new Utf8Reader()
  /** What is being read, and how far. */
  #buffer = ''
  #pos = 0
  /** Whether nothing in the buffer is {@link remarkable}, and whether each of its characters was one byte. */
  #plain = true
  #ascii = true
  /** Bytes of the present stanza before `#base`, and the position in the buffer its limit is reached at. */
  #used = 0
  #base = 0
  #cut = Number.POSITIVE_INFINITY
  /** The token that is incomplete, its bytes, and when to try again. */
  readonly #carry = new Pieces()
  #carryBytes = 0
  #carryPlain = true
  #carryAscii = true
  readonly #scan = new TagScan()
  #inCdata = false
  /** Whether anything was read, so that no declaration may follow. */
  #begun = false
  #complete = false
  /** Bytes nothing is read from: the first is what is wrong. */
  #bad: Buffer | undefined
  #badReason = ''
  #waiting: Uint8Array[] = []
  #running = false
  #paused = false
  #dead = false

  constructor(target: ParserTarget, limits: ParserLimits, options: ParserOptions = {}) {
    this.#target = target
    this.#limits = limits
    this.#isStream = options.framing !== 'document'
    this.#top = this.#isStream ? 1 : 0
    this.#tree = new Tree(this.#isStream, this.#isStream ? '' : (options.namespace ?? NS.client))
  }

  /** True once nothing more will be read. */
  get dead(): boolean {
    return this.#dead
  }

  /** Puts other limits in force, from the next stanza or chunk on. */
  setLimits(limits: ParserLimits): void {
    this.#limits = limits
  }

  /** Reads on. While paused, or when called from the target, the chunk is kept (not copied) until its turn. */
  write(chunk: Uint8Array): void {
    if (this.#dead || chunk.length === 0) return
    if (this.#paused || this.#running) this.#waiting.push(chunk)
    else {
      this.#take(chunk)
      this.#catchUp()
    }
  }

  /** Says that nothing follows: what is incomplete then is an error. */
  end(): void {
    if (this.#dead) return
    if (!this.#carry.empty) {
      this.#load('', 0)
      this.#run()
    }
    if (!this.#dead && !this.#complete) this.#fail(notWellFormed('The end came too soon.'))
    this.#dead = true
  }

  /** Tells the target nothing after the present stanza, until {@link resume}. The owner stops writing meanwhile. */
  pause(): void {
    this.#paused = true
  }

  /** Goes on where {@link pause} stopped, at once. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#dead || this.#running) return
    this.#run()
    this.#catchUp()
  }

  /** Ends the reading, without an error, and returns the bytes nobody was told about: a new stream's, or an attack's. */
  stop(): Uint8Array {
    if (this.#dead) return new Uint8Array(0)
    const read = this.#carry.take() + this.#buffer.slice(this.#pos)
    const rest = Buffer.concat([Buffer.from(read), this.#bad ?? this.#utf8.held, ...this.#waiting])
    this.#rest()
    return rest
  }

  #rest(): void {
    this.#dead = true
    this.#buffer = ''
    this.#pos = 0
    this.#carry.take()
    this.#waiting = []
  }

  #fail(error: XmlError): void {
    this.#rest()
    this.#target.onError(error)
  }

  // ---- chunks ----

  #catchUp(): void {
    while (this.#waiting.length > 0 && !this.#dead && !this.#paused) this.#take(this.#waiting.shift()!)
  }

  #take(chunk: Uint8Array): void {
    if (this.#bad !== undefined) return
    // RFC 6120 §4.9.3.22: neither byte begins anything in UTF-8; both begin UTF-16's mark.
    if (!this.#begun && (chunk[0] === 0xfe || chunk[0] === 0xff) && this.#utf8.held.length === 0)
      return this.#fail(new XmlError('unsupported-encoding', 'XMPP is written in UTF-8.'))
    let text = this.#utf8.read(chunk)
    // RFC 6120 §11.6 would have a byte order mark be text, and so an error; a mark at the very start harms nobody.
    if (!this.#begun && this.#carry.empty && text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    if (text !== '' || this.#utf8.bad !== undefined) this.#begun ||= text.trimStart() !== '' && false
    this.#carryPlain &&= !remarkable.test(text)
    if (!this.#carryPlain) text = this.#cutForbidden(text)
    this.#load(text, chunk.length)
    this.#run()
  }
}
