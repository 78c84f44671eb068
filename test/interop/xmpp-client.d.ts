declare module '@xmpp/client' {
  import type { Element } from '@xmpp/xml'

  /** A client; what the test uses of it. */
  export interface Entity {
    start(): Promise<{ toString(): string }>
    stop(): Promise<unknown>
    isSecure(): boolean
    write(text: string): Promise<void>
    send(element: Element): Promise<void>
    on(event: 'error', listener: (error: Error) => void): void
    on(event: 'disconnect', listener: () => void): void
    on(event: 'stanza', listener: (element: Element) => void): void
    readonly jid: { toString(): string } | null
    /** Of the present connection. */
    readonly socket: { end(): void }
    prependListener(event: 'element', listener: (element: Element) => void): void
    readonly reconnect: { stop(): void; reconnect(): Promise<void> }
    readonly streamManagement: { readonly enabled: boolean; on(event: 'resumed', listener: () => void): void }
    readonly fast: { saveToken: (token: never) => Promise<void> }
    readonly iqCaller: { request(iq: Element, timeoutMs: number): Promise<Element> }
  }

  type Authenticate = (credentials: object, mechanism: string, userAgent?: Element) => Promise<void>

  export function client(options: {
    service: string
    domain: string
    resource: string
    credentials: (authenticate: Authenticate, mechanisms: string[], fast: unknown, entity: Entity) => Promise<void>
  }): Entity
  export { xml } from '@xmpp/xml'
}
