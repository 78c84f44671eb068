import { type Jid, Lru } from '#api'
import { sendLast } from './authorizing.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'

/** How many are remembered as being there. */
const REMEMBERED = 10_000

/**
 * Those who have sent a service available presence: subscribers among them get the newest items of nodes that are set so, once
 * on coming (XEP-0060 §6.1.7, §12.2).
 */
export class Visitors {
  readonly #engine: Engine
  readonly #face: Face
  readonly #there = new Lru<string, true>(REMEMBERED)

  constructor(engine: Engine, face: Face) {
    this.#engine = engine
    this.#face = face
  }

  /** Somebody is there, under a full JID. */
  async comes(from: Jid): Promise<void> {
    const [address, bare] = [from.toString(), from.bare.toString()]
    if (this.#there.get(address) !== undefined) return
    this.#there.set(address, true)
    const nodes = new Set<string>()
    for (const { node, subscription } of await this.#engine.store.subscriptionsOf(this.#face.service.toString(), bare))
      if (subscription.state === 'subscribed' && subscription.options['deliver'] !== '0')
        if (subscription.jid === bare || subscription.jid === address) nodes.add(node)
    for (const name of nodes) {
      const node = await this.#engine.find(this.#face, name)
      if (node?.settings.sendLast === 'on_sub_and_presence' && (await this.#face.hears(node, from)))
        await sendLast(this.#engine, this.#face, node, from)
    }
  }

  /** Somebody is not there any more. */
  goes(from: Jid): void {
    this.#there.delete(from.toString())
  }
}
