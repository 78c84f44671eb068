import { Lru } from '../util/lru.ts'
import { ownText } from '../util/own-text.ts'

/** What leads to a component: one of its streams. */
export interface ComponentLink {
  /** Sends text that is whole stanzas; a closed stream ignores it. */
  write(text: string): void
}

/** What of a stanza says which connection of a component it is for. `from` is the sender's bare JID as text. */
export interface ForComponent {
  readonly from: string
  /** Set when the stanza answers a request of the component's, with the addresses it has now. */
  readonly answer?: { readonly id: string; readonly from: string; readonly to: string } | undefined
}

/** How many requests of a component's are remembered, for their answers to go where they came from. */
const REMEMBERED = 1000
/** Requests whose ids and addresses are longer, in characters, are not remembered. */
const MAX_KEY = 1024

/** A component: its connections, in no order that means anything, and who of them has asked what. */
interface Component {
  links: readonly { readonly link: ComponentLink; readonly seed: number }[]
  readonly maxLinks: number
  readonly asked: Lru<string, ComponentLink>
}

/**
 * The domains that belong to external components, and the connections they have (XEP-0114).
 *
 * Where there are several, what one account sends always goes to the same of them, whichever others come and go, and an
 * answer goes to the one that has asked.
 */
export class Components {
  readonly #components = new Map<string, Component>()
  #seeds = 0

  /** Domains are prepared, with how many connections each may have (0: as many as it likes); they stay what they are. */
  constructor(domains: Iterable<readonly [domain: string, maxLinks: number]> = []) {
    for (const [domain, maxLinks] of domains)
      this.#components.set(domain, { links: [], maxLinks, asked: new Lru(REMEMBERED) })
  }

  /** Whether a domain is a component's, connected or not. */
  has(domain: string): boolean {
    return this.#components.has(domain)
  }

  /** Whether a component has a connection. */
  isConnected(domain: string): boolean {
    return (this.#components.get(domain)?.links.length ?? 0) > 0
  }

  /** Connects a component that has shown who it is; false when it has all the connections it may have. */
  connect(domain: string, link: ComponentLink): boolean {
    const component = this.#components.get(domain)!
    if (component.maxLinks > 0 && component.links.length >= component.maxLinks) return false
    component.links = [...component.links, { link, seed: this.#seeds++ }]
    return true
  }

  /** The component's stream has ended; one that does not serve the domain changes nothing. */
  disconnect(domain: string, link: ComponentLink): void {
    const component = this.#components.get(domain)
    if (component !== undefined) component.links = component.links.filter((other) => other.link !== link)
  }

  /** Remembers which connection of a component has sent a request, while it matters. */
  asks(domain: string, link: ComponentLink, { id, from, to }: { id: string; from: string; to: string }): void {
    const component = this.#components.get(domain)
    if (component === undefined || component.links.length < 2) return
    const key = keyOf(id, to, from)
    if (key.length <= MAX_KEY) component.asked.set(ownText(key), link)
  }

  /** Hands a stanza, as text, to a component; false when it is not connected. */
  send(domain: string, text: string, { from, answer }: ForComponent): boolean {
    const component = this.#components.get(domain)
    const first = component?.links[0]
    if (component === undefined || first === undefined) return false
    const link = component.links.length === 1 ? first.link : choose(component, from, answer)
    link.write(text)
    return true
  }
}

function choose({ links, asked }: Component, from: string, answer: ForComponent['answer']): ComponentLink {
  const asker = answer && asked.get(keyOf(answer.id, answer.from, answer.to))
  if (asker !== undefined && links.some(({ link }) => link === asker)) return asker
  // Whoever draws the highest number gets it: one that goes or comes moves nobody else's conversations.
  let best = links[0]!
  let most = -1
  for (const candidate of links) {
    const drawn = draw(candidate.seed, from)
    if (drawn > most) [best, most] = [candidate, drawn]
  }
  return best.link
}

function keyOf(id: string, asked: string, asker: string): string {
  return `${id} ${asked} ${asker}`
}

/** A number that looks drawn at random and is always the same for the same two (FNV-1a, its bits well mixed). */
function draw(seed: number, text: string): number {
  let hash = Math.imul(0x811c9dc5 ^ seed, 0x01000193)
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
