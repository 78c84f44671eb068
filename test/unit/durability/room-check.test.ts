import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault } from '../../durability/check.ts'
import { checkRoom, Register, RoomLedger, type RoomMessage, retraction } from '../../durability/room-ledger.ts'

/** Romeo and Juliet are in a room; four messages were said, and both have heard all of them. */
function play() {
  const room = new RoomLedger('r@conference.localhost')
  const archive: RoomMessage[] = []
  const [romeo, juliet] = [room.begins('romeo'), room.begins('juliet')]
  const says = (key: string, text: string): void => {
    const message = { archiveId: `${archive.length + 1}`, key, text }
    room.sent.set(key, text)
    room.acknowledged.add(key)
    for (const { heard } of [romeo, juliet]) heard.push({ ...message })
    archive.push(message)
  }
  for (const key of ['a', 'b', 'c', 'd']) says(key, `text ${key}`)
  return { room, archive, romeo, juliet, says }
}

const kinds = (faults: readonly Fault[]): string => [...new Set(faults.map(({ wrong }) => wrong))].sort().join(' ')

type Play = ReturnType<typeof play>

/** What is done to the room, and what must be told of it. */
const table: readonly [title: string, spoil: (play: Play) => void, told: string][] = [
  ['nothing', () => {}, ''],
  ['a heard message that is missing', ({ archive }) => archive.splice(1, 1), 'lost'],
  [
    'a message that was heard by one only, never acknowledged, and is missing at the end',
    ({ archive, room, juliet }) => {
      archive.pop()
      room.acknowledged.delete('d')
      juliet.heard.pop()
    },
    'lost',
  ],
  [
    'a message that was acknowledged, heard by nobody, and is missing',
    ({ archive, romeo, juliet }) => void [archive, romeo.heard, juliet.heard].map((all) => all.pop()),
    'lost',
  ],
  [
    'a message that was neither acknowledged nor heard',
    ({ archive, room, romeo, juliet }) => {
      for (const all of [archive, romeo.heard, juliet.heard]) all.pop()
      room.acknowledged.delete('d')
    },
    '',
  ],
  ['a message that is kept twice', ({ archive }) => archive.push({ ...archive[0]!, archiveId: '9' }), 'doubled'],
  ['a message that is heard twice', ({ romeo }) => romeo.heard.splice(1, 0, romeo.heard[0]!), 'doubled'],
  ['an archive out of order', ({ archive }) => archive.push(archive.shift()!), 'reordered'],
  ['another order for one', ({ romeo }) => romeo.heard.splice(1, 2, romeo.heard[2]!, romeo.heard[1]!), 'reordered'],
  ['a message that one has missed', ({ romeo }) => romeo.heard.splice(1, 1), 'lost'],
  ['a last message that one has not heard yet', ({ romeo }) => romeo.heard.pop(), ''],
  ['another id', ({ romeo }) => romeo.heard.splice(3, 1, { ...romeo.heard[3]!, archiveId: '9' }), 'lost'],
  ['no id', ({ romeo }) => romeo.heard.splice(3, 1, { ...romeo.heard[3]!, archiveId: undefined }), 'renamed'],
  [
    'the id of another',
    ({ romeo }) => romeo.heard.splice(3, 1, { ...romeo.heard[3]!, key: 'a', text: 'text a' }),
    'renamed',
  ],
  ['another text in the archive', ({ archive }) => archive.splice(0, 1, { ...archive[0]!, text: 'A' }), 'changed'],
  ['another text live', ({ romeo }) => romeo.heard.splice(0, 1, { ...romeo.heard[0]!, text: 'A' }), 'changed'],
  ['a message nobody sent', ({ archive }) => archive.push({ archiveId: '9', key: 'x', text: 'x' }), 'strange'],
  ['a tombstone nobody wanted', ({ archive }) => archive.splice(0, 1, { ...archive[0]!, text: '' }), 'changed'],
  [
    'history that is not kept',
    ({ room }) => room.begins('paris', true).heard.push({ archiveId: '9', key: 'a', text: 'text a' }),
    'lost',
  ],
  [
    'a message that was taken back, and is',
    ({ room, archive, says }) => {
      room.takenBack.set('1', 'made')
      archive.splice(0, 1, { ...archive[0]!, text: '' })
      says('e', retraction('1'))
    },
    '',
  ],
  [
    'a message that was taken back, and is there',
    ({ room, says }) => {
      room.takenBack.set('1', 'made')
      says('e', retraction('1'))
    },
    'lost',
  ],
]

describe('the check of a room tells of', () => {
  for (const [title, spoil, told] of table)
    test(title, () => {
      const scene = play()
      spoil(scene)
      assert.equal(kinds(checkRoom(scene.room, scene.archive, false)), told)
    })

  test('what one who is there has not heard at the end', () => {
    const { room, archive, romeo } = play()
    romeo.heard.pop()
    assert.equal(kinds(checkRoom(room, archive, true)), 'lost')
    romeo.isOver = true
    assert.equal(kinds(checkRoom(room, archive, true)), '')
  })

  test('what was acknowledged, and nobody has heard', () => {
    const { room, archive, romeo, juliet } = play()
    for (const { heard } of [romeo, juliet]) heard.pop()
    assert.equal(kinds(checkRoom(room, archive, false)), '')
    assert.equal(kinds(checkRoom(room, archive, true)), 'lost')
  })
})

describe('a register', () => {
  const register = () => {
    const fresh = new Register('the subject', 'none')
    fresh.attempts('first')
    fresh.ends('made')
    return fresh
  }

  test('knows what was announced', () => {
    assert.deepEqual(register().check('first'), [])
    assert.equal(kinds(register().check('none')), 'lost')
    assert.equal(kinds(register().check('other')), 'lost')
  })

  test('lets a change be made or not of which nobody knows', () => {
    for (const value of ['first', 'second']) {
      const one = register()
      one.attempts('second')
      assert.deepEqual(one.check(value), [])
      // From now on it is known.
      assert.equal(kinds(one.check(value === 'first' ? 'second' : 'first')), 'lost')
    }
  })

  test('takes a change for made that somebody was told of', () => {
    const told = register()
    told.attempts('second')
    assert.deepEqual(told.isAnnounced('second'), [])
    assert.equal(kinds(told.check('first')), 'lost')
    const counted = register()
    counted.attempts('second')
    assert.deepEqual([counted.isAnnouncedFor(1), counted.made], [[], 1])
    assert.deepEqual([counted.isAnnouncedFor(2), counted.made], [[], 2])
    assert.equal(kinds(counted.check('first')), 'lost')
  })

  test('does not let a change be refused and announced', () => {
    const before = register()
    before.attempts('second')
    before.isAnnounced('second')
    assert.equal(kinds(before.ends('refused')), 'broken')
    const after = register()
    after.attempts('second')
    assert.deepEqual(after.ends('refused'), [])
    assert.equal(kinds(after.isAnnounced('second')), 'broken')
  })
})
