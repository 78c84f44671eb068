import type { Jid, Session, Wire } from '#api'
import type { PresenceApi } from '../presence/index.ts'
import { type Face, type Node, type NodeConfig, type PubsubApi, plainDefaults } from '../pubsub/index.ts'
import type { RosterApi } from '../roster/index.ts'

/** XEP-0163 §4.3.2, §5: what nodes of accounts are by default. */
export const accountDefaults: NodeConfig = {
  ...plainDefaults,
  access_model: 'presence',
  max_items: '1',
  send_last_published_item: 'on_sub_and_presence',
}

/** What all accounts' faces share. */
export interface AccountFaces {
  readonly pubsub: PubsubApi
  readonly presence: PresenceApi
  readonly roster: RosterApi
  /** Those who are to know of something at an account's node without having subscribed. */
  audience(account: Jid, node: Node): Iterable<Session> | Promise<Iterable<Session>>
}

/** The service that an account is itself (XEP-0163). */
export class AccountFace implements Face {
  readonly service: Jid
  readonly defaults: NodeConfig = accountDefaults
  readonly limits: Face['limits']
  readonly #faces: AccountFaces

  constructor(account: Jid, faces: AccountFaces) {
    this.service = account
    this.limits = faces.pubsub.limits
    this.#faces = faces
  }

  rules(asker: Jid): boolean {
    return asker.bare.equals(this.service)
  }

  mayCreate(asker: Jid): boolean {
    return this.rules(asker)
  }

  seesPresence(_node: Node, asker: Jid): boolean | Promise<boolean> {
    return this.#faces.presence.isSubscriber(this.service, asker)
  }

  async isInGroups({ settings }: Node, asker: Jid): Promise<boolean> {
    const item = await this.#faces.roster.item(this.service, asker)
    return item?.groups.some((group) => settings.rosterGroups.includes(group)) ?? false
  }

  async isStranger(asker: Jid): Promise<boolean> {
    return !(await this.#faces.presence.isSubscriber(this.service, asker))
  }

  async notifyOthers(node: Node, wire: Wire, reached: ReadonlySet<Session>): Promise<void> {
    const { host } = this.#faces.pubsub.engine
    for (const session of await this.#faces.audience(this.service, node))
      if (!reached.has(session)) host.reach(session, wire, this.service)
  }
}
