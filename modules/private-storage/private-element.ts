import { type Element, StanzaError } from '#api'

/** Longest namespace and name an element may have, in octets: what the table's key holds. */
const MAX_XMLNS_BYTES = 1023
const MAX_NAME_BYTES = 255

/**
 * The one element of a request and what it is kept under (XEP-0049 §2.3).
 *
 * @throws StanzaError `not-acceptable` when there is none or more than one, or when its namespace is missing, reserved or
 * too long.
 */
export function privateElement(query: Element): {
  readonly element: Element
  readonly name: string
  readonly xmlns: string
} {
  const elements = query.getChildElements()
  const [element] = elements
  if (element === undefined || elements.length > 1)
    throw new StanzaError('not-acceptable', 'A request is about one element.')
  const { name } = element
  const xmlns = element.attrs['xmlns']
  if (xmlns === undefined || xmlns === '')
    throw new StanzaError('not-acceptable', 'The element needs a namespace of its own.')
  if (isReserved(xmlns)) throw new StanzaError('not-acceptable', `The namespace ${xmlns} is reserved.`)
  if (Buffer.byteLength(xmlns) > MAX_XMLNS_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new StanzaError('not-acceptable', 'The name or namespace of the element is too long.')
  return { element, name, xmlns }
}

/** XEP-0049 §2.3: namespaces that belong to the protocol itself. */
function isReserved(xmlns: string): boolean {
  return xmlns.startsWith('jabber:') || xmlns.startsWith('http://jabber.org/') || xmlns === 'vcard-temp'
}
