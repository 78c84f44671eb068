import { defineNotice, defineQuestion } from '../pipeline/hook.ts'
import type { IqHandler } from '../pipeline/iq-table.ts'
import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import type { Element } from '../xml/element.ts'

/** A connection of an external component (XEP-0114) that has shown who it is. */
export interface ComponentConnection {
  /** The component's domain, prepared. */
  readonly domain: string
  /** Sends a stanza to this very connection; it needs `from` and `to`. */
  send(stanza: Element): void
}
/** An external component has connected, once more perhaps; every host hears of every component. */
export const componentConnected = defineNotice<ComponentConnection>(
  'component/connected',
  'An external component has connected, once more perhaps; every host hears of every component.',
)

/**
 * A request to the host or an account, about to be answered by the module that has registered for it. Whoever has it
 * answered otherwise, such as by an external component, returns a handler. Guards have let the request pass.
 */
export const requestDelegated = defineQuestion<StanzaEvent, IqHandler | undefined>(
  'iq/delegated',
  undefined,
  'A request to the host or an account is about to be answered: does somebody else answer it?',
)
