import { type Element, Jid } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { NS_SID } from '../namespaces.ts'
import type { RoomService } from '../service.ts'

const NS_MAM = 'urn:xmpp:mam:2'

/** Ids that somebody makes up for what is said in a room. */
export function stanzaIds({ host, domain }: Pick<RoomService, 'domain' | 'host'>): RoomAspect {
  const isOurs = (other: string): boolean => other === domain || host.serves(other)
  return { name: 'stanza-ids', shaping: ({ stanza, room }) => stripForged(stanza, room.address, isOurs) }
}

/**
 * Removes from what somebody says in a room the ids that are not for the sender to give (XEP-0359 §3, rule 2), and what
 * would look like an archive's answer.
 *
 * Ids by the room, and by addresses of domains that are this server's (`isOurs`): what a room says does not pass each
 * account's own archive, which would remove them. Those by others stay (rule 3).
 */
export function stripForged(stanza: Element, room: string, isOurs: (domain: string) => boolean): void {
  // Nearly no message has any.
  if (!stanza.children.some((child) => typeof child !== 'string' && isForged(child))) return
  stanza.children = stanza.children.filter((child) => typeof child === 'string' || !isForged(child))

  function isForged({ name, attrs }: Element): boolean {
    if (attrs['xmlns'] === NS_MAM) return name === 'result' || name === 'fin'
    if (attrs['xmlns'] !== NS_SID || name !== 'stanza-id') return false
    const by = Jid.tryParse(attrs['by'] ?? '')
    return by === undefined || by.bare.toString() === room || isOurs(by.domain)
  }
}
