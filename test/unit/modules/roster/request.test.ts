import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Jid, parseDocument } from '#api'
import { readRosterSet } from '../../../../modules/roster/request.ts'
import { heapGrowth } from '../../../support/heap.ts'

test('a contact that stays in memory keeps nothing of what came in with it', () => {
  const owner = Jid.parse('romeo@verona.example')
  const spaces = ' '.repeat(50_000)
  const growth = heapGrowth(() =>
    Array.from({ length: 200 }, (_, n) =>
      readRosterSet(
        parseDocument(
          `<query xmlns='jabber:iq:roster'><item jid='contact${n}@verona.example' name='The good nurse ${n}'${spaces}><group>The household ${n}</group></item></query>`,
        ),
        owner,
        { maxName: 0, maxGroups: 0, maxGroupName: 0 },
      ),
    ),
  )
  assert.ok(growth < 2_000_000, `${growth} bytes for 200 contacts`)
})
