import { type Element, type Session, type StreamElement, StreamError, serialize, type UnboundClient, xml } from '#api'
import { failed, NS, readCount, readEnable } from './elements.ts'
import { Ledger, type LedgerSurroundings } from './ledger.ts'
import type { Resumptions } from './resumptions.ts'

/** What the elements of a host's streams work on. */
export interface Negotiation {
  readonly config: { readonly resumption: number; readonly location: string | undefined }
  readonly surroundings: LedgerSurroundings
  readonly resumptions: Resumptions
  /** Told when a session can be resumed from now on. */
  readonly onGranted: () => void
}

/** The elements by which a client turns stream management on, asks, acknowledges and comes back. */
export function negotiation(parts: Negotiation): StreamElement[] {
  return [
    {
      name: 'enable',
      xmlns: NS,
      bound: (element, session) => enableLive(element, session, parts),
      unbound: unexpected,
    },
    {
      name: 'resume',
      xmlns: NS,
      bound: refuse,
      unbound: (element, client) => {
        // XEP-0198 §5.
        if (parts.config.resumption === 0) return client.reply(failed('feature-not-implemented'))
        return parts.resumptions.resume(element, client)
      },
      // XEP-0198 §9.2.
      inline: () => (parts.config.resumption === 0 ? undefined : xml('sm', { xmlns: NS })),
    },
    { name: 'r', xmlns: NS, bound: withLedger((_element, ledger) => ledger.answer()), unbound: unexpected },
    { name: 'a', xmlns: NS, bound: withLedger(acknowledge), unbound: unexpected },
  ]
}

/** XEP-0198 §9.1: turns it on while the session is being bound. */
export function enableBound(requested: readonly Element[], session: Session, parts: Negotiation): Element | undefined {
  const element = requested.find(({ name }) => name === 'enable')
  if (element === undefined) return undefined
  const ledger = new Ledger(session, parts.surroundings)
  session.queue = ledger
  return enable(element, ledger, parts)
}

/** XEP-0198 §3. */
function enableLive(element: Element, session: Session, parts: Negotiation): void {
  if (session.queue !== undefined) throw new StreamError('policy-violation', 'Stream management is on already.')
  const ledger = new Ledger(session, parts.surroundings)
  session.stream.write(serialize(enable(element, ledger, parts)))
  session.queue = ledger
}

function enable(element: Element, ledger: Ledger, { config, resumptions, onGranted }: Negotiation): Element {
  const { resume, maxMs } = readEnable(element)
  const enabled = xml('enabled', { xmlns: NS })
  if (resume && config.resumption > 0) {
    const ms = Math.min(maxMs ?? config.resumption, config.resumption)
    const id = resumptions.grant(ledger, ms)
    Object.assign(enabled.attrs, { id, resume: 'true', max: String(Math.floor(ms / 1000)) })
    if (config.location !== undefined) enabled.attrs['location'] = config.location
    onGranted()
  }
  return enabled
}

/** XEP-0198 §4. */
function acknowledge({ attrs }: Element, ledger: Ledger): void {
  const h = readCount(attrs['h'])
  if (h === undefined) throw new StreamError('bad-format', 'An acknowledgement has a count.')
  ledger.acknowledge(h)
}

function withLedger(take: (element: Element, ledger: Ledger) => void) {
  return (element: Element, session: Session): void => {
    if (session.queue instanceof Ledger) take(element, session.queue)
    else refuse(element, session)
  }
}

/** XEP-0198 §3, §6: what comes at the wrong time is refused, and all else goes on. */
function refuse(_element: Element, session: Session): void {
  session.stream.write(serialize(failed('unexpected-request')))
}

function unexpected(_element: Element, client: UnboundClient): void {
  client.reply(failed('unexpected-request'))
}
