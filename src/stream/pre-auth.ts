import type { Connection } from '../net/connection.ts'
import { preAuthRequests } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { errorOf, resultOf } from '../stanza/reply.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import type { Element } from '../xml/element.ts'

/** Answers an IQ sent before login, or returns `undefined` when nothing here answers such a thing. */
export async function answerBeforeLogin(iq: Element, host: Host, connection: Connection): Promise<Element | undefined> {
  const query = iq.getChildElements()[0]
  const { type, id } = iq.attrs
  if (query === undefined || id === undefined) return undefined
  const request = host.hooks
    .all(preAuthRequests)
    .find((r) => r.type === type && r.name === query.name && r.xmlns === query.attrs['xmlns'])
  if (request === undefined) return undefined
  try {
    return resultOf(iq, (await request.handler(query, connection)) ?? undefined)
  } catch (error) {
    if (error instanceof StanzaError) return errorOf(iq, error)
    throw error
  }
}
