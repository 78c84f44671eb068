import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Jid } from '../../../src/jid/jid.ts'
import { logsInBound } from '../../support/bound-login.ts'
import { openTcpBed, type TcpBed } from '../../support/tcp-bed.ts'
import { v1Of, v2Of } from './proxy-bed.ts'

const CLIENT = '192.0.2.7'
const PASSWORD = 'pencil'

let bed: TcpBed
before(async () => {
  bed = await openTcpBed({ server: { proxies: ['127.0.0.1'], auth: { guesses: { perAddress: 2 } } } })
  await bed.server.hosts.get('localhost')!.accounts.create('romeo', PASSWORD)
})
after(async () => await bed.close())

/** Splits what a connection begins with into what is written at once. */
type Cuts = (all: Buffer, header: number) => readonly Buffer[]

const cutAt =
  (at: (all: Buffer, header: number) => number): Cuts =>
  (all, header) => [all.subarray(0, at(all, header)), all.subarray(at(all, header))]
const ways: Readonly<Record<string, Cuts>> = {
  'in one segment': (all) => [all],
  'byte by byte': (all, header) => [
    ...Array.from(all.subarray(0, header + 8), (byte) => Buffer.of(byte)),
    all.subarray(header + 8),
  ],
  'cut within the header': cutAt((_all, header) => Math.trunc(header / 2)),
  'cut behind the header': cutAt((_all, header) => header),
  'cut behind the first byte of the client': cutAt((_all, header) => header + 1),
  'cut in the middle of what the client says': cutAt((all, header) => Math.trunc((all.length + header) / 2)),
}

/** A proxy that puts a header before what its client says first, and writes both as it is told; with its port. */
async function proxyTo(port: number, header: Buffer, cuts: Cuts): Promise<net.Server & { port: number }> {
  const server = net.createServer(async (client) => {
    const onward = net.connect({ port, host: '127.0.0.1', noDelay: true })
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
    const [first] = (await once(client, 'data')) as [Buffer]
    client.pause()
    for (const piece of cuts(Buffer.concat([header, first]), header.length)) {
      onward.write(piece)
      await turn()
    }
    client.pipe(onward)
    onward.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(server, { port: (server.address() as net.AddressInfo).port })
}

const sessionOf = (jid: string) =>
  bed.server.hosts.get('localhost')!.user(Jid.parse(jid))!.sessions.get(Jid.parse(jid).resource)!

for (const [way, cuts] of Object.entries(ways))
  for (const direct of [true, false])
    test(`A header ${way} with ${direct ? 'a TLS handshake' : 'a stream'} behind it: the login holds, and the client’s own address`, async () => {
      const port = direct ? bed.directPort : bed.port
      for (const header of [v1Of(CLIENT), v2Of(CLIENT)]) {
        const proxy = await proxyTo(port, header, cuts)
        const romeo = await logsInBound({ port: proxy.port, direct, local: 'romeo', password: PASSWORD })
        assert.equal(sessionOf(romeo.jid).stream.remoteAddress, CLIENT)
        await romeo.receivesNothing()
        romeo.transport.cut()
        proxy.close()
      }
    })

test('wrong passwords count for the client of a proxy, not for the proxy', async () => {
  const attempt = async (address: string, password: string) => {
    const proxy = await proxyTo(bed.directPort, v2Of(address), (all) => [all])
    try {
      const client = await logsInBound({ port: proxy.port, direct: true, local: 'romeo', password })
      client.transport.cut()
    } finally {
      proxy.close()
    }
  }
  for (let guess = 0; guess < 2; guess++) await assert.rejects(attempt('192.0.2.66', 'guess'), /not-authorized/)
  await assert.rejects(attempt('192.0.2.66', PASSWORD))
  await attempt('192.0.2.67', PASSWORD)
})
