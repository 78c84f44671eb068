import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Role } from '../../../../modules/muc/occupant.ts'
import type { Affiliation } from '../../../../modules/muc/records.ts'
import { type Refusal, refusesAffiliation, refusesRole, roleAfter } from '../../../../modules/muc/roles.ts'

const affiliations: readonly Affiliation[] = ['outcast', 'none', 'member', 'admin', 'owner']
const standings = {
  visitor: { role: 'visitor', affiliation: 'none' },
  participant: { role: 'participant', affiliation: 'none' },
  member: { role: 'participant', affiliation: 'member' },
  moderator: { role: 'moderator', affiliation: 'none' },
  memberModerator: { role: 'moderator', affiliation: 'member' },
  admin: { role: 'moderator', affiliation: 'admin' },
  owner: { role: 'moderator', affiliation: 'owner' },
  absentAdmin: { role: 'none', affiliation: 'admin' },
  absentMember: { role: 'none', affiliation: 'member' },
} as const
type Who = keyof typeof standings

test('roles are given by whoever may give them, to whoever may be given them // XEP-0045 §8.2–8.4, §9.6, §9.7', () => {
  for (const [asker, target, role, refusal] of [
    ['moderator', 'participant', 'none', undefined],
    ['moderator', 'visitor', 'none', undefined],
    ['moderator', 'member', 'none', 'not-allowed'],
    ['memberModerator', 'member', 'none', undefined],
    ['memberModerator', 'moderator', 'none', 'not-allowed'],
    ['memberModerator', 'admin', 'none', 'not-allowed'],
    ['admin', 'memberModerator', 'none', undefined],
    ['admin', 'admin', 'none', undefined],
    ['admin', 'owner', 'none', 'not-allowed'],
    ['owner', 'owner', 'none', undefined],
    ['absentAdmin', 'moderator', 'none', undefined],
    ['participant', 'visitor', 'none', 'forbidden'],
    ['absentMember', 'visitor', 'none', 'forbidden'],
    ['moderator', 'visitor', 'participant', undefined],
    ['visitor', 'visitor', 'participant', 'forbidden'],
    ['moderator', 'participant', 'visitor', 'not-allowed'],
    ['memberModerator', 'participant', 'visitor', undefined],
    ['memberModerator', 'member', 'visitor', 'not-allowed'],
    ['memberModerator', 'moderator', 'visitor', 'forbidden'],
    ['admin', 'memberModerator', 'visitor', undefined],
    ['owner', 'admin', 'visitor', 'not-allowed'],
    ['owner', 'owner', 'visitor', 'not-allowed'],
    ['moderator', 'participant', 'moderator', 'forbidden'],
    ['admin', 'participant', 'moderator', undefined],
    ['moderator', 'moderator', 'participant', 'forbidden'],
    ['admin', 'moderator', 'participant', undefined],
    ['admin', 'admin', 'participant', 'not-allowed'],
    ['memberModerator', 'owner', 'participant', 'not-allowed'],
  ] as readonly (readonly [Who, Who, Role, Refusal | undefined])[])
    assert.equal(refusesRole(standings[asker], standings[target], role), refusal, `${asker}: ${target} → ${role}`)
})

test('affiliations are given by admins up to members, by owners all of them // XEP-0045 §5.2.1, §9, §10', () => {
  for (const asker of affiliations)
    for (const before of affiliations)
      for (const after of affiliations) {
        const isHigh = (affiliation: Affiliation) => affiliation === 'admin' || affiliation === 'owner'
        const wanted =
          asker === 'owner'
            ? undefined
            : asker !== 'admin' || isHigh(after)
              ? 'forbidden'
              : !isHigh(before)
                ? undefined
                : after === 'outcast'
                  ? 'not-allowed'
                  : 'forbidden'
        assert.equal(refusesAffiliation(asker, before, after), wanted, `${asker}: ${before} → ${after}`)
      }
})

test('a change of affiliation changes the role that came with it, and no other // XEP-0045 §5.1.2, §5.1.3, §10.7', () => {
  for (const [role, before, after, moderated, open] of [
    ['visitor', 'none', 'member', 'participant', 'participant'],
    ['participant', 'none', 'member', 'participant', 'participant'],
    ['moderator', 'none', 'member', 'moderator', 'moderator'],
    ['participant', 'member', 'admin', 'moderator', 'moderator'],
    ['visitor', 'none', 'owner', 'moderator', 'moderator'],
    ['moderator', 'owner', 'admin', 'moderator', 'moderator'],
    ['moderator', 'admin', 'member', 'participant', 'participant'],
    ['moderator', 'admin', 'none', 'visitor', 'participant'],
    ['participant', 'member', 'none', 'visitor', 'participant'],
    ['visitor', 'member', 'none', 'visitor', 'visitor'],
    ['moderator', 'member', 'none', 'moderator', 'moderator'],
    ['participant', 'none', 'outcast', 'none', 'none'],
  ] as readonly (readonly [Role, Affiliation, Affiliation, Role, Role])[]) {
    assert.equal(roleAfter(role, before, after, true), moderated, `${role}: ${before} → ${after}, moderated`)
    assert.equal(roleAfter(role, before, after, false), open, `${role}: ${before} → ${after}`)
  }
})
