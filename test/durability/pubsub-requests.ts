import type { Element } from '../../src/api.ts'
import type { Doer } from './doer.ts'
import { Refused } from './room-person.ts'

export const NS = 'http://jabber.org/protocol/pubsub'
export const NS_OWNER = `${NS}#owner`

/** A form that is filled in. */
export function form(type: string, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ FORM_TYPE: type, ...fields }).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  return `<x xmlns='jabber:x:data' type='submit'>${lines.join('')}</x>`
}

/** Publishes items, given as XML, at a node that is made with `options` when there is none. */
export function publish(node: string, items: string, options: Readonly<Record<string, string>> = {}): string {
  const wanted = form(`${NS}#publish-options`, options)
  const preconditions = Object.keys(options).length === 0 ? '' : `<publish-options>${wanted}</publish-options>`
  return `<pubsub xmlns='${NS}'><publish node='${node}'>${items}</publish>${preconditions}</pubsub>`
}

export function retract(node: string, ids: readonly string[]): string {
  const items = ids.map((id) => `<item id='${id}'/>`)
  return `<pubsub xmlns='${NS}'><retract node='${node}' notify='true'>${items.join('')}</retract></pubsub>`
}

/** The items of a node, oldest first; `undefined` when there is no node. */
export async function itemsOf(doer: Doer, node: string, to?: string): Promise<readonly Element[] | undefined> {
  const answer = await isThere(doer.asks('get', `<pubsub xmlns='${NS}'><items node='${node}'/></pubsub>`, to))
  return answer?.getChild('items', NS)?.getChildren('item', NS)
}

/** What a question comes to, `undefined` for `item-not-found`. */
export async function isThere(question: Promise<Element | undefined>): Promise<Element | undefined> {
  try {
    return await question
  } catch (error) {
    if (error instanceof Refused && error.condition === 'item-not-found') return undefined
    throw error
  }
}
