import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listRooms } from '../../../../modules/muc/commands.ts'
import { MAX_PAGE } from '../../../../modules/muc/records.ts'
import type { RoomService } from '../../../../modules/muc/service.ts'

test('all rooms are listed, however many, of all services', async () => {
  const serviceOf = (domain: string, count: number) => {
    const all = Array.from({ length: count }, (_, n) => `r${String(n).padStart(6, '0')}`)
    const locals = async (after: string, limit: number) => all.filter((local) => local > after).slice(0, limit)
    return { domain, store: { locals } } as unknown as RoomService
  }
  for (const count of [0, 1, MAX_PAGE, 2 * MAX_PAGE + 1]) {
    const lines = await listRooms([serviceOf('a.example', count), serviceOf('b.example', 1)])
    assert.equal(new Set(lines).size, count + 1)
    assert.equal(lines.at(-1), 'r000000@b.example')
  }
})
