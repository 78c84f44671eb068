import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import type { Actor } from './story.ts'

export const NS_MAM = 'urn:xmpp:mam:2'
export const NS_RSM = 'http://jabber.org/protocol/rsm'
export const NS_SID = 'urn:xmpp:sid:0'

/** What a query of a story says; what is left out is not in it. */
export interface Asked {
  /** Fields of the form by name; a list makes several values. */
  readonly form?: Readonly<Record<string, string | readonly string[]>>
  /** What is in `<set/>`. */
  readonly rsm?: string
  readonly queryId?: string
  /** Whatever else is in the query. */
  readonly also?: string
}

/** What an archive has answered. */
export interface Answer {
  readonly ids: readonly string[]
  readonly bodies: readonly (string | null)[]
  /** The archived messages. */
  readonly messages: readonly Element[]
  /** The results around them. */
  readonly results: readonly Element[]
  readonly complete: boolean
  readonly count: number | undefined
  readonly first: string | undefined
  readonly last: string | undefined
  readonly index: number | undefined
}

/** A query as XML. */
export function queryText({ form, rsm, queryId, also = '' }: Asked): string {
  const fields = Object.entries(form ?? {}).map(([name, values]) => {
    const texts = (typeof values === 'string' ? [values] : values).map((value) => `<value>${value}</value>`)
    return `<field var='${name}'>${texts.join('')}</field>`
  })
  const x =
    form === undefined
      ? ''
      : `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${NS_MAM}</value></field>${fields.join('')}</x>`
  const set = rsm === undefined ? '' : `<set xmlns='${NS_RSM}'>${rsm}</set>`
  const id = queryId === undefined ? '' : ` queryid='${queryId}'`
  return `<query xmlns='${NS_MAM}'${id}>${x}${set}${also}</query>`
}

/** Asks the archive of an actor; all that comes until the answer must be results of it. */
export async function asksArchive(actor: Actor, asked: Asked = {}): Promise<Answer> {
  actor.send(`<iq type='set' id='mam'>${queryText(asked)}</iq>`)
  const results: Element[] = []
  let end = await actor.next()
  for (; end.name === 'message'; end = await actor.next()) {
    const result = end.getChild('result', NS_MAM)
    assert.ok(result !== undefined, `expected a result, got ${end}`)
    assert.equal(end.attrs['from'], actor.bare)
    assert.equal(end.attrs['to'], actor.jid)
    assert.equal(result.attrs['queryid'], asked.queryId)
    results.push(result)
  }
  assert.equal(end.attrs['id'], 'mam', String(end))
  assert.equal(end.attrs['type'], 'result', String(end))
  const fin = end.getChild('fin', NS_MAM)!
  const set = fin.getChild('set', NS_RSM)!
  const first = set.getChild('first')
  const messages = results.map((result) => result.getChild('forwarded', 'urn:xmpp:forward:0')!.getChild('message')!)
  const number = (text: string | null | undefined) => (text == null ? undefined : Number(text))
  return {
    results,
    messages,
    ids: results.map((result) => result.attrs['id']!),
    bodies: messages.map((message) => message.getChildText('body')),
    complete: fin.attrs['complete'] === 'true',
    count: number(set.getChildText('count')),
    first: first?.getText(),
    last: set.getChildText('last') ?? undefined,
    index: number(first?.attrs['index']),
  }
}

/** The ids that a message bears, by whom. */
export function stanzaIds(message: Element): Record<string, string> {
  return Object.fromEntries(
    message.getChildren('stanza-id', NS_SID).map((mark) => [mark.attrs['by'] ?? '', mark.attrs['id'] ?? '']),
  )
}
