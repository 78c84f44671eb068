import { declarationEnd } from './declaration.ts'
import type { Element } from './element.ts'
import type { ParserLimits } from './limits.ts'
import { nameAt, nameEnd } from './names.ts'
import { completeBrackets, completeText, endLines, readText, readValue } from './references.ts'
import type { Source } from './source.ts'
import type { Tree } from './tree.ts'
import { notWellFormed, tooMany, XmlError } from './xml-error.ts'

/** What a step comes to: nothing yet for want of input, nothing to tell, or something to tell the target. */
export type Step = 'end' | 'go' | 'more' | 'open' | 'stanza'

const cdataStart = '<![CDATA['

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
}

/** Takes a source apart into tags and text and has them made a tree; throws {@link XmlError} at the first violation. */
export class Tokens {
  limits: ParserLimits
  /** What `open` and `stanza` are about. */
  element: Element | undefined
  /** Whether a document's element has ended. */
  complete = false
  readonly #source: Source
  readonly #tree: Tree
  readonly #isStream: boolean
  /** Open elements around a stanza. */
  readonly #top: number
  #inCdata = false
  /** Whether anything has been read, so that no declaration may follow. */
  #begun = false
  #rootIsEmpty = false

  constructor(source: Source, tree: Tree, limits: ParserLimits, isStream: boolean) {
    this.#source = source
    this.#tree = tree
    this.limits = limits
    this.#isStream = isStream
    this.#top = isStream ? 1 : 0
  }

  /** After a document that was complete: another one follows. */
  renew(): void {
    this.element = undefined
    this.complete = false
    this.#begun = false
  }

