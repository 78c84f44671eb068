import type { Element } from '#api'
import type { RoomAspect } from '../hooks.ts'

const NS_DELAY = 'urn:xmpp:delay'

/**
 * When something was said (XEP-0203): the room knows. Owners, who bring along what was said elsewhere (XEP-0045 §7.9), may say
 * when that was, but not in the name of the room.
 */
export const delays: RoomAspect = {
  name: 'delays',
  shaping({ room, occupant, stanza }) {
    const isOwner = occupant.affiliation === 'owner'
    const isForged = (child: Element) => !isOwner || (child.attrs['from'] ?? room.address) === room.address
    for (const delay of stanza.getChildren('delay', NS_DELAY)) if (isForged(delay)) stanza.remove(delay)
  },
}
