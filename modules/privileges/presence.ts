import { asJson, defineSlot, Element, type Host, type Session, xml } from '#api'

/** Whether components have been told that a session is there. */
const toldSlot = defineSlot<boolean>('privileges/told', () => false, asJson)

/** Tells components when clients come and go: of the first presence of each, and of its end (XEP-0356 §7.1). */
export class ClientPresence {
  readonly #host: Host
  readonly #listeners: readonly string[]

  /** `listeners` are the domains of those that may know. */
  constructor(host: Host, listeners: readonly string[]) {
    this.#host = host
    this.#listeners = listeners
  }

  came(session: Session): void {
    if (session.slots.get(toldSlot)) return
    session.slots.set(toldSlot, true)
    for (const domain of this.#listeners) this.#host.toComponent(domain, presenceOf(session, domain))
  }

  went(session: Session): void {
    session.slots.set(toldSlot, false)
    for (const to of this.#listeners)
      this.#host.toComponent(to, xml('presence', { type: 'unavailable', from: session.address, to }))
  }

  /** XEP-0356 §8: whoever connects late is told what it would know had it been there. */
  *present(domain: string): Generator<Element> {
    if (!this.#listeners.includes(domain)) return
    for (const user of this.#host.users()) for (const session of user.available()) yield presenceOf(session, domain)
  }
}

function presenceOf({ presence }: Session, to: string): Element {
  const copy = new Element('presence', { ...presence!.attrs, to })
  copy.children = [...presence!.children]
  return copy
}
