import { type Element, Jid, JidError, StanzaError } from '#api'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { MAX_NAME_BYTES } from './records.ts'
import { refusal } from './refusal.ts'

/** One request of a client, as the operations see it. */
export interface Request {
  readonly engine: Engine
  readonly face: Face
  /** The full JID of whoever asks. */
  readonly from: Jid
  /** The whole `<pubsub/>`. */
  readonly pubsub: Element
  /** The child that says what is asked for. */
  readonly action: Element
}

/** Does what a request asks for, and returns the payload of the answer, if there is one. */
export type Operation = (request: Request) => Promise<Element | void>

/** Operations by `type name`, of one namespace. */
export type Operations = Readonly<Record<string, Operation>>

/** The name of the node a request is about. @throws StanzaError `bad-request` with `nodeid-required`. */
export function nodeOf({ action }: Pick<Request, 'action'>): string {
  const node = action.attrs['node'] ?? ''
  if (node === '') throw refusal('bad-request', 'nodeid-required', 'Which node?')
  return checkedName(node)
}

/** @throws StanzaError `not-acceptable` for a name that is too long. */
export function checkedName(name: string): string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new StanzaError('not-acceptable', `A name has at most ${MAX_NAME_BYTES} bytes.`)
  return name
}

/** Reads an address. @throws StanzaError `bad-request` with `jid-required` or `invalid-jid`. */
export function readJid(text: string | undefined): Jid {
  if (text === undefined || text === '') throw refusal('bad-request', 'jid-required', 'Whose address?')
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw refusal('bad-request', 'invalid-jid', error.message)
    throw error
  }
}
