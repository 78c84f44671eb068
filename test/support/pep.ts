import assert from 'node:assert/strict'
import { type Element, Jid } from '../../src/api.ts'
import { asks, EVENT, type Fields, NODE_CONFIG, PUBLISH_OPTIONS, PUBSUB, submission } from './pubsub.ts'
import { type Actor, drain, type Story } from './story.ts'

/** The namespace of what clients say they can do (XEP-0115). */
export const CAPS = 'http://jabber.org/protocol/caps'
export const INFO = 'http://jabber.org/protocol/disco#info'
export const ITEMS = 'http://jabber.org/protocol/disco#items'

let versions = 0

/** `<c/>` of a client that nobody else is like: the server has to ask it. */
export const ownCaps = (): string => `<c xmlns='${CAPS}' node='urn:test' ver='own-${++versions}'/>`

/** What a client that wants to hear of nodes can do. */
export const featuresOf = (nodes: readonly string[]): string =>
  `<identity category='client' type='pc'/>${nodes.map((node) => `<feature var='${node}+notify'/>`).join('')}`

/** Answers a question of the server's. */
export function answersInfo(actor: Actor, question: Element, inside: string): void {
  const { id, from } = question.attrs
  const node = question.getChild('query', INFO)!.attrs['node']
  actor.send(`<iq type='result' id='${id}' to='${from}'><query xmlns='${INFO}' node='${node}'>${inside}</query></iq>`)
}

/** Announces, with a presence, that a client wants to hear of some nodes from now on, and says so when it is asked. */
export async function wants(actor: Actor, nodes: readonly string[], presence = ''): Promise<void> {
  actor.send(`<presence>${presence}${ownCaps()}</presence>`)
  const question = `<iq type='get' from='${Jid.parse(actor.jid).domain}'><query xmlns='${INFO}' node='*'/></iq>`
  const own = `<presence from='${actor.jid}'/>`
  const heard = await actor.receivesInAnyOrder([question, own])
  answersInfo(actor, heard.find(({ name }) => name === 'iq')!, featuresOf(nodes))
}

/** Somebody online whose client wants to hear of some nodes; what it is sent at first is heard. */
export async function listens(s: Story, who: string, ...nodes: readonly string[]): Promise<Actor> {
  const actor = await s.login(who)
  await wants(actor, nodes)
  await drain(actor)
  return actor
}

/** A request for somebody's nodes; one's own without `to`. */
export const request = (type: 'get' | 'set', inside: string, to = '', xmlns: string = PUBSUB): string =>
  `<iq type='${type}'${to === '' ? '' : ` to='${to}'`}><pubsub xmlns='${xmlns}'>${inside}</pubsub></iq>`

/** The payload of items here. */
export const mood = (text: string): string => `<mood xmlns='urn:example:mood'>${text}</mood>`

/** An item that says its id. */
export const moodItem = (id: string): string => `<item id='${id}'>${mood(id)}</item>`

/** Publishes an item that says its id; with `options` only if the node is so. */
export async function publishes(actor: Actor, node: string, id: string, options?: Fields): Promise<void> {
  await actor.asks`${request('set', publication(node, id, options))}`
}

export function publication(node: string, id: string, options?: Fields): string {
  const form = options && `<publish-options>${submission(PUBLISH_OPTIONS, options)}</publish-options>`
  return `<publish node='${node}'>${moodItem(id)}</publish>${form ?? ''}`
}

/** Changes some of the settings of one's node. */
export async function configures(actor: Actor, node: string, fields: Fields): Promise<void> {
  const form = submission(NODE_CONFIG, fields)
  await actor.asks`${request('set', `<configure node='${node}'>${form}</configure>`, '', `${PUBSUB}#owner`)}`
}

/** Makes people something at one's node. */
export async function affiliates(actor: Actor, node: string, people: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(people).map(([jid, what]) => `<affiliation jid='${jid}' affiliation='${what}'/>`)
  const inside = `<affiliations node='${node}'>${lines.join('')}</affiliations>`
  await actor.asks`${request('set', inside, '', `${PUBSUB}#owner`)}`
}

/** A notification of an account's. */
export const notification = (from: string, inside: string): string =>
  `<message from='${from}' type='headline'><event xmlns='${EVENT}'>${inside}</event></message>`

/** A notification of one item. */
export const told = (from: string, node: string, id: string): string =>
  notification(from, `<items node='${node}'>${moodItem(id)}</items>`)

/** The ids of the items of somebody's node. */
export async function idsAt(actor: Actor, node: string, of = ''): Promise<string> {
  const items = await asks(actor, request('get', `<items node='${node}'/>`, of), 'items')
  return items
    .getChildren('item')
    .map(({ attrs }) => attrs['id'])
    .join(' ')
}

/** Hears the newest items of these nodes, and nothing else. */
export async function hearsLast(
  actor: Actor,
  ...items: readonly (readonly [from: string, node: string, id: string])[]
) {
  const heard = await actor.receivesInAnyOrder(items.map(([from, node, id]) => told(from, node, id)))
  for (const message of heard) assert.ok(message.getChild('delay', 'urn:xmpp:delay') !== undefined)
  await actor.receivesNothing()
}
