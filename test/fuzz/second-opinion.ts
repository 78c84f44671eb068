import { SaxesParser } from 'saxes'
import type { Element } from '../../src/xml/element.ts'

/** A tree two parsers can agree on: expanded names, sorted attributes, adjacent text joined. */
export interface Plain {
  readonly name: string
  readonly attributes: readonly string[]
  readonly children: (Plain | string)[]
}

/** What saxes makes of a stream or document, up to the end of its root; throws when it refuses it. */
export function secondOpinion(source: string): Plain {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const stack: Plain[] = []
  let root: Plain | undefined
  const addText = (text: string) => {
    const children = stack.at(-1)?.children
    if (children === undefined || text === '') return
    if (typeof children.at(-1) === 'string') children.push(`${children.pop()}${text}`)
    else children.push(text)
  }
  parser.on('opentag', (tag) => {
    const attributes = Object.values(tag.attributes)
      .filter((a) => a.prefix !== 'xmlns' && a.name !== 'xmlns')
      .map((a) => `{${a.uri}}${a.local}=${a.value}`)
    const plain: Plain = { name: `{${tag.uri}}${tag.local}`, attributes: attributes.sort(), children: [] }
    stack.at(-1)?.children.push(plain)
    root ??= plain
    stack.push(plain)
  })
  parser.on('closetag', () => void stack.pop())
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('error', (error) => {
    throw error
  })
  for (const character of source) {
    parser.write(character)
    if (root !== undefined && stack.length === 0) return root
  }
  throw new Error('the root has not ended')
}

/** The same of a tree of ours, whose root is in `namespace` unless it says otherwise. */
export function plainOf(element: Element, namespace = 'jabber:client'): Plain {
  const own = element.attrs['xmlns'] ?? namespace
  const attributes: string[] = []
  for (const [name, value] of Object.entries(element.attrs)) {
    const colon = name.indexOf(':')
    const prefix = colon === -1 ? '' : name.slice(0, colon)
    if (name === 'xmlns' || prefix === 'xmlns') continue
    const uri =
      prefix === '' ? '' : prefix === 'xml' ? 'http://www.w3.org/XML/1998/namespace' : element.attrs[`xmlns:${prefix}`]
    attributes.push(`{${uri}}${name.slice(colon + 1)}=${value}`)
  }
  const children = element.children.map((child) => (typeof child === 'string' ? child : plainOf(child, own)))
  return { name: `{${own}}${element.name}`, attributes: attributes.sort(), children }
}

/** What saxes makes of a stanza's text where it goes: into a stream whose default namespace is `jabber:client`. */
export function secondOpinionOfStanza(text: string): Plain {
  const { children } = secondOpinion(
    `<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>${text}</s:stream>`,
  )
  const [only] = children
  if (children.length !== 1 || typeof only !== 'object') throw new Error(`not one element: ${text}`)
  return only
}
