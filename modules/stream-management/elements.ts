import { type Element, readBoolean, StreamError, xml } from '#api'

export const NS = 'urn:xmpp:sm:3'
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

/** XEP-0198 §4: counts are 32 bits wide and begin anew at 0. */
export const MODULUS: number = 2 ** 32

/** Asks the client how far it is. */
export const REQUEST: string = `<r xmlns='${NS}'/>`

/** Tells the client how many of its stanzas are handled; `h` is a count of any width. */
export function answerText(h: number): string {
  return `<a xmlns='${NS}' h='${h % MODULUS}'/>`
}

/** The value of an `h`; `undefined` when it is no count of 32 bits. */
export function readCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value < MODULUS ? value : undefined
}

/** What a client asks for with `<enable/>` (XEP-0198 §3). */
export interface Enable {
  readonly resume: boolean
  /** For how long it would like to be able to come back, in ms; `undefined` when it does not say. */
  readonly maxMs: number | undefined
}

/** Reads an `<enable/>`; a `max` that is no positive number is none. */
export function readEnable({ attrs }: Element): Enable {
  const { resume, max } = attrs
  const seconds = /^\d{1,9}$/.test(max ?? '') ? Number(max) : 0
  return { resume: readBoolean(resume) === true, maxMs: seconds > 0 ? seconds * 1000 : undefined }
}

/** Why something about stream management did not succeed, with the last handled count where it may be told (§6). */
export function failed(
  condition: 'bad-request' | 'feature-not-implemented' | 'item-not-found' | 'unexpected-request',
  h?: number,
): Element {
  const attrs = h === undefined ? { xmlns: NS } : { xmlns: NS, h: String(h % MODULUS) }
  return xml('failed', attrs, xml(condition, { xmlns: NS_STANZAS }))
}

/** The end of the stream of a client that acknowledges more than it was sent (§6). */
export function handledCountTooHigh(h: number, sent: number): StreamError {
  const count = sent % MODULUS
  return new StreamError(
    'undefined-condition',
    `You acknowledged ${h} stanzas, but I only sent you ${count} so far.`,
    xml('handled-count-too-high', { xmlns: NS, h: String(h), 'send-count': String(count) }),
  )
}
