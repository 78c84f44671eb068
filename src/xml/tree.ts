import { Element } from './element.ts'
import type { Name } from './names.ts'
import { NS } from './namespaces.ts'
import { Pieces } from './pieces.ts'
import { checkDefault, resolve, Scope } from './scope.ts'
import { notWellFormed, XmlError } from './xml-error.ts'

/** An element whose end has not come yet. */
interface Open {
  readonly around: Open | undefined
  /** The name as written, which the closing tag repeats. */
  readonly raw: string
  /** Where children go; there is none around the outermost and none for a stream's root, whose stanzas stand alone. */
  readonly element: Element | undefined
  /** The namespace of the element in the tree: what its children are compared with. */
  readonly namespace: string
  /** The default namespace declared in the source: what its children without a prefix are in. */
  readonly inherited: string
  readonly scope: Scope | undefined
}

/** Builds trees of the program's form (see element.ts) out of tags and text, and resolves namespaces on the way. */
export class Tree {
  /** Open elements, the stream's root among them. */
  depth = 0
  /** Elements of the present stanza so far; its reader sets it to 0. */
  elements = 0
  /**
   * What the present stanza grows by, in UTF-16 units, since its elements repeat the namespaces that those around them
   * declared; its reader sets it to 0.
   */
  added = 0
  readonly #isStream: boolean
  #open: Open
  readonly #text = new Pieces()
  // The start tag being read.
  #name: Name | undefined
  #attrs: Record<string, string> = {}
  #default: string | undefined
  #scope: Scope | undefined
  #prefixed: Name[] | undefined

  /**
   * `namespace` is the one that goes without saying in the tree of a document, `inherited` what a document that declares none
   * is in; a stream declares its own.
   */
  constructor(isStream: boolean, namespace: string, inherited: string) {
    this.#isStream = isStream
    this.#open = { around: undefined, raw: '', element: undefined, namespace, inherited, scope: undefined }
  }

  /** The name the next closing tag has to have. */
  get openName(): string {
    return this.#open.raw
  }

  /** Adds text to the open element. */
  text(piece: string): void {
    if (piece !== '') this.#text.add(piece)
  }

  /** A start tag begins. */
  begin(name: Name): void {
    this.#name = name
    this.#attrs = {}
    this.#default = undefined
    this.#scope = undefined
    this.#prefixed = undefined
  }

  /** An attribute of the tag that began. */
  attribute(name: Name, value: string): void {
    switch (name.kind) {
      case 'default':
        if (this.#default !== undefined) throw notWellFormed('An attribute is there twice.')
        checkDefault(value)
        this.#default = value
        // Where it will be wanted it keeps its place; a declaration that says nothing new is left out.
        if (this.#name!.prefix === '' && value !== this.#open.namespace) this.#attrs['xmlns'] = value
        return
      case 'declaration':
        this.#scope ??= new Scope(this.#open.scope)
        this.#scope.declare(name.local, value)
        return
      case 'prefixed':
        this.#prefixed ??= []
        this.#prefixed.push(name)
    }
    const { raw } = name
    // XML 1.0 §3.1, WFC Unique Att Spec.
    if (this.#attrs[raw] !== undefined && Object.hasOwn(this.#attrs, raw))
      throw notWellFormed('An attribute is there twice.')
    this.#attrs[raw] = value
  }

  /** The start tag is complete: its element is open now. */
  finish(): Element {
    const around = this.#open
    const name = this.#name!
    const attrs = this.#attrs
    const scope = this.#scope ?? around.scope
    const inherited = this.#default ?? around.inherited
    const isRoot = this.#isStream && this.depth === 0
    const namespace = name.prefix === '' ? inherited : elementNamespace(scope, name.prefix)
    if (isRoot) checkRoot(name, namespace)
    else if (namespace === NS.streams) this.#checkPlace(name)
    if (isRoot) this.#describeRoot()
    else if (namespace !== around.namespace && attrs['xmlns'] === undefined) {
      attrs['xmlns'] = namespace
      this.added += namespace.length
    }
    if (this.#prefixed !== undefined) this.added += declarePrefixes(this.#prefixed, scope, attrs)
    const element = new Element(name.local)
    element.attrs = attrs
    if (around.element !== undefined) {
      if (!this.#text.empty) around.element.children.push(this.#text.take())
      around.element.children.push(element)
      element.parent = around.element
    }
    this.depth++
    this.elements++
    this.#open = isRoot
      ? { around, raw: name.raw, element: undefined, namespace: inherited, inherited, scope }
      : { around, raw: name.raw, element, namespace, inherited, scope }
    return element
  }

  /** The open element ends; a stream's root has none to give. */
  close(): Element | undefined {
    const { element, around } = this.#open
    if (element !== undefined && !this.#text.empty) element.children.push(this.#text.take())
    this.#open = around!
    this.depth--
    return element
  }

  /** Elements of the stream's own namespace stand at the top only, and a header is not one of them. */
  #checkPlace(name: Name): void {
    const top = this.#isStream ? 1 : 0
    // RFC 6120 §4.9.3.1. What ends a stream or looks like its beginning must not be smuggled in a stanza.
    if (this.depth > top) throw new XmlError('bad-format', 'An element of the stream itself is inside a stanza.')
    if (this.#isStream && name.local === 'stream') throw new XmlError('bad-format', 'The stream has begun already.')
  }

  /** A stream's root keeps its declarations: its reader asks for the content namespace (RFC 6120 §4.8.2). */
  #describeRoot(): void {
    if (this.#default !== undefined) this.#attrs['xmlns'] = this.#default
    for (const [prefix, namespace] of this.#scope?.declared ?? []) this.#attrs[`xmlns:${prefix}`] = namespace
  }
}

function elementNamespace(scope: Scope | undefined, prefix: string): string {
  if (prefix === 'xmlns') throw notWellFormed('The prefix xmlns is reserved.')
  // Well-formed, but with its prefix taken off it would not be: xml's namespace cannot be a default. RFC 6120 §4.9.3.2.
  if (prefix === 'xml') throw new XmlError('bad-namespace-prefix', 'No element has the prefix xml.')
  return resolve(scope, prefix)
}

/** RFC 6120 §4.8.1, §4.9.3.10, §4.9.3.1: what a stream begins with. */
function checkRoot(name: Name, namespace: string): void {
  if (namespace !== NS.streams)
    throw new XmlError('invalid-namespace', `A stream begins in the namespace ${NS.streams}.`)
  if (name.local !== 'stream') throw new XmlError('bad-format', 'A stream begins with <stream>.')
}

/**
 * Makes an element with prefixed attributes stand on its own, and finds those that are the same under two prefixes.
 * Returns how many UTF-16 units the declarations take.
 */
function declarePrefixes(names: Name[], scope: Scope | undefined, attrs: Record<string, string>): number {
  const expanded = names.length > 1 ? new Set<string>() : undefined
  let added = 0
  for (const { prefix, local } of names) {
    const namespace = resolve(scope, prefix)
    const declaration = `xmlns:${prefix}`
    if (attrs[declaration] === undefined) added += declaration.length + namespace.length
    attrs[declaration] = namespace
    if (expanded === undefined) continue
    // Namespaces in XML 1.0 §6.3: unique by expanded name; a space is in no local name.
    const key = `${local} ${namespace}`
    if (expanded.has(key)) throw notWellFormed('An attribute is there twice.')
    expanded.add(key)
  }
  return added
}
