import assert from 'node:assert/strict'
import { type Element, serialize } from '../../src/api.ts'
import { FORM, MUC_ADMIN, MUC_OWNER, STANZAS } from './room.ts'
import type { Affiliation, Settings } from './room-model.ts'

/** Has somebody who may know all send a request of type `get`. */
export type Asks = (to: string, payload: string) => Promise<Element>

const affiliations: readonly Affiliation[] = ['owner', 'admin', 'member', 'outcast']

/** The lists of a room, `undefined` when there is none. */
export async function readLists(asks: Asks, room: string): Promise<Map<string, Affiliation> | undefined> {
  const found = new Map<string, Affiliation>()
  for (const affiliation of affiliations) {
    const query = `<query xmlns='${MUC_ADMIN}'><item affiliation='${affiliation}'/></query>`
    const answer = await asks(room, query)
    if (answer.attrs['type'] === 'error') {
      assert.ok(answer.getChild('error')!.getChild('item-not-found', STANZAS), serialize(answer))
      return undefined
    }
    for (const item of answer.getChild('query', MUC_ADMIN)!.getChildren('item')) {
      assert.equal(item.attrs['affiliation'], affiliation)
      assert.ok(!found.has(item.attrs['jid']!), `${item.attrs['jid']} is on two lists`)
      found.set(item.attrs['jid']!, affiliation)
    }
  }
  return found
}

/** The settings of a room that the model knows. */
export async function readSettings(asks: Asks, room: string): Promise<Settings> {
  const answer = await asks(room, `<query xmlns='${MUC_OWNER}'/>`)
  const form = answer.getChild('query', MUC_OWNER)?.getChild('x', FORM) ?? assert.fail(serialize(answer))
  const value = (name: string) =>
    form
      .getChildren('field')
      .find((field) => field.attrs['var'] === `muc#roomconfig_${name}`)!
      .getChildText('value')!
  return {
    moderated: value('moderatedroom') === '1',
    membersonly: value('membersonly') === '1',
    persistentroom: value('persistentroom') === '1',
    whois: value('whois') === 'anyone',
  }
}

/** The subject of a room; empty when it has none. */
export async function readSubject(asks: Asks, room: string): Promise<string> {
  const info = `<query xmlns='http://jabber.org/protocol/disco#info'/>`
  const answer = await asks(room, info)
  const form = answer.getChild('query')?.getChild('x', FORM)
  const field = form?.getChildren('field').find((one) => one.attrs['var'] === 'muc#roominfo_subject')
  return field?.getChildText('value') ?? ''
}
