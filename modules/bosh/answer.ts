/** What ends a session, or keeps it from coming about (XEP-0124 §17.2). */
export type Condition =
  | 'bad-request'
  | 'host-unknown'
  | 'improper-addressing'
  | 'item-not-found'
  | 'other-request'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'remote-stream-error'
  | 'system-shutdown'

/** Thrown for a request that cannot be dealt with. */
export class BindingError extends Error {
  readonly condition: Condition

  /** `text` is for whoever reads the program, or its tests: nobody is sent it. */
  constructor(condition: Condition, text: string) {
    super(text)
    this.name = 'BindingError'
    this.condition = condition
  }
}

/** The answer to an HTTP request. XEP-0124 §17.1 has statuses other than 200 for clients that name no version; there are none here. */
export interface Answer {
  readonly contentType: string
  readonly text: string
}

/** The media type of answers, unless a client asks for another (XEP-0124 §7.1). */
export const CONTENT_TYPE = 'text/xml; charset=utf-8'

export type Attributes = Readonly<Record<string, string | number | undefined>>

/** The text of a wrapper with payloads, which are text too. */
export function wrap(attributes: Attributes, payloads = ''): string {
  let tag = `<body xmlns="http://jabber.org/protocol/httpbind"`
  // XEP-0206 §2: with what is of the stream itself, its prefix is declared here.
  if (payloads.includes('<stream:')) tag += ' xmlns:stream="http://etherx.jabber.org/streams"'
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined) tag += ` ${name}="${escapeValue(String(value))}"`
  }
  return payloads === '' ? `${tag}/>` : `${tag}>${payloads}</body>`
}

function escapeValue(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The end of a session: in order without a condition, else with one. */
export function terminal(condition?: Condition, payloads = ''): string {
  return wrap({ type: 'terminate', condition }, payloads)
}

/** XEP-0124 §17.3: whoever gets this is to ask again, with all that came before and has no answer. */
export const RECOVERABLE: string = wrap({ type: 'error' })

/** The refusal of a request that belongs to no session. */
export function refusal(condition: Condition): Answer {
  return { contentType: CONTENT_TYPE, text: terminal(condition) }
}

/** What a stream error is called in BOSH; what went wrong with the stream itself is inside (XEP-0124 §17.2). */
export function conditionOf(error: string): Condition | undefined {
  if (error === '') return undefined
  const condition = /^<stream:error><([a-z-]+)/.exec(error)?.[1]
  return condition === 'host-unknown' || condition === 'system-shutdown' ? condition : 'remote-stream-error'
}
