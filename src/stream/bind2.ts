import { JidError } from '../jid/jid.ts'
import { type BindFeature, bindFeatures, type GrantedLogin } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { sessionLogin } from '../session/login.ts'
import type { Session } from '../session/session.ts'
import type { User } from '../session/user.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { hmac } from '../util/hmac.ts'
import { randomId } from '../util/id.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { type BindPolicy, makeRoom } from './bind.ts'

/** Characters of the part of a resource that the server makes: 96 bits. */
const OWN_LENGTH = 16

/**
 * The resource for a client that binds along with its login (XEP-0386 §3.2.1): its tag and a part of ours, which is the same
 * at each login of the same installation, and does not tell which that is, nor that two accounts share it. Sessions that the installation has end.
 *
 * @throws StanzaError `resource-constraint` at the limit of sessions when none of them rests.
 */
export function chooseResource(user: User, bind: Element, login: GrantedLogin, policy: BindPolicy): string {
  const { id } = login.userAgent
  const tag = bind.getChildText('tag', NS.bind2) ?? ''
  const resource = resourceOf(user, tag, id === undefined ? randomId().slice(0, OWN_LENGTH) : ownPart(login, tag, id))
  const isSame = (session: Session) => id !== undefined && session.slots.get(sessionLogin).userAgent?.id === id
  // XEP-0386 §3.2: earlier sessions of the same client; also whoever holds what nobody else could come by.
  for (const session of [...user.sessions.values()])
    if (isSame(session) || session.jid.resource === resource)
      session.close(new StreamError('conflict', 'The client has logged in again.'))
  makeRoom(user, policy)
  return resource
}

function ownPart({ account, host }: GrantedLogin, tag: string, id: string): string {
  const text = `${account.local}\0${tag}\0${id}`
  return hmac('sha256', host.keyFor('resources'), text).toString('base64url').slice(0, OWN_LENGTH)
}

/** A tag that cannot be part of a resource is left out. */
function resourceOf(user: User, tag: string, own: string): string {
  try {
    return tag === '' ? own : user.jid.withResource(`${tag}/${own}`).resource
  } catch (error) {
    if (error instanceof JidError) return own
    throw error
  }
}

/** Has features do what the client asks for, before anybody can send to its session; returns what they tell of it. */
export function askFeatures(bind: Element, session: Session): Element[] {
  return featuresOf(session.host).flatMap(({ ask, xmlns }) => {
    const requested = bind.getChildElements().filter((child) => child.attrs['xmlns'] === xmlns)
    return (requested.length > 0 && ask?.(requested, session)) || []
  })
}

/** What features tell every client of its session, now that others can send to it. */
export async function tellFeatures(session: Session, onFailure: (error: unknown) => void): Promise<Element[]> {
  const told: Element[] = []
  for (const { tell } of featuresOf(session.host)) {
    try {
      const element = await tell?.(session)
      if (element !== undefined) told.push(element)
    } catch (error) {
      // The client finds out by itself.
      onFailure(error)
    }
  }
  return told
}

/** XEP-0386 §3.2. */
export function boundElement(told: readonly Element[]): Element {
  return xml('bound', { xmlns: NS.bind2 }, ...told)
}

function featuresOf(host: Host): readonly BindFeature[] {
  return host.hooks.all(bindFeatures)
}
