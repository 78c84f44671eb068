import { type Element, StanzaError, xml } from '#api'

/** The namespace of commands (XEP-0050). */
export const NS_COMMANDS = 'http://jabber.org/protocol/commands'
/** The namespace of data forms (XEP-0004). */
export const NS_FORMS = 'jabber:x:data'

const actions = ['execute', 'cancel', 'prev', 'next', 'complete'] as const

/** What is to be done with a command (XEP-0050 §4.1). */
export type Action = (typeof actions)[number]

/** A `<command/>` as somebody sent it. */
export interface CommandQuery {
  readonly node: string
  readonly action: Action
  /** Absent for a command that is to begin. */
  readonly sessionId: string | undefined
  /** What was filled in. */
  readonly form: Element | undefined
}

/** @throws StanzaError as XEP-0050 §4.4 says. */
export function readCommand(query: Element): CommandQuery {
  const { node, action = 'execute', sessionid, 'xml:lang': lang } = query.attrs
  if (node === undefined || node === '') throw new StanzaError('bad-request', 'A command has a node.')
  if (!isAction(action)) throw refusal('malformed-action', 'There is no such action.')
  // XEP-0050 §3.7: what the command itself asks for; the language of the stanza only says what its sender speaks.
  if (lang !== undefined && !/^(en\b|i-default$|\*$|$)/i.test(lang)) throw refusal('bad-locale', 'We speak English.')
  return { node, action, sessionId: sessionid, form: query.getChild('x', NS_FORMS) }
}

function isAction(text: string): text is Action {
  return (actions as readonly string[]).includes(text)
}

/** What the answer to a command says. */
export interface CommandAnswer {
  readonly node: string
  readonly sessionId: string
  readonly status: 'canceled' | 'completed' | 'executing'
  readonly payload?: readonly Element[]
}

/** The `<command/>` that answers one. */
export function writeCommand({ node, sessionId, status, payload = [] }: CommandAnswer): Element {
  const attrs = { xmlns: NS_COMMANDS, node, sessionid: sessionId, status, 'xml:lang': 'en' }
  return xml('command', attrs, ...payload)
}

/** What may be done next: the last stage is completed, the others lead on, and all but the first lead back (XEP-0050 §3.4). */
export function actionsElement(isFirst: boolean, isLast: boolean): Element {
  const onward = isLast ? 'complete' : 'next'
  return xml('actions', { execute: onward }, ...(isFirst ? [] : [xml('prev')]), xml(onward))
}

/** A sentence for people beside or instead of a form (XEP-0050 §4.3); a command that failed in the end says so by an `error`. */
export function note(text: string, type: 'error' | 'info' | 'warn' = 'info'): Element {
  return xml('note', { type }, text)
}

/** What a form says cannot be (XEP-0050 §4.4). */
export function badPayload(text: string): StanzaError {
  return refusal('bad-payload', text)
}

/** A refusal with one of the conditions of XEP-0050 §4.4. */
export function refusal(
  condition: 'bad-action' | 'bad-locale' | 'bad-payload' | 'bad-sessionid' | 'malformed-action' | 'session-expired',
  text: string,
): StanzaError {
  const app = xml(condition, { xmlns: NS_COMMANDS })
  return new StanzaError(condition === 'session-expired' ? 'not-allowed' : 'bad-request', text, { app })
}
