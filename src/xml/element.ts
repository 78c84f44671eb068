/**
 * The one tree of the program: ltx's `Element`, taken through `@xmpp/xml` so that there is one class of it.
 *
 * Form inside the program: no element name carries a prefix; `attrs.xmlns` stands on an element exactly when its
 * namespace differs from its parent's; a stanza's root, whose namespace is the stream's, has no `xmlns`.
 */
export { Element, escapeXML, escapeXMLText, type Node, xml } from '@xmpp/xml'
