import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConnectionCount, Listener, PROXY_HEADER_MS } from '../../../src/net/listener.ts'
import { Networks } from '../../../src/net/trusted-proxies.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { v1Of, v2Header, v2Of } from './proxy-bed.ts'

const CLIENT = '192.0.2.7'

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean()
})

/** A count that tells how many it has in, and of whom. */
class Watched extends ConnectionCount {
  total = 0
  readonly addresses: string[] = []
  override enter(address?: string): boolean {
    const entered = super.enter(address)
    if (entered) this.total++
    return entered
  }
  override identify(address: string): boolean {
    const identified = super.identify(address)
    if (identified) this.addresses.push(address)
    return identified
  }
  override leave(address?: string): void {
    super.leave(address)
    this.total--
    if (address !== undefined) this.addresses.splice(this.addresses.indexOf(address), 1)
  }
}

interface Bed {
  readonly listener: Listener
  readonly port: number
  readonly clock: FakeClock
  readonly count: Watched
  /** Addresses of those who were taken, with what they have said. */
  readonly taken: { readonly address: string; said: string }[]
  readonly logged: string[]
  connect(from?: string): Promise<net.Socket>
}

/** A listener on which 127.0.0.1 is a trusted proxy, and 127.0.0.2 anybody. */
async function open({
  limits = { connections: 0, connectionsPerAddress: 0 },
  accept = () => {},
}: {
  limits?: { connections: number; connectionsPerAddress: number }
  accept?: (socket: net.Socket) => void
} = {}): Promise<Bed> {
  const [clock, count] = [new FakeClock(), new Watched(limits)]
  const taken: Bed['taken'] = []
  const logged: string[] = []
  const log = { debug: (fields: object, text: string) => logged.push(`${text} ${JSON.stringify(fields)}`) }
  const proxies = new Networks(['127.0.0.1'])
  const listener = new Listener({ count, proxies, clock, log: log as never }, (socket, address) => {
    const guest = { address, said: '' }
    taken.push(guest)
    cleanUp.push(() => socket.destroy())
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      guest.said += chunk.toString('latin1')
    })
    accept(socket)
  })
  const port = await listener.listen('127.0.0.1', 0)
  cleanUp.push(() => listener.close())
  const connect = async (from = '127.0.0.1') => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    cleanUp.push(() => socket.destroy())
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
    return socket
  }
  return { listener, port, clock, count, taken, logged, connect }
}

