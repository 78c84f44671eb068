import { once } from 'node:events'
import net from 'node:net'

/** A way to a port that may break. */
export interface Relay {
  /** Where it begins. */
  readonly port: number
  /** Breaks all connections that are on it; it takes new ones. */
  cut(): void
}

/** Passes connections to a port of 127.0.0.1 on, from an address that the server can tell them by. */
export async function relay(port: number, localAddress = '127.0.0.1'): Promise<Relay> {
  const ends = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const onward = net.connect({ port, host: '127.0.0.1', localAddress })
    for (const [from, to] of [
      [client, onward],
      [onward, client],
    ] as const) {
      ends.add(from)
      from
        .on('error', () => {})
        .on('close', () => {
          ends.delete(from)
          to.destroy()
        })
        .pipe(to)
    }
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return {
    port: (server.address() as net.AddressInfo).port,
    cut: () => {
      for (const end of ends) end.destroy()
    },
  }
}
