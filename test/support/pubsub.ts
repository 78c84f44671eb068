import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { type Actor, drain, type Story } from './story.ts'

/** The namespace of requests and their answers (XEP-0060). */
export const PUBSUB = 'http://jabber.org/protocol/pubsub'
/** The namespace of what owners ask for. */
export const OWNER = `${PUBSUB}#owner`
/** The namespace of notifications. */
export const EVENT = `${PUBSUB}#event`
/** The namespace of the specification's own error conditions. */
export const ERRORS = `${PUBSUB}#errors`
/** The namespace of pages (XEP-0059). */
export const RSM = 'http://jabber.org/protocol/rsm'
/** The `FORM_TYPE` of a node's configuration. */
export const NODE_CONFIG = `${PUBSUB}#node_config`
/** The `FORM_TYPE` of the options of a subscription. */
export const SUBSCRIBE_OPTIONS = `${PUBSUB}#subscribe_options`
/** The `FORM_TYPE` of preconditions. */
export const PUBLISH_OPTIONS = `${PUBSUB}#publish-options`
/** The `FORM_TYPE` of requests to subscribe. */
export const AUTHORIZATION = `${PUBSUB}#subscribe_authorization`
/** The namespace of data forms. */
export const FORMS = 'jabber:x:data'

let nodes = 0

/** The name of a node that no story before has used. */
export function freshNode(name = 'musings'): string {
  return `${name}-${++nodes}`
}

/** The address of the service. */
export const serviceOf = (s: Story): string => `pubsub.${s.domain}`

/** Values by field, without `pubsub#`. */
export type Fields = Readonly<Record<string, string | boolean | readonly string[]>>

/** A submitted form. */
export function submission(formType: string, fields: Fields, type = 'submit'): string {
  const values = (value: Fields[string]) =>
    [typeof value === 'boolean' ? (value ? '1' : '0') : value]
      .flat()
      .map((one) => `<value>${one}</value>`)
      .join('')
  const lines = Object.entries(fields).map(([name, value]) => `<field var='pubsub#${name}'>${values(value)}</field>`)
  return `<x xmlns='${FORMS}' type='${type}'><field var='FORM_TYPE' type='hidden'><value>${formType}</value></field>${lines.join('')}</x>`
}

/** The values of a form by field, without `pubsub#`. */
export function valuesOf(form: Element): Record<string, string[]> {
  const fields = form.getChildren('field').map((field) => {
    const values = field.getChildren('value').map((value) => value.getText())
    return [field.attrs['var']!.replace('pubsub#', ''), values] as const
  })
  return Object.fromEntries(fields)
}

/** Requests to the service of a story. */
export function requests(s: Story) {
  const to = serviceOf(s)
  const iq = (type: 'get' | 'set', xmlns: string) => (inside: string) =>
    `<iq type='${type}' to='${to}'><pubsub xmlns='${xmlns}'>${inside}</pubsub></iq>`
  return { get: iq('get', PUBSUB), set: iq('set', PUBSUB), getOwned: iq('get', OWNER), setOwned: iq('set', OWNER) }
}

/** The child of the `<pubsub/>` of an answer. */
export function payloadOf(answer: Element, name: string, xmlns = PUBSUB): Element {
  const payload = answer.getChild('pubsub', xmlns)?.getChild(name)
  assert.ok(payload !== undefined, `no <${name}/> in ${serialize(answer)}`)
  return payload
}

/** Asks, and returns the child of the `<pubsub/>` that comes back. */
export async function asks(actor: Actor, request: string, name: string, xmlns = PUBSUB): Promise<Element> {
  return payloadOf(await actor.asks`${request}`, name, xmlns)
}

/** How a request is refused: the defined condition, its type, and the specification's own one with a feature. */
export type Refusal = readonly [condition: string, type: string, own?: string, feature?: string]

/** Expects a request to be refused so, and with no condition more. Returns the answer. */
export async function refuses(actor: Actor, request: string, refusal: Refusal): Promise<Element> {
  const [condition, type, own, feature] = refusal
  const answer = await actor.isRefused(condition, type)`${request}`
  const error = answer.getChild('error')!
  const owns = error.getChildElements().filter((el) => el.attrs['xmlns'] === ERRORS)
  const found = owns.map(({ name, attrs }) => [name, attrs['feature']])
  assert.deepEqual(found, own === undefined ? [] : [[own, feature]], `${request}\n  ${serialize(answer)}`)
  return answer
}

/** Creates a node, which the actor then owns. */
export async function creates(s: Story, actor: Actor, fields: Fields = {}, node = freshNode()): Promise<string> {
  const configure = Object.keys(fields).length === 0 ? '' : `<configure>${submission(NODE_CONFIG, fields)}</configure>`
  await actor.asks`${requests(s).set(`<create node='${node}'/>${configure}`)}`
  return node
}

/** Changes some of a node's settings. */
export async function configures(s: Story, actor: Actor, node: string, fields: Fields): Promise<void> {
  await actor.asks`${requests(s).setOwned(`<configure node='${node}'>${submission(NODE_CONFIG, fields)}</configure>`)}`
}

/** The payload of an item. */
export const entry = (text = 'Soliloquy'): string => `<entry xmlns='urn:example:atom'><title>${text}</title></entry>`

/** `<item/>` with a payload that says its id. */
export const itemOf = (id: string, attributes = ''): string => `<item id='${id}' ${attributes}>${entry(id)}</item>`

/** `<publish/>` of one item. */
export const publication = (node: string, id: string): string => `<publish node='${node}'>${itemOf(id)}</publish>`

/** Publishes items one after the other, each with a payload that says its id. */
export async function publishes(s: Story, actor: Actor, node: string, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await actor.asks`${requests(s).set(publication(node, id))}`
}

/** Subscribes an address, the bare one unless given, and returns the `<subscription/>`. */
export async function subscribes(s: Story, actor: Actor, node: string, jid = actor.bare): Promise<Element> {
  return await asks(actor, requests(s).set(`<subscribe node='${node}' jid='${jid}'/>`), 'subscription')
}

/** Makes somebody something at a node. */
export async function affiliates(
  s: Story,
  owner: Actor,
  node: string,
  ...ones: readonly (readonly [who: Actor, affiliation: string])[]
): Promise<void> {
  const lines = ones.map(([who, affiliation]) => `<affiliation jid='${who.bare}' affiliation='${affiliation}'/>`)
  await owner.asks`${requests(s).setOwned(`<affiliations node='${node}'>${lines.join('')}</affiliations>`)}`
}

/** A notification, as whoever gets it sees it. */
export const notification = (s: Story, inside: string): string =>
  `<message from='${serviceOf(s)}' type='headline'><event xmlns='${EVENT}'>${inside}</event></message>`

/** A notification of items. */
export const itemsEvent = (s: Story, node: string, ...ids: readonly string[]): string =>
  notification(s, `<items node='${node}'>${ids.map((id) => itemOf(id)).join('')}</items>`)

/** The ids of the items of a node that somebody can read, oldest first. */
export async function idsOf(s: Story, actor: Actor, node: string, attributes = '', rest = ''): Promise<string> {
  const items = await asks(actor, requests(s).get(`<items node='${node}' ${attributes}/>${rest}`), 'items')
  return items
    .getChildren('item')
    .map((item) => item.attrs['id'])
    .join(' ')
}

/** A page that is asked for. */
export const set = (inside: string): string => `<set xmlns='${RSM}'>${inside}</set>`

/** Hears all that is on its way to them. */
export async function drains(...actors: readonly Actor[]): Promise<void> {
  for (const actor of actors) await drain(actor)
}
