import { type StreamError, serialize } from '../../../src/api.ts'
import type { Accounts } from '../../../src/auth/accounts.ts'
import { Host } from '../../../src/session/host.ts'
import type { Session } from '../../../src/session/session.ts'
import type { Element } from '../../../src/xml/element.ts'
import { parseDocument } from '../../../src/xml/parser.ts'

/** A stream that notes what it is told, and takes its session down when it is closed, as a client's stream does. */
export class StageStream {
  readonly heard: string[] = []
  readonly remoteAddress = '192.0.2.1'
  readonly secure = true
  error: StreamError | undefined
  session: Session | undefined
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  write(text: string): void {
    this.heard.push(text)
  }

  drained(): undefined {}
  hold(): void {}
  release(): void {}
  cut(): void {}
  leave(): void {}

  close(error?: StreamError): void {
    this.error = error
    if (this.session !== undefined) this.#host.close(this.session)
  }

  /** What was written last, as a tree. */
  last(): Element {
    return parseDocument(this.heard.at(-1)!)
  }
}

/** A host without modules whose accounts are a set of names in memory. */
export class Stage {
  readonly accounts = new Set<string>()
  readonly crashes: string[] = []
  readonly host: Host

  constructor(domain = 'verona.example') {
    const hidden = new Set<string>()
    const accounts = {
      exists: (local: string) => Promise.resolve(this.accounts.has(local) && !hidden.has(local)),
      lookUp: (local: string) => Promise.resolve(this.accounts.has(local) && !hidden.has(local)),
      hide: (local: string) => {
        hidden.add(local)
        return () => void hidden.delete(local)
      },
      delete: (local: string) => Promise.resolve(this.accounts.delete(local)),
      state: (local: string) => Promise.resolve(this.accounts.has(local) ? { kind: 'active' } : undefined),
      isShut: () => false,
      isOutdated: () => false,
      watch() {},
    }
    this.host = new Host(domain, accounts as unknown as Accounts, (hook, error) =>
      this.crashes.push(`${hook}: ${(error as Error).message}`),
    )
  }

  /** Begins to bind a session of an account. */
  bind(local: string, resource: string, choose = () => resource): { stream: StageStream; bound: Promise<void> } {
    const stream = new StageStream(this.host)
    const bound = this.host.bind(local, stream, choose, (session) => {
      stream.session = session
    })
    return { stream, bound }
  }

  /** A bound session; with a priority it is available. */
  async session(
    local: string,
    resource: string,
    priority: number | null = null,
  ): Promise<StageStream & { session: Session }> {
    this.accounts.add(local)
    const { stream, bound } = this.bind(local, resource)
    await bound
    if (priority !== null) {
      stream.session!.presence = parseDocument('<presence/>')
      stream.session!.priority = priority
    }
    return stream as StageStream & { session: Session }
  }
}

/** A stanza from its text. */
export const stanza = parseDocument
export { serialize }
