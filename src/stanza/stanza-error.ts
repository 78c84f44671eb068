import type { Jid } from '../jid/jid.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { type Condition, conditions, type ErrorType } from './conditions.ts'

/** What may accompany a stanza error. */
export interface StanzaErrorExtra {
  readonly type?: ErrorType
  /** Who found the error, when it is not the addressee (RFC 6120 §8.3.1). */
  readonly by?: Jid
  /** An application-specific condition (RFC 6120 §8.3.4). */
  readonly app?: Element
  /** What goes back of the payload, before the error (RFC 6120 §8.3.1). */
  readonly payload?: Element
}

/** Refuses a stanza: thrown by a handler, it becomes the error reply its sender gets (RFC 6120 §8.3). */
export class StanzaError extends Error {
  readonly condition: Condition
  readonly type: ErrorType
  readonly extra: StanzaErrorExtra | undefined

  constructor(condition: Condition, text = '', extra?: StanzaErrorExtra) {
    super(text)
    this.name = 'StanzaError'
    this.condition = condition
    this.type = extra?.type ?? conditions[condition]
    this.extra = extra
  }

  /** The `<error/>` element, without a namespace of its own: it takes the stanza's. */
  toElement(): Element {
    const error = xml(
      'error',
      { type: this.type, by: this.extra?.by?.toString() },
      xml(this.condition, { xmlns: NS.stanzaErrors }),
    )
    if (this.message !== '') error.append(xml('text', { xmlns: NS.stanzaErrors, 'xml:lang': 'en' }, this.message))
    if (this.extra?.app) error.append(this.extra.app)
    return error
  }
}

/** Refuses a stanza without a word to its sender, where the specification asks for silence. */
export class StanzaDrop extends Error {}

/** The one instance to throw: a drop carries nothing, so it needs no stack. */
export const drop: StanzaDrop = new StanzaDrop('dropped in silence')
