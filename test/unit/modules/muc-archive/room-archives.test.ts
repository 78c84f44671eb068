import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocument } from '#api'
import type { DomainArchive, Sight } from '../../../../modules/archive/hooks.ts'
import type { Room, RoomIq, RoomRequest } from '../../../../modules/muc/hooks.ts'
import { archiveIqs } from '../../../../modules/muc-archive/protocol.ts'
import { RoomArchives } from '../../../../modules/muc-archive/room-archives.ts'

const CREATED_MS = Date.UTC(2026, 0, 1)
const ROOM = 'coven@rooms.example'
const idAt = (ms: number) => ms * 1000
const room = {
  address: ROOM,
  known: { createdMs: CREATED_MS },
  service: { domain: 'rooms.example' },
  get: () => 'moderators',
} as unknown as Room
const stanza = `<message from='${ROOM}/hag' type='groupchat'><body>b</body></message>`

/** An archive that has a message at every time, and notes since when somebody looked. */
function scene() {
  const since: (number | undefined)[] = []
  const note = async ({ sinceMs }: Sight, answer: unknown = parseDocument('<fin/>')) => {
    since.push(sinceMs)
    return answer
  }
  const archive = {
    find: async () => ({ stanza }),
    newest: (_owner: string, wish: Sight) => note(wish, []),
    metadata: (_owner: string, sight: Sight) => note(sight),
    answer: (_owner: string, _asker: unknown, _query: unknown, sight: Sight) => note(sight),
    replace: async () => true,
  } as unknown as DomainArchive
  return { since, archive, archives: new RoomArchives(archive) }
}

// It is erased with a room; this is for what has not been yet, and for what came to disk behind that.
test('of what was said in an earlier room of the same address nothing is found or taken back', async () => {
  const { archives } = scene()
  const retracted = parseDocument("<retracted xmlns='urn:xmpp:message-retract:1'/>")
  for (const [ms, isFound] of [
    [CREATED_MS - 1, false],
    [CREATED_MS, true],
  ] as const) {
    const id = String(idAt(ms))
    assert.equal(await archives.has(room, id), isFound)
    assert.equal(await archives.retract(room, { id, retracted }), isFound)
  }
})

test('nor is it history, nor told to whoever asks the archive', async () => {
  const { since, archive, archives } = scene()
  await archives.newest(room, 20)
  const iqs = archiveIqs({} as never, () => archive)
  for (const [key, role] of [
    ['set query', 'moderator'],
    ['set query', 'participant'],
    ['get metadata', 'participant'],
  ]) {
    const iq: RoomIq = iqs.find(({ type, name }) => `${type} ${name}` === key)!
    const request = {
      ...{ room, seat: { occupant: { role } }, event: { origin: {} } },
      from: { bare: { toString: () => 'hag@verona.example' } },
      affiliation: async () => 'none',
    } as unknown as RoomRequest
    await iq.handler(parseDocument('<query/>'), request)
  }
  assert.deepEqual(since, Array(4).fill(CREATED_MS))
})
