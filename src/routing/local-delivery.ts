import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import type { Session } from '../session/session.ts'

/** What becomes of a stanza for a local address once no module took it. */
export type Delivery = 'delivered' | 'stranded' | 'refused' | 'ignored'

/**
 * Delivers a message, presence or IQ to the sessions it is for, as RFC 6121 §8.5 rules, and says what became of it:
 * `stranded` messages are for whoever keeps them, else they bounce like what is `refused`; what is `ignored` ends here.
 */
export function deliverLocally(event: StanzaEvent): Delivery {
  if (event.kind === 'message') return deliverMessage(event)
  const { to, user } = event
  if (to.resource !== '') {
    const session = user?.sessions.get(to.resource)
    if (session === undefined) return otherToNobody(event)
    // RFC 6121 §8.5.3.1: a connected resource gets what is addressed to it, available or not.
    if (event.kind === 'presence') session.send(event.wire)
    else session.deliver(event)
    return 'delivered'
  }
  // RFC 6121 §8.5.2.1.3: an IQ to an account is the server's to answer; the IQ table has done so.
  return event.kind === 'iq' ? otherToNobody(event) : presenceToAccount(event)
}

/**
 * The sessions that get a message once no module has taken it (RFC 6121 §8.5). Whoever sends them copies or anything
 * else on account of a message asks here who has it anyway.
 */
export function messageTakers({ to, type, user }: Pick<StanzaEvent, 'to' | 'type' | 'user'>): readonly Session[] {
  if (user === undefined) return []
  if (to.resource !== '') {
    // RFC 6121 §8.5.3.1: a connected resource gets what is addressed to it, available or not.
    const session = user.sessions.get(to.resource)
    if (session?.live === true) return [session]
    // RFC 6121 §8.5.3.2.1: no such resource: a chat message is treated as if it were for the account. For a normal one the
    // RFC knows only silence or an error; it goes the same way here, lest a receipt or an invitation be lost because its
    // addressee has just come back under another name.
    if (type !== 'chat' && type !== 'normal') return []
  }
  // RFC 6121 §8.5.2.1.1: rooms' messages and errors are for a resource or for nobody.
  if (type === 'groupchat' || type === 'error') return []
  // RFC 6121 §8.5.2.1.1: all that are available with a priority that is not negative.
  const takers: Session[] = []
  for (const session of user.sessions.values())
    if (session.live && session.priority !== null && session.priority >= 0) takers.push(session)
  return takers
}

function deliverMessage(event: StanzaEvent): Delivery {
  let delivered = false
  for (const session of messageTakers(event)) delivered = session.deliver(event) || delivered
  if (delivered) return 'delivered'
  // RFC 6121 §8.5.2.1.1, §8.5.2.2.1, §8.5.3.2.1: what becomes of one that nobody takes is the same for a bare and a full JID.
  switch (event.type) {
    case 'groupchat':
      return 'refused'
    case 'error':
    case 'headline':
      return 'ignored'
    default:
      return 'stranded'
  }
}

/** RFC 6121 §8.5.2.1.2: presence goes to every available resource, whatever its priority. */
function presenceToAccount(event: StanzaEvent): Delivery {
  if (event.user !== undefined) for (const session of event.user.available()) session.send(event.wire)
  return 'delivered'
}

/** RFC 6121 §8.5.3.2.3: a request to nobody is refused, all else is ignored. */
function otherToNobody(event: StanzaEvent): Delivery {
  return event.kind === 'iq' && (event.type === 'get' || event.type === 'set') ? 'refused' : 'ignored'
}
