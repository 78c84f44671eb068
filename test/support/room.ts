import assert from 'node:assert/strict'
import { type Element, Jid, parseDocument, serialize } from '../../src/api.ts'
import { type Actor, drain, type Story } from './story.ts'

/** The namespace of joining. */
export const MUC = 'http://jabber.org/protocol/muc'
/** The namespace of what a room says of its occupants, and of invitations. */
export const MUC_USER = 'http://jabber.org/protocol/muc#user'
/** The namespace of roles and affiliations. */
export const MUC_ADMIN = 'http://jabber.org/protocol/muc#admin'
/** The namespace of configuration. */
export const MUC_OWNER = 'http://jabber.org/protocol/muc#owner'
/** The namespace of data forms. */
export const FORM = 'jabber:x:data'
/** The namespace of occupant ids (XEP-0421). */
export const OCCUPANT_ID = 'urn:xmpp:occupant-id:0'
/** The namespace of delays (XEP-0203). */
export const DELAY = 'urn:xmpp:delay'
/** The namespace of the conditions of stanza errors. */
export const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

let rooms = 0

/** The address of a room that no story before has used. */
export function freshRoom(s: Story, name = 'verona'): string {
  return `${name}-${++rooms}@conference.${s.domain}`
}

/** Values by field: without `#` it is a field of the room's configuration. */
export type Fields = Readonly<Record<string, string | boolean | readonly string[]>>

/** A submitted data form. */
export function submission(formType: string, fields: Fields): string {
  const values = (value: Fields[string]) =>
    (Array.isArray(value) ? value : [value === true ? '1' : value === false ? '0' : value])
      .map((one) => `<value>${one}</value>`)
      .join('')
  const lines = Object.entries(fields).map(
    ([name, value]) => `<field var='${name.includes('#') ? name : `muc#roomconfig_${name}`}'>${values(value)}</field>`,
  )
  return `<x xmlns='${FORM}' type='submit'><field var='FORM_TYPE' type='hidden'><value>${formType}</value></field>${lines.join('')}</x>`
}

/** What an `<item/>` of an occupant may say. */
export interface Item {
  readonly affiliation?: string
  readonly role?: string
  readonly jid?: string
  readonly nick?: string
  /** The nick of who did it. */
  readonly actor?: string
  readonly reason?: string
}

/** `<x xmlns='…muc#user'/>` with an item, participant without affiliation unless said otherwise, and status codes. */
export function x(item: Item = {}, ...codes: number[]): string {
  const { affiliation = 'none', role = 'participant', jid, nick, actor, reason } = item
  const attributes = Object.entries({ affiliation, role, jid, nick })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}='${value}'`)
    .join('')
  const inner =
    (actor === undefined ? '' : `<actor nick='${actor}'/>`) + (reason === undefined ? '' : `<reason>${reason}</reason>`)
  return `<x xmlns='${MUC_USER}'><item${attributes}>${inner}</item>${statuses(codes)}</x>`
}

/** `<x xmlns='…muc#user'/>` with status codes only, as in messages about the room. */
export function notice(...codes: number[]): string {
  return `<x xmlns='${MUC_USER}'>${statuses(codes)}</x>`
}

function statuses(codes: readonly number[]): string {
  return codes.map((code) => `<status code='${code}'/>`).join('')
}

/** The status codes that a stanza carries, in their order. */
export function codesOf(stanza: Element): number[] {
  const statuses = stanza.getChild('x', MUC_USER)?.getChildren('status') ?? []
  return statuses.map((status) => Number(status.attrs['code']))
}

/** The `<item/>` that a stanza carries. */
export function itemOf(stanza: Element): Element {
  const item = stanza.getChild('x', MUC_USER)?.getChild('item')
  assert.ok(item !== undefined, `no <item/> in ${serialize(stanza)}`)
  return item
}

/** The id that a room gives to who sent this (XEP-0421). */
export function occupantIdOf(stanza: Element): string {
  const ids = stanza.getChildren('occupant-id', OCCUPANT_ID)
  assert.equal(ids.length, 1, `not one <occupant-id/> in ${serialize(stanza)}`)
  return ids[0]!.attrs['id']!
}

/** A join: `inside` goes into its `<x/>`, `payload` before that. */
export interface Join {
  readonly inside?: string
  readonly payload?: string
}

/** The presence that asks to enter. */
export function join(room: string, nick: string, { inside = '', payload = '' }: Join = {}): string {
  return `<presence to='${room}/${nick}'>${payload}<x xmlns='${MUC}'>${inside}</x></presence>`
}

/** What came when somebody entered, in the order that XEP-0045 §7.1 asks for. */
export interface Entrance {
  /** Presence of those who were there. */
  readonly others: Element[]
  /** Presence of the newcomer: with status 110. */
  readonly own: Element
  readonly history: Element[]
  readonly subject: Element
}

/** Enters a room and hears all up to the subject; fails when something comes out of turn (XEP-0045 §7.1). */
export async function enters(actor: Actor, room: string, nick: string, opts: Join = {}): Promise<Entrance> {
  actor.send(join(room, nick, opts))
  return await arrives(actor, room)
}

/** Hears all that follows a join that was sent already. */
export async function arrives(actor: Actor, room: string): Promise<Entrance> {
  const others: Element[] = []
  let own: Element | undefined
  while (own === undefined) {
    const el = await actor.next()
    const isOf = el.name === 'presence' && el.attrs['type'] === undefined && el.attrs['from']?.startsWith(`${room}/`)
    assert.ok(isOf, `${actor.jid} enters and received ${serialize(el)}`)
    if (codesOf(el).includes(110)) own = el
    else others.push(el)
  }
  const history: Element[] = []
  for (;;) {
    const el = await actor.next()
    assert.ok(el.name === 'message' && el.attrs['type'] === 'groupchat', `instead of the subject: ${serialize(el)}`)
    if (el.getChild('subject') && !el.getChild('body')) return { others, own, history, subject: el }
    assert.ok(el.getChild('delay', DELAY), `history without delay: ${serialize(el)}`)
    history.push(el)
  }
}

/** Submits the configuration form with these fields. */
export async function configures(owner: Actor, room: string, fields: Fields): Promise<void> {
  const form = submission(`${MUC}#roomconfig`, fields)
  await owner.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'>${form}</query></iq>`
}

