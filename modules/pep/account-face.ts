import type { Jid, Session, Wire } from '#api'
import { type Face, mayRead, type Node, type NodeConfig, plainDefaults } from '../pubsub/index.ts'
import { isSubscribed } from '../roster/index.ts'
import type { Audience } from './audience.ts'
import { nodePresets } from './hooks.ts'
import type { Acquaintance, Site } from './sites.ts'

/** XEP-0163 §4.3.2, §5: what nodes of accounts are by default. */
export const accountDefaults: NodeConfig = {
  ...plainDefaults,
  access_model: 'presence',
  max_items: '1',
  send_last_published_item: 'on_sub_and_presence',
}

/** The service that an account is itself (XEP-0163). */
export class AccountFace implements Face {
  readonly service: Jid
  readonly defaults: NodeConfig = accountDefaults
  readonly limits: Face['limits']
  readonly #site: Site
  readonly #audience: Audience
  readonly #known: Acquaintance | undefined
  /** Who was asked about last, so that one who is refused is asked about once, whatever there is to refuse. */
  #asked: { readonly asker: Jid; readonly sees: boolean | Promise<boolean> } | undefined

  /** `known` spares the questions of one who asks. */
  constructor(account: Jid, site: Site, audience: Audience, limits: Face['limits'], known?: Acquaintance) {
    this.service = account
    this.limits = limits
    this.#site = site
    this.#audience = audience
    this.#known = known
  }

  rules(asker: Jid): boolean {
    return asker.bare.equals(this.service)
  }

  mayCreate(asker: Jid): boolean {
    return this.rules(asker)
  }

  presets(name: string): NodeConfig | undefined {
    return this.#site.host.hooks.all(nodePresets).find(({ node }) => node === name)?.config
  }

  seesPresence(_node: Node, asker: Jid): boolean | Promise<boolean> {
    if (this.#known?.asker.equals(asker.bare) === true) return isSubscribed(this.#known.item)
    return this.#sees(asker)
  }

  async isInGroups({ settings }: Node, asker: Jid): Promise<boolean> {
    const isKnown = this.#known?.asker.equals(asker.bare) === true
    const item = isKnown ? this.#known!.item : await this.#site.roster.item(this.service, asker)
    return item?.groups.some((group) => settings.rosterGroups.includes(group)) ?? false
  }

  async isStranger(asker: Jid): Promise<boolean> {
    return !(await this.#sees(asker))
  }

  #sees(asker: Jid): boolean | Promise<boolean> {
    if (this.#asked?.asker.equals(asker.bare) !== true)
      this.#asked = { asker: asker.bare, sees: this.#site.presence.isSubscriber(this.service, asker) }
    return this.#asked.sees
  }

  /** XEP-0163 §4.3.1: neither whom the account blocks, nor who has lost what let them subscribe. */
  async hears(node: Node, subscriber: Jid): Promise<boolean> {
    if ((await this.#site.blocking?.blocks(this.service, subscriber)) === true) return false
    return await mayRead(this, node, subscriber)
  }

  async notifyOthers(node: Node, wire: Wire, reached: ReadonlySet<Session>): Promise<void> {
    const { host } = this.#site
    for (const session of await this.#audience.of(this, node))
      if (!reached.has(session)) host.reach(session, wire, this.service)
  }
}
