import type { Context, Jid, Session } from '#api'
import { mayRead, type PubsubApi } from '../pubsub/index.ts'
import type { RosterApi } from '../roster/index.ts'
import type { AccountFace } from './account-face.ts'
import type { Audience } from './audience.ts'

/** What the newest items need that newcomers get. */
export interface NewcomerParts {
  readonly pubsub: PubsubApi
  readonly roster: RosterApi
  readonly audience: Audience
  readonly log: Context['log']
  faceOf(account: Jid): AccountFace
}

/** Gives those who come the newest item of every node they want to hear of (XEP-0163 §4.3.2). */
export class Newcomers {
  readonly #parts: NewcomerParts

  constructor(parts: NewcomerParts) {
    this.#parts = parts
  }

  /** A session has come, or wants to hear of more nodes: of its own account's and of those it sees the presence of. */
  welcome(session: Session, nodes: readonly string[]): void {
    if (nodes.length === 0) return
    const { roster, log } = this.#parts
    const watched = roster.of(session.user)?.watched() ?? []
    const accounts = [session.user.jid, ...watched]
    this.#tell(session, accounts, nodes).catch((err) => log.error({ err }, 'newest items could not be sent'))
  }

  /** A contact may see an account's presence from now on, and so what it has published. */
  introduce(account: Jid, sessions: Iterable<Session>): void {
    const { audience, log } = this.#parts
    for (const session of sessions) {
      const nodes = audience.interestsOf(session)
      if (nodes.length > 0)
        this.#tell(session, [account], nodes).catch((err) => log.error({ err }, 'newest items could not be sent'))
    }
  }

  async #tell(session: Session, accounts: readonly Jid[], nodes: readonly string[]): Promise<void> {
    const { pubsub, faceOf } = this.#parts
    const { engine } = pubsub
    const services = new Map(accounts.map((account) => [account.toString(), account]))
    for (const { service, node: name, item } of await engine.store.lastItems([...services.keys()], nodes)) {
      const face = faceOf(services.get(service)!)
      const node = await engine.find(face, name)
      if (node === undefined || !session.live || session.presence === null) continue
      const { sendLast, deliverNotifications } = node.settings
      if (sendLast !== 'on_sub_and_presence' || !deliverNotifications || engine.isExpired(node, item.ms)) continue
      if (await mayRead(face, node, session.jid)) engine.notifier.last(face, node, item, session)
    }
  }
}
