/** What leads to a component: its stream. */
export interface ComponentLink {
  /** Sends text that is whole stanzas; a closed stream ignores it. */
  write(text: string): void
}

/** The domains that belong to external components, and which of them are connected (XEP-0114). */
export class Components {
  readonly #links = new Map<string, ComponentLink | undefined>()

  /** `domains` are prepared; they stay what they are while the server runs. */
  constructor(domains: Iterable<string> = []) {
    for (const domain of domains) this.#links.set(domain, undefined)
  }

  /** Whether a domain is a component's, connected or not. */
  has(domain: string): boolean {
    return this.#links.has(domain)
  }

  /** Connects a component that has shown who it is; false when another connection serves its domain already. */
  connect(domain: string, link: ComponentLink): boolean {
    if (this.#links.get(domain) !== undefined) return false
    this.#links.set(domain, link)
    return true
  }

  /** The component's stream has ended; one that does not serve the domain changes nothing. */
  disconnect(domain: string, link: ComponentLink): void {
    if (this.#links.get(domain) === link) this.#links.set(domain, undefined)
  }

  /** Hands a stanza, as text, to a component; false when it is not connected. */
  send(domain: string, text: string): boolean {
    const link = this.#links.get(domain)
    link?.write(text)
    return link !== undefined
  }
}
