import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Disconnected } from './connection.ts'

const pieceBytes = 65_536
const patienceMs = 30_000

/** How a client sends a file: as fast as it goes, of a length that it does not say before, with breaks, or half of it only. */
export const manners = ['whole', 'chunked', 'slow', 'half'] as const
export type Manner = (typeof manners)[number]

/** Where a file goes to, and comes from. */
export interface Place {
  readonly port: number
  readonly path: string
  readonly token: string
}

/**
 * Sends a file (XEP-0363 §6); resolves with the status of the answer, which may come early. `amidst` is done when half of it has been sent.
 *
 * @throws Disconnected when there is no answer.
 */
export async function put(
  { port, path, token }: Place,
  content: Buffer,
  manner: Manner = 'whole',
  amidst: () => Promise<void> = async () => {},
): Promise<number> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  const answer = statusOf(socket)
  let isAnswered = false
  const settled = answer
    .catch(() => {})
    .then(() => {
      isAnswered = true
    })
  const send = async (data: Buffer | string) => {
    if (!isAnswered && !socket.write(data)) await Promise.race([once(socket, 'drain').catch(() => {}), settled])
  }
  const sendAll = async (part: Buffer) => {
    for (let at = 0; at < part.length && !isAnswered; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes)
      if (manner === 'chunked') await send(`${piece.length.toString(16)}\r\n`)
      await send(piece)
      if (manner === 'chunked') await send('\r\n')
      if (manner === 'slow') await pause(1)
    }
  }
  try {
    const length = manner === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`
    await send(`PUT ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${token}\r\n${length}\r\n\r\n`)
    const middle = Math.floor(content.length / 2)
    await sendAll(content.subarray(0, middle))
    if (!isAnswered) await amidst()
    if (manner === 'half') throw new Disconnected('only half of it was sent')
    await sendAll(content.subarray(middle))
    if (manner === 'chunked') await send('0\r\n\r\n')
    return await answer
  } finally {
    socket.destroy()
  }
}

/** Resolves with the status of what is answered on a connection. */
function statusOf(socket: net.Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let heard = ''
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
    socket.on('data', (data) => {
      heard += data.toString('latin1')
      const status = /^HTTP\/1\.1 (\d{3}) .*\r\n\r\n/s.exec(heard)?.[1]
      if (status !== undefined) resolve(Number(status))
    })
    socket.on('error', (error) => reject(new Disconnected(error.message)))
    socket.on('close', () => reject(new Disconnected('closed')))
  })
}

/** Fetches a file or, with `range`, a part of it. @throws Disconnected */
export async function get(
  { port, path }: Pick<Place, 'path' | 'port'>,
  range?: string,
): Promise<{ status: number; bytes: Buffer }> {
  const headers = { host: 'localhost', ...(range !== undefined && { range: `bytes=${range}` }) }
  const request = http.get({ host: '127.0.0.1', port, path, headers, agent: false, timeout: patienceMs })
  request.on('timeout', () => request.destroy(new Error('no answer')))
  try {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return { status: response.statusCode!, bytes: Buffer.concat(await response.toArray()) }
  } catch (error) {
    throw new Disconnected((error as Error).message)
  }
}
