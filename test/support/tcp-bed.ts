import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { ConnectionCount } from '../../src/net/listener.ts'
import type { Server } from '../../src/server.ts'
import { type BedOptions, openPlainBed } from './bed.ts'
import { Client } from './client.ts'
import type { FakeClock } from './fake-clock.ts'
import { overSocket } from './transport.ts'

/** A server on real sockets, with STARTTLS on one port and TLS from the first byte on another. */
export interface TcpBed {
  readonly server: Server
  readonly clock: FakeClock
  readonly port: number
  readonly directPort: number
  /** Settles when one more connection than at the last call has been accepted. */
  accepted(): Promise<void>
  /** Settles when the server has counted a connection out. */
  closed(): Promise<void>
  /** A client that has logged in over STARTTLS, and its TLS socket. */
  login(local: string, password: string): Promise<Client & { readonly socket: tls.TLSSocket }>
  close(): Promise<void>
}

/** Tells of each connection that comes and goes. */
class WatchedCount extends ConnectionCount {
  onEnter: () => void = () => {}
  onLeave: () => void = () => {}
  override enter(address?: string): boolean {
    setImmediate(() => this.onEnter())
    return super.enter(address)
  }
  override leave(address?: string): void {
    super.leave(address)
    this.onLeave()
  }
}

export async function openTcpBed(options: BedOptions = {}): Promise<TcpBed> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-tcp-'))
  const bed = await openPlainBed(options, folder)
  const count = new WatchedCount(bed.config.limits)
  const port = await bed.server.listenOn('127.0.0.1', 0, bed.tls, false, count)
  const directPort = await bed.server.listenOn('127.0.0.1', 0, bed.tls, true, count)
  const login = async (local: string, password: string) => {
    const plain = net.connect(port, '127.0.0.1')
    await once(plain, 'connect')
    plain.write(
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
    )
    for (let heard = ''; !heard.includes('<proceed'); ) heard += String((await once(plain, 'data'))[0])
    const socket = tls.connect({ socket: plain, servername: 'localhost', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const transport = overSocket(socket, plain)
    const client = new Client(transport)
    await client.logsIn(local, 'localhost', password)
    return Object.assign(client, { socket })
  }
  return {
    server: bed.server,
    clock: bed.clock,
    port,
    directPort,
    accepted: () => new Promise((resolve) => (count.onEnter = resolve)),
    closed: () => new Promise((resolve) => (count.onLeave = resolve)),
    login,
    close: async () => {
      await bed.close()
      assert.deepEqual(bed.errors, [], 'the server logged errors')
      await rm(folder, { recursive: true })
    },
  }
}
