import { JidError } from '../jid/jid.ts'
import type { Host } from '../session/host.ts'
import type { Session, SessionStream } from '../session/session.ts'
import type { User } from '../session/user.ts'
import { StanzaError } from '../stanza/stanza-error.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { randomId } from '../util/id.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

/** What binding obeys. */
export interface BindPolicy {
  readonly sessionsPerAccount: number
  readonly resourceConflict: 'kick' | 'refuse'
}

/**
 * Binds the resource an IQ asks for, or one of the server's choosing (RFC 6120 §7.6, §7.7).
 *
 * @throws StanzaError `bad-request` for anything that is no bind request and a resource that is no resourcepart, `conflict`
 * when the policy refuses a resource in use, `resource-constraint` at the limit of sessions when none of them rests.
 */
export async function bindResource(
  iq: Element,
  host: Host,
  local: string,
  stream: SessionStream,
  policy: BindPolicy,
  begin: (session: Session) => void,
): Promise<void> {
  const request = iq.name === 'iq' && iq.attrs['type'] === 'set' ? iq.getChild('bind', NS.bind) : undefined
  if (request === undefined || iq.attrs['id'] === undefined)
    throw new StanzaError('bad-request', 'Bind a resource first.')
  const wanted = request.getChildText('resource', NS.bind) ?? ''
  await host.bind(local, stream, (user) => choose(user, wanted, policy), begin)
}

function choose(user: User, wanted: string, policy: BindPolicy): string {
  // RFC 6120 §7.6.1: a resource of the server's choosing cannot be guessed.
  const resource = wanted === '' ? randomId() : prepare(user, wanted)
  const holder = user.sessions.get(resource)
  // RFC 6120 §7.7.2.2: a resource in use goes to the newcomer or stays with its holder, as the admin chose; but never with
  // one that is gone.
  if (holder !== undefined) {
    if (policy.resourceConflict === 'refuse' && !holder.resting)
      throw new StanzaError('conflict', 'That resource is in use.')
    holder.close(new StreamError('conflict', 'Another client has taken this resource.'))
  }
  makeRoom(user, policy)
  return resource
}

/** Sees to it that an account has room for one more session. @throws StanzaError `resource-constraint` */
export function makeRoom(user: User, policy: BindPolicy): void {
  // RFC 6120 §7.6.2.1: the account has reached its limit, unless a client that is gone makes room.
  while (policy.sessionsPerAccount > 0 && user.sessions.size >= policy.sessionsPerAccount) {
    const resting = longestResting(user)
    if (resting !== undefined) resting.close()
    else throw new StanzaError('resource-constraint', 'This account has as many sessions as it may have.')
  }
}

/** The session whose client has been gone for longest, if any is gone. */
function longestResting(user: User): Session | undefined {
  let longest: Session | undefined
  for (const session of user.sessions.values()) {
    const { live, restingSinceMs } = session
    if (live && restingSinceMs !== undefined && restingSinceMs < (longest?.restingSinceMs ?? Infinity))
      longest = session
  }
  return longest
}

function prepare(user: User, wanted: string): string {
  try {
    return user.jid.withResource(wanted).resource
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('bad-request', error.message)
    throw error
  }
}

/** The payload of the result (RFC 6120 §7.6.1). */
export function boundPayload(session: Session): Element {
  return xml('bind', { xmlns: NS.bind }, xml('jid', null, session.address))
}
