import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

/** The stream error conditions this server sends (RFC 6120 §4.9.3). */
export const streamConditions = [
  'bad-format',
  'bad-namespace-prefix',
  'conflict',
  'connection-timeout',
  'host-gone',
  'host-unknown',
  'improper-addressing',
  'internal-server-error',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'restricted-xml',
  'system-shutdown',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-feature',
  'unsupported-stanza-type',
  'unsupported-version',
] as const
export type StreamCondition = (typeof streamConditions)[number]

/** Ends a stream: thrown or passed to `close`, it becomes the `<stream:error/>` the peer gets (RFC 6120 §4.9). */
export class StreamError extends Error {
  readonly condition: StreamCondition
  /** What says more to those who know its namespace (RFC 6120 §4.9.4). */
  readonly detail: Element | undefined

  constructor(condition: StreamCondition, text = '', detail?: Element) {
    super(text)
    this.name = 'StreamError'
    this.condition = condition
    this.detail = detail
  }

  /** The element as it goes on the wire, where the prefix `stream` is declared on the root. */
  toElement(): Element {
    const error = xml('stream:error', null, xml(this.condition, { xmlns: NS.streamErrors }))
    if (this.message !== '') error.append(xml('text', { xmlns: NS.streamErrors, 'xml:lang': 'en' }, this.message))
    if (this.detail !== undefined) error.append(this.detail)
    return error
  }
}
