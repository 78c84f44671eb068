import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GroupSpec, SharedGroups } from '../../../../modules/shared-groups/groups.ts'
import { complaints, groupsOf } from '../../../../modules/shared-groups/options.ts'
import { Jid } from '../../../../src/api.ts'

const spec = (members: string[] | 'everybody', sees: string[]): GroupSpec => ({
  everybody: members === 'everybody',
  members: new Set(members === 'everybody' ? [] : members),
  sees,
})
const begun = (groups: Record<string, GroupSpec>, accounts: string[]) => {
  const shared = new SharedGroups('x', new Map(Object.entries(groups)))
  shared.begin(accounts, undefined)
  return shared
}
const jid = (local: string) => Jid.of(local, 'x')
const told = (groups: SharedGroups, account: string) =>
  [...(groups.view(jid(account))?.all() ?? [])]
    .map((i) => `${i.jid.local} ${i.subscription}${i.listed ? '' : ' (unlisted)'} ${i.groups.join('+')}`.trim())
    .sort()

test('members have those of the groups they see: both ways `both`, one way `to` and, unlisted, `from`', () => {
  const groups = begun(
    {
      Desk: spec(['ann', 'bob', 'ghost'], ['Desk']),
      Board: spec(['eve', 'ann'], ['Board', 'Desk']),
      Silent: spec(['sid'], []),
    },
    ['ann', 'bob', 'eve', 'sid', 'zoe'],
  )
  assert.deepEqual(told(groups, 'ann'), ['bob both Desk', 'eve both Board'])
  assert.deepEqual(told(groups, 'bob'), ['ann both Desk', 'eve from (unlisted)'])
  assert.deepEqual(told(groups, 'eve'), ['ann both Desk+Board', 'bob to Desk'])
  assert.deepEqual(told(groups, 'sid'), [])
  for (const nobody of ['zoe', 'ghost']) assert.equal(groups.view(jid(nobody)), undefined)
  const view = groups.view(jid('ann'))!
  assert.equal(view.of('bob@x')?.subscription, 'both')
  assert.equal(view.of(Jid.parse('bob@y')), undefined)
  assert.equal(view.of('ann@x'), undefined)
  const there = new SharedGroups('x', new Map([['All', spec('everybody', ['All'])]]), () => [
    { jid: jid('ann') },
    { jid: jid('bob') },
  ])
  there.begin(['ann', 'bob', 'eve'], undefined)
  assert.deepEqual(
    [...there.view(jid('ann'))!.online()].map((item) => item.jid.local),
    ['bob'],
  )
})

test('everybody has everybody, whoever comes with a version of their own and goes with a floor', () => {
  const groups = begun({ All: spec('everybody', ['All']) }, ['ann', 'bob'])
  const view = groups.view(jid('ann'))!
  assert.deepEqual(view.at(), { version: 1, floor: 1 })
  assert.equal(groups.join('bob'), false)
  assert.equal(groups.join('cid'), true)
  assert.deepEqual(view.at(), { version: 2, floor: 1 })
  assert.deepEqual([view.of('bob@x')!.version, view.of('cid@x')!.version], [0, 2])
  assert.equal(groups.leave('bob'), true)
  assert.equal(groups.leave('bob'), false)
  assert.deepEqual(view.at(), { version: 3, floor: 3 })
  assert.deepEqual(told(groups, 'ann'), ['cid both All'])
})

test('a restart with the same groups and accounts goes on with the version; any change of either is a new one', () => {
  const all = { All: spec('everybody', ['All']) }
  const first = begun(all, ['ann'])
  first.join('bob')
  first.join('cid')
  first.leave('bob')
  const kept = first.state
  const again = (groups: Record<string, GroupSpec>, accounts: string[]) => {
    const shared = new SharedGroups('x', new Map(Object.entries(groups)))
    shared.begin(accounts, kept)
    return shared.state.version
  }
  assert.equal(kept.version, 4)
  assert.equal(again(all, ['cid', 'ann']), 4)
  assert.equal(again(all, ['ann']), 5)
  assert.equal(again(all, ['ann', 'bob']), 5)
  assert.equal(again({ All: spec('everybody', []) }, ['cid', 'ann']), 5)
  assert.equal(again({ Others: spec('everybody', ['Others']) }, ['cid', 'ann']), 5)
})

test('what cannot be meant is refused', () => {
  const group = (over: object) => ({ everybody: false, members: [], sees: undefined, ...over })
  const refused: [object, RegExp][] = [
    [{ A: group({ members: [Jid.parse('ann@y')] }) }, /ann@y, which is no account of x/],
    [{ A: group({ everybody: true, members: [Jid.parse('ann@x')] }) }, /has everybody, and members as well/],
    [{ A: group({ sees: ['B'] }) }, /sees B, which is no group/],
    [{ A: group({ sees: ['constructor'] }) }, /sees constructor/],
  ]
  for (const [groups, complaint] of refused) assert.match(complaints(groups as never, 'x')[0]!.message, complaint)
  assert.equal(
    complaints({ A: group({ sees: [] }), B: group({ everybody: true, sees: ['A', 'B'] }) } as never, 'x').length,
    0,
  )
  const fine = groupsOf({ A: group({ members: [Jid.parse('ann@x')] }) } as never)
  assert.deepEqual(fine.get('A'), { everybody: false, members: new Set(['ann']), sees: ['A'] })
})