/** Lets things happen until something is so; a test that waits in vain is ended by the runner. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

const closed = (socket: net.Socket) => until(() => socket.closed)

describe('the real address', () => {
  for (const [what, header, address] of [
    ['version 1', v1Of(CLIENT), CLIENT],
    ['version 2', v2Of(CLIENT), CLIENT],
    ['version 2 with additions', v2Header(0x21, 0x11, [192, 0, 2, 7, 127, 0, 0, 1, 1, 1, 2, 2, 4, 0, 1, 0]), CLIENT],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ['LOCAL', v2Header(0x20, 0, []), '127.0.0.1'],
    ['no header', Buffer.alloc(0), '127.0.0.1'],
  ] as const) {
    test(`${what}: what follows is untouched, in one piece or cut anywhere`, async () => {
      const bed = await open()
      const text = "<?xml version='1.0'?>\r\n\r\n\0"
      const all = Buffer.concat([header, Buffer.from(text)])
      const cuts = [...new Set([0, 1, 6, 12, 13, 16, header.length - 1, header.length, header.length + 1])]
      for (const cut of cuts.filter((at) => at >= 0 && at < all.length)) {
        const socket = await bed.connect()
        if (cut > 0) socket.write(all.subarray(0, cut))
        await turn()
        socket.write(all.subarray(cut))
        await until(() => bed.taken.at(-1)?.said === text)
        assert.deepEqual(bed.taken.pop(), { address, said: text })
        socket.destroy()
      }
      await until(() => bed.count.total === 0)
      assert.deepEqual(bed.count.addresses, [])
    })

    test(`${what}, byte by byte`, async () => {
      const bed = await open()
      const socket = await bed.connect()
      for (const byte of Buffer.concat([header, Buffer.from('<stream>')])) {
        socket.write(Buffer.of(byte))
        await turn()
      }
      await until(() => bed.taken[0]?.said === '<stream>')
      assert.equal(bed.taken[0]!.address, address)
    })
  }

  test('a connection that is closed behind its words is heard all the same', async () => {
    const bed = await open()
    const socket = await bed.connect()
    socket.end(Buffer.concat([v2Of(CLIENT), Buffer.from('farewell')]))
    await until(() => bed.taken[0]?.said === 'farewell')
    await closed(socket)
    await until(() => bed.count.total === 0)
  })

  test('an HTTP server takes a connection with a header, and with the first request behind it', async () => {
    const server = http.createServer((request, response) => response.end(`heard ${request.url}`))
    const bed = await open()
    const door = new Listener(
      { count: bed.count, proxies: new Networks(['127.0.0.1']), clock: bed.clock, log: {} as never },
      (socket) => server.emit('connection', socket),
    )
    cleanUp.push(() => door.close())
    const port = await door.listen('127.0.0.1', 0)
    for (const cut of [0, 20]) {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
      cleanUp.push(() => socket.destroy())
      let heard = ''
      socket.on('data', (chunk) => {
        heard += chunk
      })
      const all = Buffer.concat([v2Of(CLIENT), Buffer.from('GET /one HTTP/1.1\r\nHost: a\r\n\r\n')])
      socket.write(all.subarray(0, cut))
      await turn()
      socket.write(all.subarray(cut))
      await until(() => heard.endsWith('heard /one'))
      socket.write('GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      await until(() => heard.endsWith('heard /two'))
      socket.destroy()
    }
  })

  test('from anybody else nothing is looked at', async () => {
    const bed = await open()
    const socket = await bed.connect('127.0.0.2')
    // It is taken before it has said anything.
    await until(() => bed.taken.length === 1)
    socket.write(v1Of(CLIENT))
    await until(() => bed.taken[0]!.said === v1Of(CLIENT).toString())
    assert.equal(bed.taken[0]!.address, '127.0.0.2')
  })
})

describe('what a proxy does not send', () => {
  test('a malformed header cuts the connection, and the log says whose', async () => {
    const bed = await open()
    for (const text of ['PROXY TCP4 nobody\r\n', `PROXY ${'x'.repeat(200)}`, v2Header(0x2f, 0x11, Buffer.alloc(12))]) {
      const socket = await bed.connect()
      socket.write(text)
      await closed(socket)
    }
    assert.deepEqual(bed.taken, [])
    assert.equal(bed.count.total, 0)
    assert.equal(bed.logged.length, 3)
    assert.match(
      bed.logged[0]!,
      /^a proxy did not say for whom it connects .*"address":"127\.0\.0\.1","reason":"a line /,
    )
  })

  test('a header that is not complete in time cuts the connection, as silence does', async () => {
    const bed = await open()
    const sockets = [await bed.connect(), await bed.connect()]
    sockets[0]!.write('PROXY TCP4')
    await until(() => bed.count.total === 2)
    bed.clock.advance(PROXY_HEADER_MS - 1)
    const late = await bed.connect()
    await until(() => bed.count.total === 3)
    assert.deepEqual(bed.logged, [])
    bed.clock.advance(1)
    for (const socket of sockets) await closed(socket)
    assert.equal(bed.count.total, 1)
    late.write('<')
    await until(() => bed.taken.length === 1)
    assert.equal(bed.clock.hasTimerWithin(PROXY_HEADER_MS), false, 'a timer was left')
  })

  test('a proxy that goes away, in order or not, leaves nothing behind', async () => {
    const bed = await open()
    const polite = await bed.connect()
    polite.end('PROXY TCP4')
    await closed(polite)
    const rude = await bed.connect()
    await until(() => bed.count.total === 1)
    rude.resetAndDestroy()
    await until(() => bed.count.total === 0)
    assert.equal(bed.clock.hasTimerWithin(PROXY_HEADER_MS), false, 'a timer was left')
    assert.deepEqual(bed.taken, [])
  })

  test('a listener that closes does not wait for headers', async () => {
    const bed = await open()
    const socket = await bed.connect()
    await until(() => bed.count.total === 1)
    bed.listener.close()
    await closed(socket)
    assert.equal(bed.count.total, 0)
  })
})

describe('limits', () => {
  test('count the clients of a proxy, each by its own address, and not the proxy', async () => {
    const bed = await open({ limits: { connections: 0, connectionsPerAddress: 1 } })
    const say = async (header: Buffer) => {
      const socket = await bed.connect()
      socket.write(Buffer.concat([header, Buffer.from('<')]))
      return socket
    }
    const first = await say(v2Of(CLIENT))
    await until(() => bed.taken.length === 1)
    await closed(await say(v2Of(CLIENT)))
    assert.match(bed.logged[0]!, /^too many connections .*192\.0\.2\.7/)
    await say(v2Of('192.0.2.8'))
    await say(v2Header(0x20, 0, []))
    await say(Buffer.alloc(0))
    // One proxy behind another, for which only what comes on the connection tells whose that is.
    await say(v2Of('127.0.0.1'))
    await until(() => bed.taken.length === 5)
    assert.deepEqual(
      bed.taken.map(({ address }) => address),
      [CLIENT, '192.0.2.8', '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    )
    assert.equal(bed.count.total, 5)
    assert.deepEqual(bed.count.addresses, [CLIENT, '192.0.2.8'])
    first.destroy()
    await until(() => bed.count.total === 4)
    await say(v2Of(CLIENT))
    await until(() => bed.taken.length === 6)
  })

  test('a client is one client, by whichever way it comes', async () => {
    const bed = await open({ limits: { connections: 0, connectionsPerAddress: 1 } })
    await bed.connect('127.0.0.2')
    await until(() => bed.taken.length === 1)
    const second = await bed.connect()
    second.write(v2Of('127.0.0.2'))
    await closed(second)
    assert.equal(bed.taken.length, 1)
  })

  test('on all connections hold also for those whose header is yet to come', async () => {
    const bed = await open({ limits: { connections: 2, connectionsPerAddress: 0 } })
    const waiting = [await bed.connect(), await bed.connect()]
    await until(() => bed.count.total === 2)
    await closed(await bed.connect())
    await closed(await bed.connect('127.0.0.2'))
    assert.equal(bed.taken.length, 0)
    waiting[0]!.destroy()
    await until(() => bed.count.total === 1)
    await bed.connect('127.0.0.2')
    await until(() => bed.taken.length === 1)
  })
})
