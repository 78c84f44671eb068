import { type Element, randomId, readForm, StanzaError, xml } from '#api'
import type { RoomRequest } from './hooks.ts'
import { NS_COMMANDS, NS_FORMS } from './namespaces.ts'

/** The values of a form that somebody filled in, by field. */
export type Filled = ReadonlyMap<string, readonly string[]>

/** A command that a room carries out (XEP-0050): it asks for one form at most. */
export interface RoomCommand {
  readonly node: string
  /** Refuses those who may not. */
  readonly guard?: (request: RoomRequest) => void | Promise<void>
  /** The form that is to be filled in first. */
  readonly form?: (request: RoomRequest) => Element | Promise<Element>
  /** Carries it out; what it returns goes with the answer. */
  readonly run: (filled: Filled, request: RoomRequest) => Element | void | Promise<Element | void>
}

/** Carries out one of these commands, or asks for its form; nothing is remembered in between (XEP-0050 §3). */
export async function runCommand(
  commands: readonly RoomCommand[],
  formType: string,
  query: Element,
  request: RoomRequest,
): Promise<Element> {
  const { node, action = 'execute', sessionid } = query.attrs
  const command = commands.find((one) => one.node === node)
  if (command === undefined) throw new StanzaError('item-not-found', 'There is no such command.')
  await command.guard?.(request)
  if (action === 'cancel') return answer(command, 'canceled', sessionid)
  // XEP-0050 §3.4: there is no stage before or behind.
  if (action === 'prev') throw refusal('bad-action', 'There is no other stage.')
  if (!['execute', 'complete', 'next'].includes(action)) throw refusal('malformed-action', 'There is no such action.')
  const submitted = query.getChild('x', NS_FORMS)
  if (submitted === undefined && command.form !== undefined) {
    const actions = xml('actions', { execute: 'complete' }, xml('complete'))
    return answer(command, 'executing', sessionid, actions, await command.form(request))
  }
  if (submitted?.attrs['type'] === 'cancel') return answer(command, 'canceled', sessionid)
  const filled = readForm(query, formType)
  if (filled === undefined && command.form !== undefined) throw badPayload(`Submit a form of type ${formType}.`)
  const result = await command.run(filled ?? new Map(), request)
  return answer(command, 'completed', sessionid, ...(result === undefined ? [] : [result]))
}

function answer(
  { node }: RoomCommand,
  status: string,
  sessionid: string | undefined,
  ...payload: readonly Element[]
): Element {
  return xml('command', { xmlns: NS_COMMANDS, node, sessionid: sessionid ?? randomId(), status }, ...payload)
}

/** What a form says cannot be (XEP-0050 §4.4). */
export function badPayload(text: string): StanzaError {
  return refusal('bad-payload', text)
}

function refusal(condition: string, text: string): StanzaError {
  return new StanzaError('bad-request', text, { app: xml(condition, { xmlns: NS_COMMANDS }) })
}
