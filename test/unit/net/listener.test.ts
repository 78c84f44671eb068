import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { ConnectionCount, Listener } from '../../../src/net/listener.ts'
import { Networks } from '../../../src/net/trusted-proxies.ts'
import { systemClock } from '../../../src/util/clock.ts'

describe('the count of connections', () => {
  test('bounds the total and each address, and lets in again what has left', () => {
    const count = new ConnectionCount({ connections: 3, connectionsPerAddress: 2 })
    assert.deepEqual([count.enter('a'), count.enter('a'), count.enter('a')], [true, true, false])
    assert.deepEqual([count.enter('b'), count.enter('b')], [true, false])
    count.leave('a')
    assert.equal(count.enter('b'), true)
    count.leave('b')
    assert.equal(count.enter('a'), true)
  })

  test('takes a /64 of IPv6 for one address, and an IPv4 address written as IPv6 for what it is', () => {
    const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 1 })
    assert.deepEqual([count.enter('2001:db8::1'), count.enter('2001:db8::2')], [true, false])
    assert.deepEqual([count.enter('192.0.2.1'), count.enter('::ffff:192.0.2.1')], [true, false])
    count.leave('2001:db8::1')
    assert.equal(count.enter('2001:db8::3'), true)
  })

  test('0 is no bound', () => {
    const count = new ConnectionCount({ connections: 0, connectionsPerAddress: 0 })
    for (let i = 0; i < 10_000; i++) assert.equal(count.enter('a'), true)
  })
})

const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean()
})

function listener(count: ConnectionCount, accept: (socket: net.Socket) => void = () => {}) {
  const logged: string[] = []
  const log = {
    debug: (_: object, text: string) => logged.push(text),
    error: (_: object, text: string) => logged.push(text),
  }
  const opened = new Listener({ count, proxies: new Networks([]), clock: systemClock, log: log as never }, (socket) => {
    cleanUp.push(() => socket.destroy())
    accept(socket)
  })
  cleanUp.push(() => opened.close())
  return { opened, logged }
}

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  cleanUp.push(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

const unbounded = () => new ConnectionCount({ connections: 0, connectionsPerAddress: 0 })

test('a connection past the limit is cut at once, and one that has left makes room', async () => {
  let accepted = 0
  const left = Promise.withResolvers<void>()
  class Watched extends ConnectionCount {
    override leave(address?: string): void {
      super.leave(address)
      left.resolve()
    }
  }
  const { opened } = listener(new Watched({ connections: 0, connectionsPerAddress: 1 }), () => accepted++)
  const port = await opened.listen('127.0.0.1', 0)
  const first = await connect(port)
  const second = await connect(port)
  second.resume()
  await once(second, 'close')
  assert.equal(accepted, 1)
  first.destroy()
  await left.promise
  const third = await connect(port)
  third.write('x')
  while (accepted < 2) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(third.destroyed, false)
})

test('a port in use is told in plain words, and is no error of the log', async () => {
  const first = listener(unbounded())
  const port = await first.opened.listen('127.0.0.1', 0)
  const { opened, logged } = listener(unbounded())
  await assert.rejects(opened.listen('127.0.0.1', port), {
    message: `cannot listen on 127.0.0.1 port ${port}: another program uses it: stop that one, or choose another port under listen: in server.yaml`,
  })
  assert.deepEqual(logged, [])
})

test('an address that this machine does not have is told with its name', async () => {
  await assert.rejects(
    listener(unbounded()).opened.listen('192.0.2.7', 0),
    /^Error: cannot listen on 192\.0\.2\.7 port 0: /,
  )
})

test('`::` takes IPv4 as well', async () => {
  const met = Promise.withResolvers<void>()
  const { opened } = listener(unbounded(), () => met.resolve())
  await connect(await opened.listen('::', 0))
  await met.promise
})

test('a closed listener takes nobody, and keeps whom it has', async () => {
  const { opened } = listener(unbounded(), (socket) => socket.pipe(socket))
  const port = await opened.listen('127.0.0.1', 0)
  const guest = await connect(port)
  guest.write('a')
  await once(guest, 'data')
  opened.close()
  await assert.rejects(connect(port), { code: 'ECONNREFUSED' })
  guest.write('b')
  assert.equal(String((await once(guest, 'data'))[0]), 'b')
})
