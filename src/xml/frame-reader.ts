import { Element } from './element.ts'
import type { ParserLimits } from './limits.ts'
import { NS } from './namespaces.ts'
import { type ParserTarget, StreamParser } from './parser.ts'
import { XmlError } from './xml-error.ts'

const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

/** What the elements of all frames stand in; it declares no default namespace, so each of them has to. */
const ROOT = Buffer.from(`<s:stream xmlns:s='${NS.streams}'>`)

/**
 * Reads a stream whose elements come one a frame (RFC 7395 §3.3), as strictly as {@link StreamParser} reads one long document,
 * and tells the same: `<open/>` is the header, `<close/>` the end.
 */
export class FrameReader {
  readonly #target: ParserTarget
  readonly #parser: StreamParser
  #opened = false
  #dead = false
  #elements = 0

  constructor(target: ParserTarget, limits: ParserLimits) {
    this.#target = target
    this.#parser = new StreamParser(
      {
        onOpen: () => {},
        onStanza: (element) => this.#take(element),
        onEnd: () => this.#fail('That ends no stream here: send <close/>.'),
        onError: (error) => this.#end(() => target.onError(error)),
      },
      limits,
    )
    this.#parser.write(ROOT)
  }

  /** Puts other limits in force, from the next frame on. */
  setLimits(limits: ParserLimits): void {
    this.#parser.setLimits(limits)
  }

  /** Reads a whole frame. */
  write(frame: Uint8Array): void {
    if (this.#dead) return
    // RFC 7395 §3.3: a message begins with `<`, so white space is none.
    if (frame[0] !== 0x3c) return this.#fail('A frame begins with <.')
    this.#elements = 0
    this.#parser.write(frame)
    if (!this.#dead && (this.#elements === 0 || !this.#parser.isBetween)) this.#fail('A frame is one whole element.')
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
    if (this.#dead) return
    if (++this.#elements > 1) return this.#fail('A frame is one element.')
    const { attrs, name } = element
    if (attrs['xmlns'] === NS.client) attrs['xmlns'] = undefined
    else if (attrs['xmlns'] === NS_FRAMING && name === 'close') return this.#end(() => this.#target.onEnd())
    else if (attrs['xmlns'] === NS_FRAMING && name === 'open') return this.#open(element)
    // RFC 7395 §3.3.2: a stanza's namespace is said in its frame; one in none would be taken for a stanza elsewhere.
    else if (attrs['xmlns'] === undefined)
      return this.#end(() =>
        this.#target.onError(new XmlError('invalid-namespace', 'Each frame declares its namespace.')),
      )
    if (!this.#opened) return this.#fail('A stream begins with <open/>.')
    this.#target.onStanza(element)
  }

  #open({ attrs }: Element): void {
    if (this.#opened) return this.#fail('The stream has begun already.')
    this.#opened = true
    const root = new Element('stream')
    root.attrs = { ...attrs, xmlns: NS.client }
    this.#target.onOpen(root)
  }

  #fail(text: string): void {
    this.#end(() => this.#target.onError(new XmlError('bad-format', text)))
  }

  #end(tell: () => void): void {
    if (this.#dead) return
    this.#dead = true
    this.#parser.stop()
    tell()
  }
}
