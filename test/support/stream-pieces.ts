import { StreamParser } from '../../src/xml/parser.ts'

const noLimits = { bytes: 0, depth: 0, elements: 0, attributes: 0 }
/** What is longer is passed on before its end has come. */
const PART = 4096

/** What a piece of a stream is; `error` is no XML that anybody would know the end of. */
export type Told = 'end' | 'error' | 'open' | 'stanza'

/** A piece of a stream, or a part of one. */
export interface Piece {
  /** Bytes, each a character. */
  readonly bytes: string
  /** Of a piece that is whole. */
  readonly told: Told | undefined
  readonly isFirst: boolean
  readonly isLast: boolean
}

/** Takes what a client says on a stream apart: header, elements, end. What is no stream is passed on as it is. */
export class StreamPieces {
  readonly #onPiece: (piece: Piece) => void
  #parser: StreamParser | undefined
  /** Bytes, each a character, of the element that has begun. */
  #pending = ''
  /** Whether a part of the element is out. */
  #begun = false
  #told: Told | undefined
  #broken = false

  constructor(onPiece: (piece: Piece) => void) {
    this.#onPiece = onPiece
  }

  take(said: string | Uint8Array): void {
    const text = Buffer.from(said as Uint8Array).toString('latin1')
    // An element ends with a `>`.
    for (const piece of text.match(/[^>]*>|[^>]+$/g) ?? []) this.#read(piece)
    if (this.#broken) this.#emit(true)
    else if (this.#pending.length > PART) this.#emit(false)
  }

  #read(piece: string): void {
    const isBetween = this.#pending === '' && !this.#begun
    // White space between elements is nothing where each stands alone.
    this.#pending += isBetween ? piece.replace(/^\s+/, '') : piece
    if (this.#broken || this.#pending === '') return
    if (this.#parser === undefined || (isBetween && /^<(?:\?xml|stream:stream)[\s>]/.test(this.#pending))) this.#renew()
    const told = this.#hear(piece)
    if (told === 'error') this.#broken = true
    else if (told !== undefined) this.#emit(true)
  }

  #hear(piece: string): Told | undefined {
    this.#told = undefined
    this.#parser!.write(Buffer.from(piece, 'latin1'))
    return this.#told
  }

  #renew(): void {
    const tell = (what: Told) => () => {
      this.#told = what
    }
    const target = { onOpen: tell('open'), onStanza: tell('stanza'), onEnd: tell('end'), onError: tell('error') }
    this.#parser = new StreamParser(target, noLimits)
  }

  #emit(isLast: boolean): void {
    const bytes = this.#pending
    this.#pending = ''
    if (bytes === '' && !this.#begun) return
    const isFirst = !this.#begun
    this.#begun = !isLast
    this.#onPiece({ bytes, told: this.#told, isFirst, isLast })
  }
}

/** The attributes of a stream's header, as written, but for its namespaces. */
export function headerAttributes(header: string): string {
  return header.replace(/^(?:<\?xml[^>]*>\s*)?<stream:stream|\sxmlns(?::stream)?='[^']*'|\/?>$/g, '')
}

/** An element of a stream as it stands alone, with its namespace; or the beginning of one. */
export function standAlone(element: string): string {
  const [tag, name] = /^<([^\s/>?!]+)(?:[^>'"]|'[^']*'|"[^"]*")*/.exec(element) ?? []
  if (tag === undefined || name === undefined) return element
  const declaration = name.startsWith('stream:')
    ? ` xmlns:stream='http://etherx.jabber.org/streams'`
    : /\sxmlns\s*=/.test(tag)
      ? ''
      : ` xmlns='jabber:client'`
  return `<${name}${declaration}${element.slice(name.length + 1)}`
}