/** Creates a room, configures it, or takes it as it is, and hears all that this causes. */
export async function opens(owner: Actor, room: string, nick: string, fields?: Fields): Promise<Entrance> {
  const entrance = await enters(owner, room, nick)
  assert.ok(codesOf(entrance.own).includes(201), `${room} was there already`)
  if (fields !== undefined) await configures(owner, room, fields)
  else
    await owner.asks`<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'><x xmlns='${FORM}' type='submit'/></query></iq>`
  await drain(owner)
  return entrance
}

/** Hears that somebody has come, or is there with something changed: one presence of that nick at each of these. */
export async function notices(actors: readonly Actor[], room: string, nick: string): Promise<void> {
  for (const actor of actors) {
    const el = await actor.receives`<presence from='${room}/${nick}'/>`
    assert.equal(el.attrs['type'], undefined, serialize(el))
  }
}

/** Hears that somebody is gone: one unavailable presence of that nick at each of these. */
export async function misses(actors: readonly Actor[], room: string, nick: string): Promise<void> {
  for (const actor of actors) await actor.receives`<presence from='${room}/${nick}' type='unavailable'/>`
}

/** The first of these opens the room, the others enter one by one; everybody has heard of everybody. */
export async function gather(
  room: string,
  company: readonly (readonly [Actor, string])[],
  fields?: Fields,
): Promise<void> {
  const present: Actor[] = []
  for (const [actor, nick] of company) {
    if (present.length === 0) await opens(actor, room, nick, fields)
    else await enters(actor, room, nick)
    await notices(present, room, nick)
    present.push(actor)
  }
}

/** Leaves, and hears that it has left (XEP-0045 §7.14). */
export async function leaves(actor: Actor, room: string, nick: string): Promise<Element> {
  actor.send(`<presence type='unavailable' to='${room}/${nick}'/>`)
  const own = await actor.receives`<presence from='${room}/${nick}' type='unavailable'/>`
  assert.deepEqual(codesOf(own), [110], serialize(own))
  return own
}

/** Says something to all, and hears itself say it; what was heard. */
export async function says(actor: Actor, room: string, body: string): Promise<Element> {
  actor.send(`<message type='groupchat' to='${room}' id='say-${body.length}'><body>${body}</body></message>`)
  return await actor.receives`<message type='groupchat' from='*' id='say-${body.length}'><body>${body}</body></message>`
}

/** Hears somebody say something to all; one message at each of these. */
export async function hear(actors: readonly Actor[], room: string, nick: string, body: string): Promise<void> {
  for (const actor of actors)
    await actor.receives`<message type='groupchat' from='${room}/${nick}'><body>${body}</body></message>`
}

/** All that somebody has heard by now: up to the answer to a ping. */
export async function heardBy(actor: Actor): Promise<Element[]> {
  const id = `heard-${++rooms}`
  actor.send(`<iq type='get' id='${id}' to='${Jid.parse(actor.jid).domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const heard: Element[] = []
  for (;;) {
    const el = await actor.next()
    if (el.attrs['id'] === id) return heard
    heard.push(el)
  }
}

/**
 * Sends a stanza to a room that must come back as this error, from where it was sent to and said to be by the room
 * (XEP-0045 §7.2, §7.4–7.6).
 */
export async function isTurnedAway(
  actor: Actor,
  condition: string,
  type: string | undefined,
  stanza: string,
): Promise<Element> {
  const sent = parseDocument(stanza)
  const to = sent.attrs['to']!
  const reply = await actor.isRefused(condition, type)`${stanza}`
  assert.equal(reply.attrs['from'], to, serialize(reply))
  assert.equal(reply.attrs['to'], actor.jid, serialize(reply))
  assert.equal(reply.getChild('error')!.attrs['by'], Jid.parse(to).bare.toString(), serialize(reply))
  // So in all examples of XEP-0045 §7.2, and so that slixmpp knows that the entry was refused.
  const marked = (stanza: Element) =>
    stanza.is('presence') && stanza.getChild('x', 'http://jabber.org/protocol/muc') !== undefined
  assert.equal(marked(reply), marked(sent), serialize(reply))
  return reply
}

/** Gives somebody an affiliation; what this causes others to hear is not heard. */
export async function grants(
  actor: Actor,
  room: string,
  jid: string,
  affiliation: string,
  { nick, reason = '' }: { nick?: string; reason?: string } = {},
): Promise<void> {
  const inner = reason === '' ? '' : `<reason>${reason}</reason>`
  const named = nick === undefined ? '' : ` nick='${nick}'`
  await actor.asks`<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'><item affiliation='${affiliation}' jid='${jid}'${named}>${inner}</item></query></iq>`
}

/** Gives an occupant a role; what this causes others to hear is not heard. */
export async function assigns(actor: Actor, room: string, nick: string, role: string, reason = ''): Promise<void> {
  const inner = reason === '' ? '' : `<reason>${reason}</reason>`
  await actor.asks`<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'><item role='${role}' nick='${nick}'>${inner}</item></query></iq>`
}
