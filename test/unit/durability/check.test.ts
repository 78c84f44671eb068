import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Element, xml } from '../../../src/api.ts'
import { checkArchives, checkSeen, type Fault, type Kept } from '../../durability/check.ts'
import { Lane, markOf } from '../../durability/lane.ts'
import { tampering } from '../../durability/sabotage.ts'
import { megabytesAMinute } from '../../durability/slope.ts'

/** Romeo and Juliet after three acknowledged messages each, all of them in both archives. */
function conversation() {
  const romeo = new Lane('r', 'romeo@localhost', 'juliet@localhost', 'juliet@localhost')
  const juliet = new Lane('j', 'juliet@localhost', 'romeo@localhost', 'romeo@localhost')
  const kept: Kept[] = []
  for (let n = 0; n < 3; n++)
    for (const lane of [romeo, juliet]) {
      lane.next()
      lane.acknowledged.add(n)
      lane.seen.push(n)
      lane.stanzaIds.set(n, `${lane.name}${n}`)
      kept.push({ archiveId: `${lane.name}${n}`, lane, n, body: lane.body(n) })
    }
  const archives: [Kept[], Kept[]] = [[...kept], [...kept]]
  return { lanes: [romeo, juliet] as [Lane, Lane], archives }
}

const kinds = (faults: readonly Fault[]): string => [...new Set(faults.map(({ wrong }) => wrong))].sort().join(' ')

type Play = ReturnType<typeof conversation>

/** What is done to the conversation, and what must be told of it. */
const archiveTable: readonly [title: string, spoil: (play: Play) => void, told: string][] = [
  ['nothing', () => {}, ''],
  [
    'an acknowledged message missing from the sender’s archive',
    ({ archives }) => archives[0].splice(2, 1),
    'halved lost',
  ],
  [
    'an acknowledged message missing from the receiver’s archive',
    ({ archives }) => archives[1].splice(2, 1),
    'halved lost',
  ],
  [
    'an acknowledged message missing from both',
    ({ archives }) => void archives.map((archive) => archive.pop()),
    'lost',
  ],
  [
    'a message that was seen, never acknowledged, and is missing',
    ({ lanes, archives }) => {
      lanes[1].acknowledged.delete(2)
      for (const archive of archives) archive.pop()
    },
    'lost',
  ],
  [
    'a message that was neither acknowledged nor seen',
    ({ lanes, archives }) => {
      lanes[1].acknowledged.delete(2)
      lanes[1].seen.pop()
      for (const archive of archives) archive.pop()
    },
    '',
  ],
  [
    'a refused message that was kept all the same',
    ({ lanes }) => {
      lanes[0].acknowledged.delete(1)
      lanes[0].refused.add(1)
    },
    '',
  ],
  ['a message kept twice', ({ archives }) => void archives.map((archive) => archive.push(archive[4]!)), 'doubled'],
  [
    'a refused message kept twice',
    ({ lanes, archives }) => {
      lanes[0].acknowledged.delete(2)
      lanes[0].refused.add(2)
      for (const archive of archives) archive.push(archive[4]!)
    },
    'doubled',
  ],
  [
    'two messages of one sender in the wrong order',
    ({ archives }) => void archives.map((archive) => archive.push(archive.splice(2, 1)[0]!)),
    'reordered',
  ],
  [
    'two archives that disagree about who spoke first',
    ({ archives }) => archives[1].splice(0, 2, archives[1][1]!, archives[1][0]!),
    'reordered',
  ],
  [
    'a changed text',
    ({ archives }) => void archives.map((archive) => archive.splice(0, 1, { ...archive[0]!, body: 'r-0' })),
    'changed',
  ],
  [
    'another id than the one seen live',
    ({ archives }) => archives[1].splice(0, 1, { ...archives[1][0]!, archiveId: 'x' }),
    'renamed',
  ],
  [
    'a message nobody sent',
    ({ archives }) => void archives.map((a) => a.push({ archiveId: 'x', lane: undefined, n: -1, body: '' })),
    'strange',
  ],
  [
    'a message of somebody else',
    ({ archives }) => {
      const lane = new Lane('t', 'tybalt@localhost', 'paris@localhost', 'paris@localhost')
      lane.next()
      for (const archive of archives) archive.push({ archiveId: 'x', lane, n: 0, body: lane.body(0) })
    },
    'strange',
  ],
]

describe('the check of archives tells of', () => {
  for (const [title, spoil, told] of archiveTable)
    test(title, () => {
      const play = conversation()
      spoil(play)
      assert.equal(kinds(checkArchives(play)), told)
    })
})

const seenTable: readonly [title: string, seen: number[], whole: boolean, told: string][] = [
  ['nothing', [0, 1, 2], true, ''],
  ['a gap', [0, 2], true, 'lost'],
  ['an end that is missing', [0, 1], true, 'lost'],
  ['no gap where gaps may be', [0, 2], false, ''],
  ['a double', [0, 1, 1, 2], false, 'doubled'],
  ['a double that comes later', [0, 1, 2, 0], true, 'doubled'],
  ['a wrong order', [0, 2, 1], true, 'reordered'],
]

describe('the check of what was seen tells of', () => {
  for (const [title, seen, whole, told] of seenTable)
    test(title, () => {
      const { lanes } = conversation()
      lanes[0].seen.splice(0, 3, ...seen)
      assert.equal(kinds(checkSeen(lanes[0], whole)), told)
    })

  test('nothing when what is missing was refused', () => {
    const { lanes } = conversation()
    lanes[0].seen.splice(1, 1)
    lanes[0].refused.add(1)
    assert.deepEqual(checkSeen(lanes[0], true), [])
  })
})

test('a message is known by its id, and only when it was sent', () => {
  const { lanes } = conversation()
  const all = new Map(lanes.map((lane) => [lane.name, lane]))
  const numberOf = (id: string) => markOf(all, xml('message', { id }))?.n
  assert.deepEqual(['r-0', 'j-2', 'r-3', 'x-0', 'r', ''].map(numberOf), [
    0,
    2,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
})

test('a faulty server is played as it is meant', () => {
  const played = (deed: Parameters<typeof tampering>[0]) => {
    const tamper = tampering(deed, ({ name }) => name === 'message')
    const come = [1, 2, 3, 4, 5].map((n) => xml('message', {}, xml('body', {}, `${n}`)))
    const heard = come.flatMap((one): readonly Element[] => [...tamper(xml('presence')), ...tamper(one)])
    return heard.flatMap((one) => one.getChildText('body') ?? []).join(' ')
  }
  assert.equal(played('lose'), '1 2 4 5')
  assert.equal(played('double'), '1 2 3 3 4 5')
  assert.equal(played('swap'), '1 2 4 3 5')
  assert.equal(played('change'), '1 2 3! 4 5')
})

test('the slope of memory is that after the first third', () => {
  const samples = Array.from({ length: 90 }, (_, i) => ({ minute: i / 10, mb: i < 30 ? i * 10 : 300 + i / 5 }))
  assert.ok(Math.abs(megabytesAMinute(samples) - 2) < 1e-9)
})