  /** Reads until there is something to tell or nothing to read. */
  next(): Step {
    if (this.#rootIsEmpty) return this.#close()
    const source = this.#source
    while (source.pos < source.text.length) {
      const step = this.#inCdata
        ? this.#cdata()
        : source.text.charCodeAt(source.pos) === 0x3c
          ? this.#markup()
          : this.#characters()
      if (source.pos > source.cut) throw tooMany('bytes')
      if (step === 'more') return step
      this.#begun = true
      if (step !== 'go') return step
    }
    return 'more'
  }

  #characters(): Step {
    if (this.#tree.depth <= this.#top) return this.#betweenStanzas()
    let end = this.#source.text.indexOf('<', this.#source.pos)
    if (end === -1)
      end = this.#source.plain ? this.#source.text.length : completeText(this.#source.text, this.#source.pos)
    if (end === this.#source.pos) return 'more'
    const piece = this.#source.text.slice(this.#source.pos, end)
    this.#tree.text(this.#source.plain ? piece : readText(piece))
    this.#source.pos = end
    return 'go'
  }

  /** White space keeps a connection alive and costs nothing (RFC 6120 §4.6.1). */
  #betweenStanzas(): Step {
    while (isSpace(this.#source.text.charCodeAt(this.#source.pos))) this.#source.pos++
    this.#beginStanza()
    if (this.#source.pos === this.#source.text.length || this.#source.text.charCodeAt(this.#source.pos) === 0x3c)
      return 'go'
    if (this.#tree.depth === 0) throw notWellFormed('There is text outside the outermost element.')
    // RFC 6120 §4.9.3.1: well-formed, but nothing of a stream.
    throw new XmlError('bad-format', 'There is text between stanzas.')
  }

  #cdata(): Step {
    const close = this.#source.text.indexOf(']]>', this.#source.pos)
    let end = close
    if (close === -1) {
      end = completeBrackets(this.#source.text, this.#source.pos)
      if (this.#source.text.charCodeAt(end - 1) === 0x0d) end--
      if (end <= this.#source.pos) return 'more'
    }
    this.#tree.text(endLines(this.#source.text.slice(this.#source.pos, end)))
    this.#source.pos = close === -1 ? end : close + 3
    this.#inCdata = close === -1
    return 'go'
  }

  #markup(): Step {
    if (this.#tree.depth <= this.#top) this.#beginStanza()
    if (this.#source.pos + 1 === this.#source.text.length) return 'more'
    switch (this.#source.text.charCodeAt(this.#source.pos + 1)) {
      case 0x2f:
        return this.#endTag()
      case 0x21:
        return this.#exclamation()
      case 0x3f: {
        const end = declarationEnd(this.#source.text, this.#source.pos, !this.#begun)
        if (end === -1) return 'more'
        this.#source.pos = end
        return 'go'
      }
      default:
        return this.#startTag()
    }
  }

  #exclamation(): Step {
    const head = this.#source.text.slice(this.#source.pos, this.#source.pos + cdataStart.length)
    if (head === cdataStart) {
      if (this.#tree.depth === 0) throw notWellFormed('There is text outside the outermost element.')
      if (this.#tree.depth <= this.#top) throw new XmlError('bad-format', 'There is text between stanzas.')
      this.#source.pos += cdataStart.length
      this.#inCdata = true
      return 'go'
    }
    if (cdataStart.startsWith(head)) return 'more'
    // RFC 6120 §11.1: comments and everything of a document type.
    if (/^<![-A-Za-z]/.test(head)) throw new XmlError('restricted-xml', 'Comments and document types are not allowed.')
    throw notWellFormed('"<!" begins nothing.')
  }

  #startTag(): Step {
    const buffer = this.#source.text
    const tree = this.#tree
    const from = this.#source.pos + 1
    const nameTo = nameEnd(buffer, from)
    if (nameTo === from) throw notWellFormed('"<" does not begin a tag.')
    if (nameTo === buffer.length) return 'more'
    if (this.complete) throw notWellFormed('There is a second outermost element.')
    tree.begin(nameAt(buffer, from, nameTo))
    const end = this.#attributes(nameTo)
    if (end === -1) return 'more'
    const { bytes, elements, depth } = this.limits
    if (depth > 0 && tree.depth - this.#top >= depth) throw tooMany('levels')
    if (elements > 0 && tree.elements >= elements) throw tooMany('elements')
    const element = tree.finish()
    // A namespace declared once and used by thousands would come out as a thousand times what came in.
    if (bytes > 0 && tree.added > bytes) throw tooMany('bytes')
    const isEmpty = buffer.charCodeAt(end) === 0x2f
    this.#source.pos = isEmpty ? end + 2 : end + 1
    if (tree.depth > 1 || !this.#isStream) return isEmpty ? this.#close() : 'go'
    this.element = element
    this.#rootIsEmpty = isEmpty
    return 'open'
  }

  /** Reads attributes; returns where the `>` or `/>` stands, or -1 when it has not come yet. */
  #attributes(from: number): number {
    const buffer = this.#source.text
    const limit = this.limits.attributes
    const nextTag = buffer.indexOf('<', from)
    let count = 0
    let pos = from
    for (;;) {
      const gap = pos
      while (isSpace(buffer.charCodeAt(pos))) pos++
      if (pos === buffer.length) return -1
      const code = buffer.charCodeAt(pos)
      if (code === 0x3e) return pos
      if (code === 0x2f) {
        if (pos + 1 === buffer.length) return -1
        if (buffer.charCodeAt(pos + 1) !== 0x3e) throw notWellFormed('"/" is in a tag and not at its end.')
        return pos
      }
      if (pos === gap) throw notWellFormed('There is no space before an attribute.')
      if (limit > 0 && ++count > limit) throw tooMany('attributes')
      pos = this.#attribute(pos, nextTag)
      if (pos === -1) return -1
    }
  }

  /** Reads one attribute; returns where it ends, or -1. `nextTag` is the next `<` anywhere, or -1. */
  #attribute(from: number, nextTag: number): number {
    const buffer = this.#source.text
    const nameTo = nameEnd(buffer, from)
    if (nameTo === buffer.length) return -1
    if (nameTo === from) throw notWellFormed('There is something in a tag that is no attribute.')
    let pos = nameTo
    while (isSpace(buffer.charCodeAt(pos))) pos++
    if (pos === buffer.length) return -1
    if (buffer.charCodeAt(pos++) !== 0x3d) throw notWellFormed('An attribute has no value.')
    while (isSpace(buffer.charCodeAt(pos))) pos++
    if (pos === buffer.length) return -1
    const quote = buffer.charCodeAt(pos++)
    if (quote !== 0x22 && quote !== 0x27) throw notWellFormed('The value of an attribute is not in quotes.')
    const end = buffer.indexOf(quote === 0x22 ? '"' : "'", pos)
    // XML 1.0 §3.1, WFC No < in Attribute Values.
    if (nextTag !== -1 && (end === -1 || nextTag < end)) throw notWellFormed('"<" is in the value of an attribute.')
    if (end === -1) return -1
    const value = buffer.slice(pos, end)
    this.#tree.attribute(nameAt(buffer, from, nameTo), this.#source.plain ? value : readValue(value))
    return end + 1
  }

  #endTag(): Step {
    const buffer = this.#source.text
    const name = this.#tree.openName
    const from = this.#source.pos + 2
    let end = from + name.length
    if (name === '' || !buffer.startsWith(name, from)) {
      if (end > buffer.length && name.startsWith(buffer.slice(from))) return 'more'
      throw notWellFormed('A closing tag does not fit.')
    }
    while (isSpace(buffer.charCodeAt(end))) end++
    if (end === buffer.length) return 'more'
    if (buffer.charCodeAt(end) !== 0x3e) throw notWellFormed('A closing tag does not fit.')
    this.#source.pos = end + 1
    return this.#close()
  }

  #close(): Step {
    const element = this.#tree.close()
    const { depth } = this.#tree
    if (depth > this.#top) return 'go'
    if (element === undefined) return 'end'
    if (depth < this.#top) return 'go'
    this.element = element
    this.complete = !this.#isStream
    return 'stanza'
  }

  /** A stanza, or what stands in for one, begins here: its limits are counted anew. */
  #beginStanza(): void {
    this.#source.mark(this.limits.bytes)
    this.#tree.elements = 0
    this.#tree.added = 0
  }
}
