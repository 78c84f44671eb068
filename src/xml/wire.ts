import type { Element, Node } from './element.ts'

const remarkableText = /[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
const remarkableValue = /[&<>"'\0-\x1f\ufffe\uffff]/

const replacements = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  // A reader would change these, were they there as themselves (XML 1.0 §2.11, §3.3.3).
  ['\t', '&#x9;'],
  ['\n', '&#xA;'],
  ['\r', '&#xD;'],
])

/** What XML cannot say (XML 1.0 §2.2) becomes U+FFFD: it cannot come in, so a program of ours made it. */
function replacement(character: string): string {
  return replacements.get(character) ?? '\ufffd'
}

const everyText = new RegExp(remarkableText, 'g')
const everyValue = new RegExp(remarkableValue, 'g')

function escapeText(text: string): string {
  return remarkableText.test(text) ? text.replace(everyText, replacement) : text
}

function escapeValue(text: string): string {
  return remarkableValue.test(text) ? text.replace(everyValue, replacement) : text
}

/** An element as text that any parser reads as an equal tree; depth costs no stack. Its root gets no `xmlns` added. */
export function serialize(element: Element): string {
  return `<${element.name}${attributesOf(element)}${restOf(element)}`
}

function attributesOf(element: Element, except?: 'to'): string {
  const { attrs } = element
  let text = ''
  for (const name in attrs) {
    const value = attrs[name]
    if (value !== undefined && value !== null && name !== except) text += ` ${name}="${escapeValue(String(value))}"`
  }
  return text
}

/** Everything after the attributes. */
function restOf(element: Element): string {
  if (element.children.length === 0) return '/>'
  let text = '>'
  /** The elements around the one whose children are being written, and how far each has come. */
  const around: { element: Element; at: number }[] = []
  let inside = element
  let at = 0
  for (;;) {
    if (at === inside.children.length) {
      text += `</${inside.name}>`
      const outer = around.pop()
      if (outer === undefined) return text
      inside = outer.element
      at = outer.at
      continue
    }
    const child: Node | null | undefined = inside.children[at++]
    if (typeof child === 'string') text += escapeText(child)
    else if (typeof child === 'object' && child !== null) {
      text += `<${child.name}${attributesOf(child)}`
      if (child.children.length === 0) text += '/>'
      else {
        text += '>'
        around.push({ element: inside, at })
        inside = child
        at = 0
      }
    } else if (child !== undefined && child !== null) text += escapeText(String(child))
  }
}

/** A stanza, or what else declares its own namespace, as it stands outside of a stream: with its namespace. */
export function standAlone(text: string): string {
  for (const name of ['<message', '<presence', '<iq'])
    if (text.startsWith(name) && ' />'.includes(text.charAt(name.length)))
      return `${name} xmlns="jabber:client"${text.slice(name.length)}`
  return text
}

/** A stanza on its way out: serialised once, on first use, and addressed as often as it has recipients. */
export class Wire {
  /** `message`, `presence`, `iq`, or whatever else the element is called. */
  readonly name: string
  readonly type: string | undefined
  readonly #to: string | undefined
  /** The stanza itself; nobody edits it any more. */
  readonly element: Element
  #rendered = false
  /** The text up to where `to` is put, and after it. */
  #head = ''
  #tail = ''

  private constructor(element: Element) {
    this.name = element.name
    this.type = element.attrs['type']
    this.#to = element.attrs['to']
    this.element = element
  }

  /** The wire of a stanza nobody edits any more. */
  static of(element: Element): Wire {
    return new Wire(element)
  }

  /** The whole stanza, to the address it has. */
  text(): string {
    if (this.#to !== undefined) return this.textTo(this.#to)
    this.#render()
    return this.#head + this.#tail
  }

  /** The whole stanza with `to` in place of its own address. */
  textTo(to: string): string {
    this.#render()
    return `${this.#head} to="${escapeValue(to)}"${this.#tail}`
  }

  #render(): void {
    if (this.#rendered) return
    const { element } = this
    this.#head = `<${element.name}`
    this.#tail = attributesOf(element, 'to') + restOf(element)
    this.#rendered = true
  }
}
