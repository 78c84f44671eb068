declare module '@xmpp/xml' {
  /** A node of an element: another element, or text. */
  export type Node = Element | string
  export class Element {
    constructor(name: string, attrs?: Record<string, string | undefined> | string)
    name: string
    parent: Element | null
    children: Node[]
    attrs: Record<string, string | undefined>
    is(name: string, xmlns?: string): boolean
    getName(): string
    getNS(): string | undefined
    getChild(name: string, xmlns?: string): Element | undefined
    getChildren(name: string, xmlns?: string): Element[]
    getChildElements(): Element[]
    getChildText(name: string, xmlns?: string): string | null
    getText(): string
    append(...nodes: Node[]): void
    prepend(...nodes: Node[]): void
    remove(child: Element | string, xmlns?: string): this
    cnode<T extends Node>(child: T): T
    c(name: string, attrs?: Record<string, string | undefined> | string): Element
    t(text: string): this
    toString(): string
  }
  export function xml(
    name: string,
    attrs?: Record<string, string | undefined> | string | null,
    ...children: (Node | null | undefined | false)[]
  ): Element
  export default xml
  export function escapeXML(text: string): string
  export function escapeXMLText(text: string): string
}
