import { type Element, type Host, type Jid, resultOf, StanzaError, type StanzaEvent, xml } from '#api'
import { infoElement, itemsElement, NS_INFO, NS_ITEMS } from '../disco/index.ts'
import { NS_PURPOSE, NS_UPLOAD } from './namespaces.ts'
import type { UploadConfig } from './options.ts'
import type { Slot } from './slots.ts'
import { purposes, readWish, type Wish } from './wish.ts'

/** What the service needs around it. */
export interface ServiceParts {
  readonly host: Host
  readonly config: UploadConfig
  readonly give: (account: Jid, wish: Wish) => Promise<Slot>
}

/** The face of the domain that accounts ask for slots (XEP-0363). */
export class UploadService {
  readonly #parts: ServiceParts

  constructor(parts: ServiceParts) {
    this.#parts = parts
  }

  /** Takes whatever is sent to the domain. */
  receive(event: StanzaEvent): void | Promise<void> {
    const { kind, type, to } = event
    if (kind === 'presence' || type === 'error') return
    if (kind === 'iq') {
      if (type !== 'get' && type !== 'set') return
      if (to.local !== '' || to.resource !== '') throw new StanzaError('item-not-found', 'Nobody has this address.')
      return this.#answer(event)
    }
    throw new StanzaError('service-unavailable', 'Files are sent over HTTP, and no messages.')
  }

  async #answer(event: StanzaEvent): Promise<void> {
    const { stanza, type, origin } = event
    const query = stanza.getChildElements()[0]!
    const payload = await this.#payload(`${type} ${query.name} ${query.attrs['xmlns']}`, query, event)
    const result = resultOf(stanza, payload)
    if (origin === null) this.#parts.host.route(result)
    else origin.send(result)
  }

  #payload(what: string, query: Element, event: StanzaEvent): Element | Promise<Element> {
    if (what === `get query ${NS_INFO}`) return this.#info(query.attrs['node'])
    if (what === `get query ${NS_ITEMS}`) return itemsElement([], query.attrs['node'])
    if (what === `get request ${NS_UPLOAD}`) return this.#slot(query, event)
    throw new StanzaError('service-unavailable', 'The service does not answer this.')
  }

  /** XEP-0363 §3. */
  #info(node: string | undefined): Element {
    if (node !== undefined) throw new StanzaError('item-not-found', 'There is no such node.')
    const { name, limits } = this.#parts.config
    const field = { var: 'max-file-size', values: [String(limits.fileSize)] }
    return infoElement({
      identities: [{ category: 'store', type: 'file', name }],
      features: [NS_INFO, NS_ITEMS, NS_UPLOAD, ...purposes.map((purpose) => `${NS_PURPOSE}#${purpose}`)],
      forms: limits.fileSize > 0 ? [{ formType: NS_UPLOAD, fields: [field] }] : [],
    })
  }

  /** XEP-0363 §4. */
  async #slot(request: Element, { from }: StanzaEvent): Promise<Element> {
    const { host, config, give } = this.#parts
    if (from.local === '' || from.domain !== host.domain)
      throw new StanzaError('forbidden', `Only accounts of ${host.domain} may upload files.`)
    const { url, token } = await give(from.bare, readWish(request, config, host.clock.now()))
    return xml(
      'slot',
      { xmlns: NS_UPLOAD },
      xml('put', { url }, xml('header', { name: 'Authorization' }, `Bearer ${token}`)),
      xml('get', { url }),
    )
  }
}
