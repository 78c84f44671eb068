import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineModule } from '../../../src/api.ts'
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

test('a server that is told to stop waits for a slow database so long and no longer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-stopping-'))
  const bed = await openPlainBed({}, folder)
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', 'pencil')
  const pair = new MemoryPair()
  bed.server.accept(pair)
  const romeo = new Client(pair)
  await romeo.logsIn('romeo', 'localhost', 'pencil')
  const occupied = await bed.database.knex.transaction()
  romeo.send(`<iq type='set' id='1'><query xmlns='jabber:iq:private'><notes xmlns='urn:example:notes'/></query></iq>`)
  await turns(10)
  const stopped = bed.server.stop()
  await turns(10)
  assert.equal(romeo.ended, false)
  bed.clock.advance(30_000)
  await romeo.receivesStreamError('system-shutdown')
  await occupied.rollback()
  await stopped
  await bed.close()
  await rm(folder, { recursive: true })
})

test('when the modules of one host cannot start, those of the others are stopped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-starting-'))
  const events: string[] = []
  const broken = defineModule({
    name: 'test-broken',
    summary: 'Starts on the first host only.',
    implements: [],
    setup(ctx) {
      if (ctx.host.domain === 'capulet.example') throw new Error('not here')
      ctx.onStop(() => void events.push(`stopped on ${ctx.host.domain}`))
    },
  })
  await assert.rejects(
    openPlainBed({ hosts: ['montague.example', 'capulet.example'], extra: [broken] }, folder),
    /test-broken could not start on capulet\.example/,
  )
  assert.deepEqual(events, ['stopped on montague.example'])
  await rm(folder, { recursive: true })
})
