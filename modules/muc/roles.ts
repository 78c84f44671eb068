import { moderated } from './features/voice.ts'
import type { Role } from './occupant.ts'
import type { Affiliation } from './records.ts'
import type { Room } from './room.ts'

const roles: readonly Role[] = ['none', 'visitor', 'participant', 'moderator']
const affiliations: readonly Affiliation[] = ['outcast', 'none', 'member', 'admin', 'owner']

/** The role that somebody gets who enters (XEP-0045 §5.1.2). */
export function roleFor(room: Room, affiliation: Affiliation): Role {
  switch (affiliation) {
    case 'owner':
    case 'admin':
      return 'moderator'
    case 'member':
      return 'participant'
    case 'none':
      return room.get(moderated) ? 'visitor' : 'participant'
    case 'outcast':
      return 'none'
  }
}

/** Whether an affiliation is at least as high as another. */
export function isAtLeast(affiliation: Affiliation, other: Affiliation): boolean {
  return affiliations.indexOf(affiliation) >= affiliations.indexOf(other)
}

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text)
}

export function isAffiliation(text: string): text is Affiliation {
  return (affiliations as readonly string[]).includes(text)
}
