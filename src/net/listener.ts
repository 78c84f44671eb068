import net from 'node:net'
import type Logger from 'bunyan'
import { networkOf } from '../util/network.ts'

/** Bounds on connections; 0 is none. */
export interface ConnectionLimits {
  readonly connections: number
  readonly connectionsPerAddress: number
}

/** Counts connections over all listeners of a server, so that no address, or /64 of IPv6, takes them all. */
export class ConnectionCount {
  readonly #limits: ConnectionLimits
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /** Counts a connection in, or says that there are too many. */
  enter(address: string): boolean {
    const { connections, connectionsPerAddress } = this.#limits
    const network = networkOf(address)
    const here = this.#byAddress.get(network) ?? 0
    if (connections > 0 && this.#total >= connections) return false
    if (connectionsPerAddress > 0 && here >= connectionsPerAddress) return false
    this.#total++
    this.#byAddress.set(network, here + 1)
    return true
  }

  leave(address: string): void {
    this.#total--
    const network = networkOf(address)
    const here = (this.#byAddress.get(network) ?? 1) - 1
    if (here > 0) this.#byAddress.set(network, here)
    else this.#byAddress.delete(network)
  }
}

/** A TCP port that accepts connections. */
export class Listener {
  readonly #server: net.Server

  /** `accept` takes each socket that the limits let in. */
  constructor(count: ConnectionCount, log: Logger, accept: (socket: net.Socket) => void) {
    this.#server = net.createServer({ keepAlive: true, noDelay: true }, (socket) => {
      const address = socket.remoteAddress
      if (address === undefined || !count.enter(address)) {
        log.debug({ address }, 'too many connections')
        socket.destroy()
        return
      }
      socket.on('close', () => count.leave(address))
      accept(socket)
    })
    this.#server.on('listening', () =>
      this.#server.on('error', (error) => log.error({ err: error }, 'a listener failed')),
    )
  }

  /**
   * Listens; resolves with the port in use. Where the machine has no IPv6, `::` falls back to `0.0.0.0`.
   *
   * @throws Error naming the address and what to do, when it cannot be had.
   */
  async listen(address: string, port: number): Promise<number> {
    try {
      return await this.#listen(address, port)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (address === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'))
        return await this.listen('0.0.0.0', port)
      const why =
        code === 'EADDRINUSE'
          ? 'another program uses it: stop that one, or choose another port under listen: in server.yaml'
          : code === 'EACCES'
            ? 'this user may not use it: choose a port above 1023 under listen: in server.yaml'
            : String(error)
      throw new Error(`cannot listen on ${address} port ${port}: ${why}`)
    }
  }

  #listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as net.AddressInfo).port)
      })
    })
  }

  /** Stops accepting; connections that are open stay. */
  close(): void {
    this.#server.close()
  }
}
