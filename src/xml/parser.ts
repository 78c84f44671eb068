import type { Element } from './element.ts'
import type { ParserLimits } from './limits.ts'
import { NS } from './namespaces.ts'
import { Source } from './source.ts'
import { type Step, Tokens } from './tokens.ts'
import { Tree } from './tree.ts'
import { notWellFormed, XmlError } from './xml-error.ts'

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

/** How a {@link StreamParser} reads. */
export interface ParserOptions {
  /** `stream` (the default) reads a stream; `document` one element, which goes to `onStanza`. */
  readonly framing?: 'document' | 'stream'
  /** The namespace a document that declares none is in; it is left out of the tree. By default `jabber:client`. */
  readonly namespace?: string
  /** Whether a document is in that namespace only when it says so; one that declares none has `attrs.xmlns` empty then. */
  readonly declared?: boolean
}

/**
 * Reads one XML stream strictly (XML 1.0 5th ed., Namespaces in XML 1.0, RFC 6120 §11) and builds its stanzas.
 *
 * One for each stream: after the first error, the closing tag or {@link stop} it rests, takes calls and does nothing.
 * Between writes it keeps only what is incomplete. The strings in its trees are slices of the chunk they came with, and
 * any of them keeps the whole chunk in memory: whoever keeps a part of a stanza for long copies it.
 */
export class StreamParser {
  readonly #target: ParserTarget
  readonly #source = new Source()
  readonly #tokens: Tokens
  #waiting: Uint8Array[] = []
  #running = false
  #paused = false
  #dead = false

  constructor(target: ParserTarget, limits: ParserLimits, options: ParserOptions = {}) {
    this.#target = target
    const isStream = options.framing !== 'document'
    const namespace = isStream ? '' : (options.namespace ?? NS.client)
    const tree = new Tree(isStream, namespace, options.declared === true ? '' : namespace)
    this.#tokens = new Tokens(this.#source, tree, limits, isStream)
  }

  /** True once nothing more will be read. */
  get dead(): boolean {
    return this.#dead
  }

  /** Puts other limits in force, from the next stanza or chunk on. */
  setLimits(limits: ParserLimits): void {
    this.#tokens.limits = limits
  }

  /** Reads on. While paused, or when called from the target, the chunk is kept (not copied) until its turn. */
  write(chunk: Uint8Array): void {
    if (this.#dead || chunk.length === 0) return
    this.#waiting.push(chunk)
    if (!this.#paused && !this.#running) this.#catchUp()
  }

  /** Says that nothing follows: a stream or document that is not complete is an error then. */
  end(): void {
    if (this.#dead) return
    if (this.#source.isCut) {
      this.#source.finish(this.#tokens.limits.bytes)
      this.#run()
    }
    if (this.#dead) return
    if (this.#tokens.complete && !this.#source.isCut) this.#rest()
    else this.#fail(notWellFormed('The end came too soon.'))
  }

  /** After the {@link end} of a document that was complete: begins to read another one. */
  renew(): void {
    this.#tokens.renew()
    this.#dead = false
  }

  /** Tells the target nothing after the present stanza, until {@link resume}. The owner stops writing meanwhile. */
  pause(): void {
    this.#paused = true
  }

  /** Goes on where {@link pause} stopped, at once. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (!this.#dead && !this.#running) this.#catchUp()
  }

  /** Ends the reading without an error; returns the bytes after what the target was told: a new stream, or an attack. */
  stop(): Uint8Array {
    if (this.#dead) return new Uint8Array(0)
    const waiting = this.#waiting
    return Buffer.concat([this.#rest(), ...waiting])
  }

  #rest(): Uint8Array {
    this.#dead = true
    this.#waiting = []
    return this.#source.drain()
  }

  #fail(error: XmlError): void {
    this.#rest()
    this.#target.onError(error)
  }

  #catchUp(): void {
    // What a pause, or a target that threw, left unread comes first.
    if (this.#source.text !== '') this.#run()
    while (this.#waiting.length > 0 && !this.#dead && !this.#paused) {
      this.#source.take(this.#waiting.shift()!, this.#tokens.limits.bytes)
      this.#run()
    }
  }

  #run(): void {
    this.#running = true
    try {
      while (!this.#dead && !this.#paused) {
        const step = this.#next()
        if (step === 'more') break
        this.#tell(step)
      }
    } finally {
      this.#running = false
    }
  }

  /** What the target threw is its caller's; only what is wrong with the input becomes its error. */
  #next(): Step {
    try {
      const step = this.#tokens.next()
      if (step === 'more') this.#source.settle(this.#tokens.limits.bytes)
      return step
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      this.#fail(error)
      return 'more'
    }
  }

  #tell(step: Step): void {
    if (step === 'stanza') this.#target.onStanza(this.#tokens.element!)
    else if (step === 'open') this.#target.onOpen(this.#tokens.element!)
    else {
      this.#rest()
      this.#target.onEnd()
    }
  }
}

const unlimited: ParserLimits = { bytes: 0, depth: 0, elements: 0, attributes: 0 }

/**
 * Reads one whole element as strictly as a stream's, in the form its tree would have in a `jabber:client` stream.
 *
 * Without `limits` there are none: what comes from outside is given some. Throws {@link XmlError}.
 */
export function parseDocument(
  text: string | Uint8Array,
  limits: ParserLimits = unlimited,
  options: Pick<ParserOptions, 'declared'> = {},
): Element {
  let result: Element | undefined
  const fail = (error: XmlError) => {
    throw error
  }
  const parser = new StreamParser(
    {
      onOpen: () => {},
      onStanza: (element) => {
        result = element
      },
      onEnd: () => {},
      onError: fail,
    },
    limits,
    { framing: 'document', ...options },
  )
  if (typeof text === 'string' && !text.isWellFormed()) fail(notWellFormed('XML has no such character.'))
  parser.write(typeof text === 'string' ? Buffer.from(text) : text)
  parser.end()
  return result!
}
