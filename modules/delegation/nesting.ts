import { type ComponentConnection, type Element, type Host, xml } from '#api'
import { type DiscoTarget, discoIdentities } from '../disco/hooks.ts'
import { NS_INFO } from '../disco/index.ts'
import { NS_DELEGATION } from './grants.ts'

/** How long a component may take to say what it can do. */
const PATIENCE_MS = 30_000

/**
 * Has the host and accounts tell in service discovery what the components that answer for them can do, in place of what
 * the server's own modules can (XEP-0355 §7.2).
 */
export class Nesting {
  readonly #host: Host
  /** What each namespace has added, and how to take it back. */
  readonly #undo = new Map<string, () => void>()

  constructor(host: Host) {
    this.#host = host
  }

  /** The features of the server's own modules for a delegated namespace are none any more. */
  hide(xmlns: string): void {
    for (const features of [this.#host.features.host, this.#host.features.account])
      for (const feature of [...features])
        if (feature === xmlns || feature.startsWith(`${xmlns}#`)) features.delete(feature)
  }

  /** Asks a component that has come what it can do for a namespace. */
  async learn({ domain }: ComponentConnection, xmlns: string): Promise<void> {
    await Promise.all([this.#learn(domain, xmlns, 'host'), this.#learn(domain, xmlns, 'account')])
  }

  async #learn(domain: string, xmlns: string, of: DiscoTarget): Promise<void> {
    const node = `${NS_DELEGATION}${of === 'host' ? '::' : ':bare:'}${xmlns}`
    const query = xml('query', { xmlns: NS_INFO, node })
    const iq = xml('iq', { type: 'get', from: this.#host.domain, to: domain }, query)
    const answer = await this.#host.request(iq, PATIENCE_MS)
    const info = answer.attrs['type'] === 'result' ? answer.getChild('query', NS_INFO) : undefined
    if (info === undefined) return
    this.#undo.get(node)?.()
    this.#undo.set(node, this.#add(of, info))
  }

  #add(of: DiscoTarget, info: Element): () => void {
    const features = this.#host.features[of]
    const added = info.getChildren('feature', NS_INFO).flatMap(({ attrs: { var: name } }) => {
      if (!name || features.has(name)) return []
      features.add(name)
      return [name]
    })
    const identities = info.getChildren('identity', NS_INFO).flatMap(({ attrs: { category, type, name } }) => {
      if (!category || !type) return []
      return [this.#host.hooks.attach(discoIdentities, { of, category, type, ...(name ? { name } : {}) })]
    })
    return () => {
      for (const name of added) features.delete(name)
      for (const detach of identities) detach()
    }
  }

  /** Takes back all that components have added. */
  stop(): void {
    for (const undo of this.#undo.values()) undo()
  }
}
