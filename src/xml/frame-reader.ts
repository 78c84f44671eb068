import { Element } from './element.ts'
import type { ParserLimits } from './limits.ts'
import { NS } from './namespaces.ts'
import { type ParserTarget, StreamParser } from './parser.ts'
import { tooMany, XmlError } from './xml-error.ts'

/** What `<open/>` and `<close/>` are in (RFC 7395 §3.3.1). */
const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

const LESS_THAN = 0x3c

/**
 * Reads a stream whose elements come one a frame (RFC 7395 §3.3), as strictly as {@link StreamParser} reads one long document,
 * and tells the same: `<open/>` is the header, `<close/>` the end. Nothing of a frame is told unless all of it is right.
 */
export class FrameReader {
  readonly #target: ParserTarget
  #limits: ParserLimits
  /** RFC 7395 §3.3.3: a frame is a document of its own. One parser reads them all, which is cheaper by far than one for each. */
  readonly #parser: StreamParser
  /** What the frame being read has in it. */
  #element: Element | undefined
  #opened = false
  #dead = false

  constructor(target: ParserTarget, limits: ParserLimits) {
    this.#target = target
    this.#limits = limits
    const frame: ParserTarget = {
      onOpen: () => {},
      onStanza: (element) => {
        this.#element = element
      },
      onEnd: () => {},
      onError: (error) => this.#fail(error),
    }
    this.#parser = new StreamParser(frame, limits, { framing: 'document', declared: true })
  }

  /** The longest frame that may be right, in bytes; 0 is no bound. Whoever gathers a frame stops there. */
  get maxBytes(): number {
    return this.#limits.bytes
  }

  /** Puts other limits in force, from the next frame on. */
  setLimits(limits: ParserLimits): void {
    this.#limits = limits
    this.#parser.setLimits(limits)
  }

  /** Reads a whole frame. */
  write(frame: Uint8Array): void {
    if (this.#dead) return
    // RFC 7395 §3.3.3: so white space between stanzas is no frame (§3.8), and there is no byte order mark.
    if (frame[0] !== LESS_THAN) return this.#fail(new XmlError('bad-format', 'A frame begins with <.'))
    this.#parser.write(frame)
    this.#parser.end()
    if (this.#dead) return
    this.#parser.renew()
    const element = this.#element!
    this.#element = undefined
    this.#take(element)
  }

  /** Ends the stream on account of a frame that is longer than {@link maxBytes}, and not here yet. */
  refuseLength(): void {
    this.#fail(tooMany('bytes'))
  }

  /** Whoever has frames waits with them: one that has begun to be read is read. */
  pause(): void {}
  resume(): void {}

  /** Ends the reading; nothing of a frame is ever left. */
  stop(): Uint8Array {
    this.#dead = true
    return new Uint8Array(0)
  }

  #take(element: Element): void {
    const { attrs, name } = element
    const xmlns = attrs['xmlns']
    if (xmlns === NS_FRAMING && name === 'close') return this.#end()
    if (xmlns === NS_FRAMING && name === 'open') return this.#open(element)
    // RFC 7395 §3.3.3: each frame declares its namespaces; what does not is in none, and no stanza.
    if (xmlns === '') return this.#fail(new XmlError('invalid-namespace', 'A frame declares its namespace.'))
    // RFC 7395 §3.4.
    if (!this.#opened) return this.#fail(new XmlError('bad-format', 'A stream begins with <open/>.'))
    // RFC 7395 §3.3.2: there is no such element here, and what looks like a header is none.
    if (xmlns === NS.streams && name === 'stream')
      return this.#fail(new XmlError('bad-format', 'A stream has no <stream> here.'))
    this.#target.onStanza(element)
  }

  #open({ attrs }: Element): void {
    if (this.#opened) return this.#fail(new XmlError('bad-format', 'The stream has begun already.'))
    this.#opened = true
    const root = new Element('stream')
    root.attrs = { ...attrs, xmlns: NS.client }
    this.#target.onOpen(root)
  }

  #end(): void {
    this.#dead = true
    this.#target.onEnd()
  }

  #fail(error: XmlError): void {
    if (this.#dead) return
    this.#dead = true
    this.#target.onError(error)
  }
}
