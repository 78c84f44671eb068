import net from 'node:net'
import type Logger from 'bunyan'
import type { Clock } from '../util/clock.ts'
import { networkOf } from '../util/network.ts'
import { readProxyHeader } from './proxy-header.ts'
import { type Networks, plainAddress } from './trusted-proxies.ts'

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
  /** How many were turned away, by the limit that they were past. */
  readonly refused: { address: number; total: number } = { address: 0, total: 0 }

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /** Counts a connection in, or says that there are too many. One without an address counts in the total alone. */
  enter(address?: string): boolean {
    const { connections } = this.#limits
    if (connections > 0 && this.#total >= connections) {
      this.refused.total++
      return false
    }
    if (address !== undefined && !this.identify(address)) return false
    this.#total++
    return true
  }

  /** Counts one that entered without an address for its address too, or says that there are too many of it. */
  identify(address: string): boolean {
    const { connectionsPerAddress } = this.#limits
    const network = networkOf(address)
    const here = this.#byAddress.get(network) ?? 0
    if (connectionsPerAddress > 0 && here >= connectionsPerAddress) {
      this.refused.address++
      return false
    }
    this.#byAddress.set(network, here + 1)
    return true
  }

  /** Counts a connection out, with the address it was counted for, if any. */
  leave(address?: string): void {
    this.#total--
    if (address !== undefined) this.forget(address)
  }

  /** Takes back what {@link identify} has counted, of a connection that still counts in the total. */
  forget(address: string): void {
    const network = networkOf(address)
    const here = (this.#byAddress.get(network) ?? 1) - 1
    if (here > 0) this.#byAddress.set(network, here)
    else this.#byAddress.delete(network)
  }
}

/** How long a proxy has to say for whom it connects (proxy-protocol.txt §2: at least 3 s). */
export const PROXY_HEADER_MS = 3_000

/** What a listener works with. */
export interface ListenerParts {
  /** Of all listeners that share the limits. */
  readonly count: ConnectionCount
  /** Who may say, by the PROXY protocol, which address a client has. */
  readonly proxies: Networks
  readonly clock: Pick<Clock, 'after'>
  readonly log: Logger
}

/** Takes a connection, from which nothing has been read as far as it can tell, and its client's address. */
export type Accept = (socket: net.Socket, address: string) => void

/**
 * A TCP port that accepts connections, also through proxies that are trusted.
 *
 * A connection from a trusted address may begin with a header of the PROXY protocol; without one it is that machine's own.
 * It counts for the address in the header: its own has no limit but the total, in which it counts from the beginning. So it is
 * when that is a proxy's again, for which only what comes on the connection can tell whose it is.
 */
export class Listener {
  readonly #server: net.Server
  readonly #parts: ListenerParts
  readonly #accept: Accept
  /** Connections whose address is yet to come; the limit on all connections holds for them too. */
  readonly #pending = new Set<net.Socket>()

  /** `accept` takes each connection that the limits let in. */
  constructor(parts: ListenerParts, accept: Accept) {
    const { log } = parts
    this.#parts = parts
    this.#accept = accept
    this.#server = net.createServer({ keepAlive: true, noDelay: true }, (socket) => this.#take(socket))
    this.#server.on('listening', () =>
      this.#server.on('error', (error) => log.error({ err: error }, 'a listener failed')),
    )
  }

  #take(socket: net.Socket): void {
    const { count, proxies } = this.#parts
    const address = plainAddress(socket.remoteAddress ?? '')
    const isProxy = address !== undefined && proxies.has(address)
    if (address === undefined || !count.enter(isProxy ? undefined : address)) return this.#refuse(socket, address)
    if (isProxy) return this.#hear(socket, address)
    socket.on('close', () => count.leave(address))
    this.#accept(socket, address)
  }

  #refuse(socket: net.Socket, address: string | undefined): void {
    this.#parts.log.debug({ address }, 'too many connections')
    socket.destroy()
  }

  /** Waits for a header, or for what is none, on a connection of a proxy's. */
  #hear(socket: net.Socket, proxy: string): void {
    const { count, proxies, clock, log } = this.#parts
    let counted: string | undefined
    let heard: Buffer = Buffer.alloc(0)
    const cut = (reason: string) => {
      log.debug({ address: proxy, reason }, 'a proxy did not say for whom it connects')
      socket.destroy()
    }
    const onReadable = () => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read())
        heard = heard.length === 0 ? chunk : Buffer.concat([heard, chunk])
      const header = readProxyHeader(heard)
      if (header.kind === 'partial') return
      settle()
      if (header.kind === 'malformed') return cut(header.reason)
      const rest = header.kind === 'header' ? heard.subarray(header.length) : heard
      const client = header.kind === 'header' ? header.address : undefined
      if (client !== undefined && !proxies.has(client)) {
        if (!count.identify(client)) return this.#refuse(socket, client)
        counted = client
      }
      // To whoever takes it the connection is as new: neither flowing nor paused, and what follows the header comes first.
      if (rest.length > 0) socket.unshift(rest)
      this.#accept(socket, client ?? proxy)
    }
    const onEnd = () => cut('it has closed the connection')
    const onError = () => {}
    const settle = () => {
      cancel()
      this.#pending.delete(socket)
      socket.off('readable', onReadable).off('end', onEnd).off('error', onError)
    }
    const cancel = clock.after(PROXY_HEADER_MS, () => cut('it has taken too long'))
    this.#pending.add(socket)
    socket.on('readable', onReadable).on('end', onEnd).on('error', onError)
    socket.on('close', () => {
      settle()
      count.leave(counted)
    })
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

  /** Stops accepting; connections that were taken stay. */
  close(): void {
    this.#server.close()
    for (const socket of this.#pending) socket.destroy()
  }
}
