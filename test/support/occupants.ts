import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import {
  codesOf,
  type Fields,
  FORM,
  freshRoom,
  gather,
  itemOf,
  MUC,
  MUC_ADMIN,
  MUC_OWNER,
  notice,
  submission,
} from './room.ts'
import type { Actor, Story } from './story.ts'

/** A room with three occupants who have heard of each other. */
export interface Company {
  readonly room: string
  /** The owner, with the nick `Juliet`. */
  readonly juliet: Actor
  /** An occupant with the nick `Romeo`. */
  readonly romeo: Actor
  /** An occupant with the nick `Mercutio`. */
  readonly mercutio: Actor
  readonly all: readonly Actor[]
}

/** Juliet, the owner, Romeo and Mercutio in a room configured like this; none of them is online outside of it. */
export async function company(s: Story, fields?: Fields): Promise<Company> {
  const room = freshRoom(s)
  const juliet = await s.login('juliet/balcony')
  const romeo = await s.login('romeo/orchard')
  const mercutio = await s.login('mercutio/street')
  const nicks = [
    [juliet, 'Juliet'],
    [romeo, 'Romeo'],
    [mercutio, 'Mercutio'],
  ] as const
  await gather(room, nicks, fields)
  return { room, juliet, romeo, mercutio, all: [juliet, romeo, mercutio] }
}

/** What a presence of an occupant says in its `<x/>`, all of it. */
export interface Shown {
  readonly affiliation: string
  readonly role: string
  /** The occupant's full JID; left out where the reader must not see it. On one's own presence it may be there anyway. */
  readonly jid?: string
  /** The status codes, ascending. */
  readonly codes?: readonly number[]
  /** The nick of who did it; not looked at when left out. */
  readonly actor?: string
  readonly reason?: string
  readonly type?: 'unavailable'
}

/** Expects the next stanza to be this presence of the occupant `from`, and returns it. */
export async function sees(reader: Actor, from: string, shown: Shown): Promise<Element> {
  const presence = await reader.next()
  const what = `${reader.jid} of ${from}: ${presence}`
  assert.equal(presence.name, 'presence', what)
  assert.equal(presence.attrs['from'], from, what)
  assert.equal(presence.attrs['to'], reader.jid, what)
  assert.equal(presence.attrs['type'], shown.type, what)
  assert.deepEqual(codesOf(presence), shown.codes ?? [], what)
  const item = itemOf(presence)
  const { jid, ...rest } = item.attrs
  assert.deepEqual({ ...rest }, { affiliation: shown.affiliation, role: shown.role }, what)
  if (jid !== reader.jid || shown.jid !== undefined) assert.equal(jid, shown.jid, what)
  if (shown.actor !== undefined) assert.equal(item.getChild('actor')?.attrs['nick'], shown.actor, what)
  assert.equal(item.getChildText('reason') ?? undefined, shown.reason, what)
  return presence
}

/** Expects the next stanza of each to be this presence of the occupant `from`, who is not among them. */
export async function allSee(readers: readonly Actor[], from: string, shown: Shown): Promise<void> {
  for (const reader of readers) await sees(reader, from, shown)
}

/** Expects the next stanza of each to be the room's word of a changed configuration (XEP-0045 §10.2.1). */
export async function hearOfChange(readers: readonly Actor[], room: string, ...codes: number[]): Promise<void> {
  for (const reader of readers) {
    const message =
      await reader.receives`<message type='groupchat' from='${room}' to='${reader.jid}'>${notice(...codes)}</message>`
    assert.deepEqual(codesOf(message), codes)
  }
}

/** An item of a request to change lists: its attributes, and a reason. */
export function item(attributes: string, reason?: string): string {
  return reason === undefined ? `<item ${attributes}/>` : `<item ${attributes}><reason>${reason}</reason></item>`
}

/** A request to change the lists of a room. */
export function change(room: string, ...items: string[]): string {
  return `<iq type='set' to='${room}'><query xmlns='${MUC_ADMIN}'>${items.join('')}</query></iq>`
}

/** A request for a list of a room, such as `affiliation='member'`. */
export function listRequest(room: string, which: string): string {
  return `<iq type='get' to='${room}'><query xmlns='${MUC_ADMIN}'><item ${which}/></query></iq>`
}

/** Changes the lists of a room. */
export async function changes(actor: Actor, room: string, ...items: string[]): Promise<void> {
  await actor.asks`${change(room, ...items)}`
}

/** A list of a room, such as `affiliation='member'`: the attributes and reasons of its items, by JID. */
export async function listOf(actor: Actor, room: string, which: string): Promise<Record<string, string>[]> {
  const reply = await actor.asks`${listRequest(room, which)}`
  const entries = reply
    .getChild('query', MUC_ADMIN)!
    .getChildren('item')
    .map((entry): Record<string, string> => {
      const reason = entry.getChildText('reason')
      return { ...(entry.attrs as Record<string, string>), ...(reason ? { reason } : {}) }
    })
  return entries.sort((a, b) => (a['jid']! < b['jid']! ? -1 : 1))
}

/** The addresses on a list of a room. */
export async function jidsOf(actor: Actor, room: string, affiliation: string): Promise<string[]> {
  return (await listOf(actor, room, `affiliation='${affiliation}'`)).map((entry) => entry['jid']!)
}

/** A request to configure a room. */
export function configuration(room: string, fields: Fields): string {
  return `<iq type='set' to='${room}'><query xmlns='${MUC_OWNER}'>${submission(`${MUC}#roomconfig`, fields)}</query></iq>`
}

/** The values of the fields of a form, by name. */
export function valuesOf(form: Element): Record<string, string[]> {
  const fields = form.getChildren('field').filter((field) => field.attrs['var'] !== undefined)
  return Object.fromEntries(
    fields.map((field) => [field.attrs['var']!, field.getChildren('value').map((value) => value.getText())]),
  )
}

/** The form of a room's configuration. */
export async function configurationForm(owner: Actor, room: string): Promise<Element> {
  const reply = await owner.asks`<iq type='get' to='${room}'><query xmlns='${MUC_OWNER}'/></iq>`
  return reply.getChild('query', MUC_OWNER)!.getChild('x', FORM)!
}

/** What a room says of itself to service discovery. */
export interface RoomInfo {
  readonly name: string | undefined
  readonly features: readonly string[]
  readonly form: Readonly<Record<string, readonly string[]>>
}

/** Asks a room about itself. */
export async function roomInfo(actor: Actor, room: string): Promise<RoomInfo> {
  const ns = 'http://jabber.org/protocol/disco#info'
  const reply = await actor.asks`<iq type='get' to='${room}'><query xmlns='${ns}'/></iq>`
  const query = reply.getChild('query', ns)!
  const form = query.getChild('x', FORM)
  return {
    name: query.getChild('identity')?.attrs['name'],
    features: query.getChildren('feature').map((feature) => feature.attrs['var']!),
    form: form === undefined ? {} : valuesOf(form),
  }
}

/** Hears all that has come before the answer to a ping sent now. */
export async function unheard(actor: Actor): Promise<Element[]> {
  const id = `unheard-${actor.jid}`
  actor.send(`<iq type='get' id='${id}' to='${actor.bare}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const heard: Element[] = []
  for (;;) {
    const el = await actor.next()
    if (el.attrs['id'] === id) return heard
    heard.push(el)
  }
}
