import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPlainBed } from '../../support/bed.ts'
import { Client } from '../../support/client.ts'
import { MemoryPair } from '../../support/transport.ts'

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('a stream that is to be closed takes up nothing more, so that a busy client cannot keep the server from stopping', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-stopping-'))
  const bed = await openPlainBed({}, folder)
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
  const pair = new MemoryPair()
  const stream = bed.server.accept(pair)
  const romeo = new Client(pair)
  await romeo.logsIn('romeo', 'localhost', 'pencil')
  const set = (id: string) =>
    `<iq type='set' id='${id}'><query xmlns='jabber:iq:private'><notes xmlns='urn:example:notes'/></query></iq>`
  const ping = `<iq type='get' id='late' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`
  // SQLite has one connection: as long as it is taken, the first request is under way, and the second comes while it is.
  const occupied = await bed.database.knex.transaction()
  romeo.send(set('early'))
  await turns(10)
  const settled = stream.settle()
  romeo.send(ping)
  await turns(10)
  await occupied.rollback()
  await settled
  stream.close()
  assert.equal((await romeo.next()).attrs['id'], 'early')
  await romeo.ends()
  await bed.close()
  await rm(folder, { recursive: true })
})
