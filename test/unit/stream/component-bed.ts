import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { xml } from '../../../src/api.ts'
import { type BedOptions, openPlainBed, type PlainBed } from '../../support/bed.ts'
import { Client } from '../../support/client.ts'
import { ComponentClient, connectPlain } from '../../support/component.ts'
import { MemoryPair } from '../../support/transport.ts'

/** The component that most scenes are about, and what it knows. */
export const DOMAIN = 'push.localhost'
export const SECRET = 'the nightingale'
const components = { [DOMAIN]: { secret: SECRET }, 'other.localhost': { secret: 'the lark' } }

/** A server with two components on a port, and the accounts romeo and juliet. */
export async function openBed(options: BedOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-components-'))
  const bed = await openPlainBed({ ...options, server: { components, ...options.server } }, folder)
  const { accounts } = bed.server.hosts.get('localhost')!
  for (const local of ['romeo', 'juliet']) await accounts.create(local, 'pencil')
  const port = await bed.server.listenForComponents('127.0.0.1', 0, bed.tls)
  const open: { transport: { cut(): void } }[] = []
  const keep = <T extends { transport: { cut(): void } }>(it: T): T => {
    open.push(it)
    return it
  }
  return {
    ...bed,
    port,
    connect: async (domain = DOMAIN, secret = SECRET) => keep(await ComponentClient.connect(port, domain, secret)),
    /** Connected, without a word said. */
    dial: async (domain = DOMAIN) => keep(new ComponentClient(await connectPlain(port), domain)),
    login: async (local: string) => {
      const pair = new MemoryPair()
      bed.server.accept(pair)
      const client = new Client(pair)
      await client.logsIn(local, 'localhost', 'pencil', 'r')
      client.send('<presence/>')
      await client.receives`<presence/>`
      return keep(client)
    },
    hangUp: () => {
      for (const { transport } of open.splice(0)) transport.cut()
    },
    close: async () => {
      await bed.close()
      assert.deepEqual(bed.errors, [], 'the server logged errors')
      await rm(folder, { recursive: true })
    },
  }
}

export type TestBed = Awaited<ReturnType<typeof openBed>>

/** Runs a scene on a server of its own. */
export async function scene(options: BedOptions, play: (bed: TestBed) => Promise<void>): Promise<void> {
  const bed = await openBed(options)
  try {
    await play(bed)
  } finally {
    bed.hangUp()
    await bed.close()
  }
}

/** Lets everything happen that needs no more than the loop. */
export async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves when a component's end has reached the server: its domain is free again. */
export async function isFree({ server }: PlainBed, domain = DOMAIN): Promise<void> {
  const host = server.hosts.get('localhost')!
  for (;;) {
    const probe = xml('iq', { type: 'get', from: 'localhost', to: domain }, xml('gone', { xmlns: 'urn:example:probe' }))
    const answer = await Promise.race([host.request(probe, 1e9), turns(2)])
    if (answer !== undefined) return
  }
}
