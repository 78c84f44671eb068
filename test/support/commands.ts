import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import type { Actor } from './story.ts'

/** The namespace of commands (XEP-0050). */
export const COMMANDS = 'http://jabber.org/protocol/commands'
const FORMS = 'jabber:x:data'

/** What is filled in, by field. */
export type Given = Readonly<Record<string, string | readonly string[]>>

/** The text of a request to run a command, or to go on with it. */
export function command(to: string, node: string, given?: Given, attributes = ''): string {
  const form = given === undefined ? '' : submitted(given)
  return `<iq type='set' to='${to}'><command xmlns='${COMMANDS}' node='${node}' ${attributes}>${form}</command></iq>`
}

function submitted(given: Given): string {
  const fields = Object.entries(given).map(([name, value]) => {
    const values = [value].flat().map((one) => `<value>${one}</value>`)
    return `<field var='${name}'>${values.join('')}</field>`
  })
  return `<x xmlns='${FORMS}' type='submit'>${fields.join('')}</x>`
}

/** Begins a command, or goes on with one, and returns the `<command/>` that answers. */
export async function gives(
  actor: Actor,
  to: string,
  node: string,
  given?: Given,
  sessionId?: string,
): Promise<Element> {
  const attributes = sessionId === undefined ? '' : `sessionid='${sessionId}'`
  const reply = await actor.asks`${command(to, node, given, attributes)}`
  return reply.getChild('command', COMMANDS)!
}

/** Asks for the form of a command, fills it in, and returns it and what the command comes to. */
export async function fills(
  actor: Actor,
  to: string,
  node: string,
  given: Given,
): Promise<{ readonly form: Element; readonly answer: Element }> {
  const asked = await gives(actor, to, node)
  assert.equal(asked.attrs['status'], 'executing', String(asked))
  const answer = await gives(actor, to, node, given, asked.attrs['sessionid']!)
  assert.equal(answer.attrs['status'], 'completed', String(answer))
  return { form: asked.getChild('x', FORMS)!, answer }
}

/** The fields of the form in an answer, by name. */
export function fieldsOf(answer: Element): Record<string, string[]> {
  const form = answer.name === 'x' ? answer : answer.getChild('x', FORMS)
  const fields = form?.getChildren('field') ?? []
  return Object.fromEntries(
    fields.map((field) => [field.attrs['var'], field.getChildren('value').map((value) => value.getText())]),
  )
}

/** The fields a form asks for: `var type`, with `!` for those that are required. */
export function shapeOf(form: Element): string[] {
  const asked = form.getChildren('field').filter((field) => field.attrs['var'] !== 'FORM_TYPE')
  return asked.map((field) => {
    const required = field.getChild('required') === undefined ? '' : ' !'
    return `${field.attrs['var']} ${field.attrs['type']}${required}`
  })
}

/** The nodes of the commands that somebody is told of. */
export async function nodesOf(actor: Actor, to: string): Promise<string[]> {
  const query = `<query xmlns='http://jabber.org/protocol/disco#items' node='${COMMANDS}'/>`
  const reply = await actor.asks`<iq type='get' to='${to}'>${query}</iq>`
  const items = reply.getChildElements()[0]!.getChildren('item')
  assert.ok(items.every((item) => item.attrs['jid'] === to && item.attrs['name'] !== undefined))
  return items.map((item) => item.attrs['node']!)
}
