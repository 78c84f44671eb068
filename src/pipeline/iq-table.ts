import type { Jid } from '../jid/jid.ts'
import type { Host } from '../session/host.ts'
import type { Session } from '../session/session.ts'
import type { User } from '../session/user.ts'
import type { Element } from '../xml/element.ts'

/**
 * Whom a request is addressed to: `host` is the server itself, `account` a local account asked by anybody, `self` an
 * account asked by its owner, who is the only one to get an answer.
 */
export type IqTarget = 'account' | 'host' | 'self'

/** What an IQ handler is told beside the payload. */
export interface IqRequest {
  readonly stanza: Element
  readonly from: Jid
  readonly to: Jid
  readonly origin: Session | null
  /** The online user the request is addressed to; never set for `host`. */
  readonly user: User | undefined
  readonly host: Host
}

/** Answers a request: returns the payload of the result or nothing, throws `StanzaError` to refuse. */
export type IqHandler = (query: Element, iq: IqRequest) => Element | void | Promise<Element | void>

export interface IqEntry {
  readonly module: string
  readonly handler: IqHandler
}

/** The handlers for the IQ requests a host and its accounts answer, found by namespace, then name. */
export class IqTable {
  readonly #entries = new Map<string, Map<string, IqEntry>>()

  /** @throws Error when two modules claim the same request, naming both. */
  add(
    type: 'get' | 'set',
    target: IqTarget,
    name: string,
    xmlns: string,
    module: string,
    handler: IqHandler,
  ): () => void {
    const slot = `${target} ${type}`
    const byNamespace = this.#entries.get(xmlns) ?? new Map<string, IqEntry>()
    this.#entries.set(xmlns, byNamespace)
    const key = `${slot} ${name}`
    const rival = byNamespace.get(key) ?? this.#rival(byNamespace, type, target, name)
    if (rival)
      throw new Error(`modules ${rival.module} and ${module} both answer <${name} xmlns='${xmlns}'/> (${slot})`)
    byNamespace.set(key, { module, handler })
    return () => byNamespace.delete(key)
  }

  #rival(entries: Map<string, IqEntry>, type: string, target: IqTarget, name: string): IqEntry | undefined {
    if (target === 'host') return undefined
    return entries.get(`${target === 'self' ? 'account' : 'self'} ${type} ${name}`)
  }

  find(type: string, target: IqTarget, name: string, xmlns: string | undefined): IqEntry | undefined {
    if (xmlns === undefined) return undefined
    return this.#entries.get(xmlns)?.get(`${target} ${type} ${name}`)
  }

  /** All entries as sorted lines, for `stonechat pipeline`. */
  describe(): string[] {
    return [...this.#entries]
      .flatMap(([xmlns, byName]) => [...byName].map(([key, { module }]) => `${key} ${xmlns}: ${module}`))
      .sort()
  }
}
