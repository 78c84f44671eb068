import { type Element, parseDocument } from '#api'

/** Somebody from elsewhere who asks a room's archive: what it gets goes through the router, a stanza at a time. */
export class RoutedAsker {
  /** The full JID. */
  readonly address: string
  readonly live = true
  readonly #route: (stanza: Element) => void

  constructor(address: string, route: (stanza: Element) => void) {
    this.address = address
    this.#route = route
  }

  /** Sends a stanza, given as XML. */
  pass(text: string): void {
    this.#route(parseDocument(text))
  }

  /** How fast the other side reads is its stream's affair. */
  drained(): undefined {
    return undefined
  }
}
