import { moderated } from './features/voice.ts'
import type { Role } from './occupant.ts'
import type { Affiliation } from './records.ts'
import type { Room } from './room.ts'

const roles: readonly Role[] = ['none', 'visitor', 'participant', 'moderator']
const affiliations: readonly Affiliation[] = ['outcast', 'none', 'member', 'admin', 'owner']

/** What somebody is in a room: `none` is the role of whoever is not in it. */
export interface Standing {
  readonly role: Role
  readonly affiliation: Affiliation
}

/** Why something is not done: who asks may not do such things at all, or not to this one. */
export type Refusal = 'forbidden' | 'not-allowed'

/** The role that somebody gets who enters (XEP-0045 §5.1.2). */
export function roleFor(room: Room, affiliation: Affiliation): Role {
  return usualRole(affiliation, room.get(moderated))
}

function usualRole(affiliation: Affiliation, isModerated: boolean): Role {
  switch (affiliation) {
    case 'owner':
    case 'admin':
      return 'moderator'
    case 'member':
      return 'participant'
    case 'none':
      return isModerated ? 'visitor' : 'participant'
    case 'outcast':
      return 'none'
  }
}

/** The role of an occupant whose affiliation has changed (XEP-0045 §5.1.3): a role that it was given apart from that stays. */
export function roleAfter(role: Role, before: Affiliation, after: Affiliation, isModerated: boolean): Role {
  // §10.7: who was a moderator by affiliation is none without it.
  if (isAtLeast(after, 'admin') || isAtLeast(before, 'admin') || after === 'outcast')
    return usualRole(after, isModerated)
  if (role === 'moderator') return role
  if (after === 'member') return 'participant'
  return before === 'member' && isModerated ? 'visitor' : role
}

/** Whether somebody may give roles to others at all: moderators and, be they in the room or not, its admins. */
export function mayAssign({ role, affiliation }: Standing): boolean {
  return role === 'moderator' || isAtLeast(affiliation, 'admin')
}

/** Whether a moderator, or an admin, may give an occupant a role; `none` is to kick it (XEP-0045 §8.2–8.4, §9.6, §9.7). */
export function refusesRole(asker: Standing, target: Standing, role: Role): Refusal | undefined {
  const isAdmin = isAtLeast(asker.affiliation, 'admin')
  if (!mayAssign(asker)) return 'forbidden'
  if (role === 'none') {
    // §8.2; §5.1.3: moderators are kicked by admins.
    if (!isAtLeast(asker.affiliation, target.affiliation)) return 'not-allowed'
    return target.role === 'moderator' && !isAdmin ? 'not-allowed' : undefined
  }
  // §9.6
  if (role === 'moderator') return isAdmin ? undefined : 'forbidden'
  // §8.4, §9.7: nobody takes voice or moderation from admins and owners.
  if (isAtLeast(target.affiliation, 'admin')) return 'not-allowed'
  if (target.role === 'moderator' && !isAdmin) return 'forbidden'
  // §8.4: at or above the moderator's own.
  if (role === 'visitor' && isAtLeast(target.affiliation, asker.affiliation)) return 'not-allowed'
  return undefined
}

/** Whether somebody may change an affiliation (XEP-0045 §5.2.2, §9.1–9.5, §10.3–10.8). */
export function refusesAffiliation(asker: Affiliation, before: Affiliation, after: Affiliation): Refusal | undefined {
  if (asker === 'owner') return undefined
  if (asker !== 'admin' || isAtLeast(after, 'admin')) return 'forbidden'
  if (!isAtLeast(before, 'admin')) return undefined
  // §9.1; §10.4 and §10.7 say otherwise of taking ownership or administration away.
  return after === 'outcast' ? 'not-allowed' : 'forbidden'
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
