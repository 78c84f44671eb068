import type { StanzaEvent } from '../pipeline/stanza-event.ts'

/** What becomes of a stanza for a local address once no module took it. */
export type Delivery = 'delivered' | 'stranded' | 'refused' | 'ignored'

/**
 * Delivers a message, presence or IQ to the sessions it is for, as RFC 6121 §8.5 rules, and says what became of it:
 * `stranded` messages are for whoever keeps them, else they bounce like what is `refused`; what is `ignored` ends here.
 */
export function deliverLocally(event: StanzaEvent): Delivery {
  const { to, user } = event
  if (to.resource !== '') {
    const session = user?.sessions.get(to.resource)
    if (session !== undefined) {
      // RFC 6121 §8.5.3.1: a connected resource gets what is addressed to it, available or not.
      if (event.kind === 'presence') session.send(event.wire)
      else session.deliver(event)
      return 'delivered'
    }
    return event.kind === 'message' ? toMissingResource(event) : otherToNobody(event)
  }
  // RFC 6121 §8.5.2.1.3: an IQ to an account is the server's to answer; the IQ table has done so.
  if (event.kind === 'iq') return otherToNobody(event)
  return event.kind === 'presence' ? presenceToAccount(event) : messageToAccount(event)
}

/**
 * RFC 6121 §8.5.3.2.1: no such resource: a chat message is treated as if it were for the account. For a normal one the
 * RFC knows only silence or an error; it goes the same way here, lest a receipt or an invitation be lost because its
 * addressee has just come back under another name.
 */
function toMissingResource(event: StanzaEvent): Delivery {
  switch (event.type) {
    case 'chat':
    case 'normal':
      return messageToAccount(event)
    case 'groupchat':
      return 'refused'
    default:
      return 'ignored'
  }
}

/** RFC 6121 §8.5.2.1.1 and §8.5.2.2.1: a message to the bare JID. */
function messageToAccount(event: StanzaEvent): Delivery {
  if (event.type === 'groupchat') return 'refused'
  if (event.type === 'error') return 'ignored'
  let delivered = false
  // All that are available with a priority that is not negative.
  for (const session of event.user?.sessions.values() ?? [])
    if (session.priority !== null && session.priority >= 0) delivered = session.deliver(event) || delivered
  if (delivered) return 'delivered'
  return event.type === 'headline' ? 'ignored' : 'stranded'
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
