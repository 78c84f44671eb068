/**
 * The one tree of the program: ltx's `Element`, taken through `@xmpp/xml` so that there is one class of it.
 *
 * Form inside the program: no element name carries a prefix; `attrs.xmlns` stands on an element exactly when its
 * namespace differs from its parent's; a stanza's root, whose namespace is the stream's, has no `xmlns`.
 */
import { Element, type Node } from '@xmpp/xml'

export { Element, escapeXML, escapeXMLText, type Node } from '@xmpp/xml'

/**
 * Makes an element; attributes and children that are not there are left out. ltx's own builder deletes from what it is
 * given, and objects that were deleted from are slow: it takes eight times as long.
 */
export function xml(
  name: string,
  attrs?: Readonly<Record<string, string | undefined>> | null,
  ...children: readonly (Node | false | null | undefined)[]
): Element {
  const element = new Element(name)
  for (const key in attrs) {
    const value = attrs[key]
    if (value !== undefined && value !== null) element.attrs[key] = String(value)
  }
  for (const child of children)
    if (child !== undefined && child !== null && child !== false && child !== '') element.cnode(child)
  return element
}
