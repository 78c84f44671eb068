import { Element, type ParserLimits, type ParserTarget, type StreamReader, XmlError } from '#api'

/** What one step of a request says to the stream: its beginning, an element, its end. */
export type Said =
  | { readonly kind: 'open'; readonly attrs: Readonly<Record<string, string | undefined>> }
  | { readonly kind: 'payload'; readonly element: Element }
  | { readonly kind: 'end' }

const NS_CLIENT = 'jabber:client'

/**
 * Tells a stream what has been read already: the strict parser has seen each request as a whole. What it is told comes by
 * {@link prepare}; `write` is its turn, and brings no bytes.
 */
export class PayloadReader implements StreamReader {
  readonly #target: ParserTarget
  readonly #onLimits: (limits: ParserLimits) => void
  #next: Said | undefined
  #opened = false
  #dead = false

  constructor(target: ParserTarget, onLimits: (limits: ParserLimits) => void) {
    this.#target = target
    this.#onLimits = onLimits
  }

  prepare(said: Said): void {
    this.#next = said
  }

  setLimits(limits: ParserLimits): void {
    this.#onLimits(limits)
  }

  write(): void {
    const said = this.#next
    this.#next = undefined
    if (said === undefined || this.#dead) return
    if (said.kind === 'end') {
      this.#dead = true
      this.#target.onEnd()
    } else if (said.kind === 'open') this.#open(said.attrs)
    else if (!this.#opened) this.#fail('A stream begins anew after a login.')
    else this.#target.onStanza(said.element)
  }

  #open(attrs: Readonly<Record<string, string | undefined>>): void {
    if (this.#opened) return this.#fail('The stream has begun already.')
    this.#opened = true
    const root = new Element('stream')
    root.attrs = { ...attrs, xmlns: NS_CLIENT }
    this.#target.onOpen(root)
  }

  #fail(text: string): void {
    this.#dead = true
    this.#target.onError(new XmlError('bad-format', text))
  }

  /** Whoever has requests waits with them. */
  pause(): void {}
  resume(): void {}

  stop(): Uint8Array {
    this.#dead = true
    return new Uint8Array(0)
  }
}
