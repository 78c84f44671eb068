import { type ConfigOf, type Element, Jid, resultOf, StanzaError, type StanzaEvent } from '#api'
import { type AdHoc, type CommandDesk, NS_COMMANDS } from '../ad-hoc/index.ts'
import { infoElement, NS_INFO, NS_ITEMS } from '../disco/index.ts'
import type { PresenceApi } from '../presence/index.ts'
import type { RosterApi } from '../roster/index.ts'
import { mayRead } from './access.ts'
import { takeAnswer } from './authorizing.ts'
import { features, nodeInfo } from './discovery.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { itemItems, listElement, nodeItems } from './listing.ts'
import { NS_OWNER, NS_PUBSUB } from './namespaces.ts'
import type { Node } from './node.ts'
import { plainDefaults } from './node-config.ts'
import { perform } from './operations.ts'
import type { options } from './options.ts'
import { GET_PENDING, pendingCommand } from './pending.ts'
import type { NodeConfig } from './records.ts'
import { Visitors } from './visitors.ts'

/** What the domain's service needs around it. */
export interface ServiceParts {
  readonly engine: Engine
  readonly domain: string
  readonly settings: ConfigOf<typeof options>
  /** Bare JIDs. */
  readonly admins: readonly string[]
  readonly presence: PresenceApi
  readonly roster: RosterApi
  readonly adHoc: AdHoc | undefined
}

/** Answers a request that goes to the service itself. */
export type ServiceIq = (query: Element, event: StanzaEvent) => Element | void | Promise<Element | void>

/** The face of a domain, such as `pubsub.example.org`. */
export class PubsubService implements Face {
  readonly service: Jid
  readonly defaults: NodeConfig = plainDefaults
  readonly limits: Face['limits']
  /** Answers of other capabilities, by `type name xmlns`. */
  readonly iqs: Map<string, ServiceIq> = new Map()
  readonly #parts: ServiceParts
  readonly #admins: ReadonlySet<string>
  readonly #visitors: Visitors
  readonly #desk: CommandDesk<StanzaEvent> | undefined

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.service = Jid.of('', parts.domain)
    this.#admins = new Set(parts.admins)
    this.limits = parts.settings.limits
    this.#visitors = new Visitors(parts.engine, this)
    const desk = parts.adHoc?.desk([pendingCommand(parts.engine, () => this)])
    if (desk !== undefined)
      this.iqs.set(`set command ${NS_COMMANDS}`, (query, event) => desk.carryOut(query, event, parts.domain))
    this.#desk = desk
    for (const type of ['get', 'set'] as const)
      for (const xmlns of [NS_PUBSUB, NS_OWNER])
        this.iqs.set(`${type} pubsub ${xmlns}`, (query, { from }) => perform(parts.engine, this, type, query, from))
    this.iqs.set(`get query ${NS_INFO}`, (query, event) => this.#info(query, event))
    this.iqs.set(`get query ${NS_ITEMS}`, (query, event) => this.#items(query, event))
  }

  rules(asker: Jid): boolean {
    return this.#admins.has(asker.bare.toString())
  }

  mayCreate(asker: Jid): boolean {
    const { settings, engine } = this.#parts
    if (this.rules(asker) || settings.creators === 'anybody') return true
    return settings.creators === 'local' && engine.host.serves(asker.domain) && !engine.host.isGuest(asker)
  }

  async seesPresence(node: Node, asker: Jid): Promise<boolean> {
    for (const owner of node.owners()) {
      const account = Jid.parse(owner)
      if (account.domain !== this.#parts.engine.host.domain) continue
      if (await this.#parts.presence.isSubscriber(account, asker)) return true
    }
    return false
  }

  async isInGroups(node: Node, asker: Jid): Promise<boolean> {
    for (const owner of node.owners()) {
      const account = Jid.parse(owner)
      if (account.domain !== this.#parts.engine.host.domain) continue
      const item = await this.#parts.roster.item(account, asker)
      if (item?.groups.some((group) => node.settings.rosterGroups.includes(group)) === true) return true
    }
    return false
  }

  /** XEP-0060 §4.5: whoever has lost what let them subscribe hears nothing more. */
  hears(node: Node, subscriber: Jid): boolean | Promise<boolean> {
    const isOfOwners = ['presence', 'roster'].includes(node.settings.accessModel)
    return isOfOwners ? mayRead(this, node, subscriber) : true
  }

  isStranger(): boolean {
    return false
  }

  notifyOthers(): void {}

  /** Takes whatever is sent to the domain. */
  receive(event: StanzaEvent): void | Promise<void> {
    const { kind, type, to, stanza, from } = event
    if (kind === 'iq') {
      if (type !== 'get' && type !== 'set') return
      if (to.local !== '') throw new StanzaError('item-not-found', 'Nobody has this address.')
      return this.#answer(event)
    }
    if (type === 'error') return
    if (kind === 'presence') {
      if (type === 'unavailable') this.#visitors.goes(from)
      return type === '' ? this.#visitors.comes(from) : undefined
    }
    const taken = takeAnswer(this.#parts.engine, this, from, stanza)
    if (taken === false) throw new StanzaError('service-unavailable', 'A publish-subscribe service takes no messages.')
    return taken
  }

  async #answer(event: StanzaEvent): Promise<void> {
    const { stanza, type, origin } = event
    const query = stanza.getChildElements()[0]!
    const handler = this.iqs.get(`${type} ${query.name} ${query.attrs['xmlns']}`)
    if (handler === undefined) throw new StanzaError('service-unavailable', 'The service does not answer this.')
    const payload = await handler(query, event)
    const result = resultOf(stanza, payload ?? undefined)
    if (origin === null) this.#parts.engine.host.route(result)
    else origin.send(result)
  }

  async #info(query: Element, event: StanzaEvent): Promise<Element> {
    const node = query.attrs['node']
    if (node !== undefined) {
      const ofCommand = isOfCommands(node) ? await this.#desk?.info(node, event) : undefined
      return infoElement(ofCommand ?? (await nodeInfo(this.#parts.engine, this, node, event.from)), node)
    }
    return infoElement({
      identities: [{ category: 'pubsub', type: 'service', name: this.#parts.settings.name }],
      features: [NS_INFO, NS_ITEMS, ...features, ...(this.#desk === undefined ? [] : [NS_COMMANDS, GET_PENDING])],
      forms: [],
    })
  }

  async #items(query: Element, event: StanzaEvent): Promise<Element> {
    const { engine, domain } = this.#parts
    const { from } = event
    const node = query.attrs['node']
    const commands = node !== undefined && isOfCommands(node) ? await this.#desk?.items(node, event, domain) : undefined
    if (commands !== undefined) return listElement(NS_ITEMS, node, commands, undefined)
    const { items, set } =
      node === undefined ? await nodeItems(engine, this, from, query) : await itemItems(engine, this, node, from, query)
    return listElement(NS_ITEMS, node, items, set)
  }
}

/** Nodes that are commands, or their list (XEP-0050 §2.2). */
function isOfCommands(node: string): boolean {
  return node === NS_COMMANDS || node === GET_PENDING
}
