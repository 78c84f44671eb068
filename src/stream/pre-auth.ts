import type Logger from 'bunyan'
import type { Connection } from '../net/connection.ts'
import { preAuthRequests } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { errorOf, resultOf } from '../stanza/reply.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { randomId } from '../util/id.ts'
import type { Element } from '../xml/element.ts'

/** Answers an IQ sent before login, or returns `undefined` when nothing here answers such a thing. */
export async function answerBeforeLogin(
  iq: Element,
  host: Host,
  connection: Connection,
  log: Logger,
): Promise<Element | undefined> {
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
    return errorOf(iq, error instanceof StanzaError ? error : bug(error, connection, log))
  }
}

/** Anything that is not a refusal is a bug or a lost database: logged once with an id that the client sees too. */
function bug(error: unknown, { remoteAddress: address }: Connection, log: Logger): StanzaError {
  const id = randomId()
  log.error({ err: error, id, address }, 'a request before login could not be handled')
  const text = `The server could not handle this; its log has the reason under ${id}.`
  return new StanzaError('internal-server-error', text, { type: 'wait' })
}
