import { type Element, randomId, readForm, StanzaError, xml } from '#api'
import { infoElement, itemsElement } from '../disco/index.ts'
import type { RoomRequest } from './hooks.ts'
import { NS_COMMANDS, NS_FORMS } from './namespaces.ts'

/** The values of a form that somebody filled in, by field. */
export type Filled = ReadonlyMap<string, readonly string[]>

/** A command that a room carries out (XEP-0050): it asks for one form at most. */
export interface RoomCommand {
  readonly node: string
  /** What people call it. */
  readonly name: string
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

/** The answer of service discovery for the list of commands, of those whom the asker may give, and for each of them (XEP-0050 §2.2). */
export async function describeCommands(
  commands: readonly RoomCommand[],
  node: string,
  of: 'info' | 'items',
  request: RoomRequest,
): Promise<Element | undefined> {
  if (node === NS_COMMANDS && of === 'items') {
    const jid = request.room.address
    const open = await Promise.all(commands.map((command) => isOpen(command, request)))
    const items = commands.filter((_command, place) => open[place])
    return itemsElement(
      items.map(({ node, name }) => ({ jid, node, name })),
      NS_COMMANDS,
    )
  }
  const command = commands.find((one) => one.node === node)
  if (command === undefined || !(await isOpen(command, request))) return undefined
  if (of === 'items') return itemsElement([], node)
  const identities = [{ category: 'automation', type: 'command-node', name: command.name }]
  return infoElement({ identities, features: [NS_COMMANDS, NS_FORMS], forms: [] }, node)
}

async function isOpen({ guard }: RoomCommand, request: RoomRequest): Promise<boolean> {
  try {
    await guard?.(request)
    return true
  } catch (error) {
    if (error instanceof StanzaError) return false
    throw error
  }
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
