import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** How long a command may take before the command line gives up. */
const PATIENCE_MS = 60_000

/** What a running server answers to a command. */
export interface ControlReply {
  readonly lines?: readonly string[]
  /** A sentence for the person, when it could not be done. */
  readonly error?: string
}

/** The longest path a Unix socket may have on every system we run on. */
const MAX_PATH_BYTES = 100
const MAX_REQUEST_CHARACTERS = 64 * 1024

/** Where the running server of a data folder takes commands: inside it, or, where that path is too long, in a folder of this user's. */
export function controlPath(dataFolder: string): string {
  const path = join(resolve(dataFolder), 'control.sock')
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path
  const name = createHash('sha256').update(path).digest('hex').slice(0, 24)
  return join(tmpdir(), `stonechat-${process.getuid?.() ?? 0}`, `${name}.sock`)
}

/** Takes commands, one JSON line each, from whoever may write to the socket: the server's own user. */
export class ControlSocket {
  readonly #server: net.Server
  readonly #path: string
  readonly #sockets = new Set<net.Socket>()

  /** `run` never rejects. */
  constructor(dataFolder: string, run: (command: string, args: readonly string[]) => Promise<ControlReply>) {
    this.#path = controlPath(dataFolder)
    this.#server = net.createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // Whoever does not wait for the answer takes nothing along.
      socket.on('error', () => socket.destroy())
      onceLine(socket, (line) => {
        const request = readRequest(line)
        const reply =
          request === undefined ? Promise.resolve({ error: 'That is no command.' }) : run(request.command, request.args)
        reply.then((answer) => socket.end(`${JSON.stringify(answer)}\n`))
      })
    })
  }

  /** Listens; a socket left behind by a killed server is replaced. The caller makes sure no other server uses the data folder. */
  async open(): Promise<void> {
    const folder = join(this.#path, '..')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid } = lstatSync(folder)
    if (process.getuid !== undefined && uid !== process.getuid())
      throw new Error(`${folder} belongs to another user: it must belong to the one the server runs as`)
    rmSync(this.#path, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#path, resolve)
    })
    chmodSync(this.#path, 0o600)
  }

  /** Stops taking commands; who still waits for an answer is cut off, so that the program can end. */
  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    rmSync(this.#path, { force: true })
  }
}

/** Hands on the first line of what comes in; what is too long to be a request is cut off. */
function onceLine(socket: net.Socket, take: (line: string) => void): void {
  let text = ''
  const hear = (chunk: string): void => {
    text += chunk
    const end = text.indexOf('\n')
    if (end > MAX_REQUEST_CHARACTERS || (end < 0 && text.length > MAX_REQUEST_CHARACTERS)) socket.destroy()
    else if (end >= 0) {
      socket.off('data', hear)
      take(text.slice(0, end))
    }
  }
  socket.setEncoding('utf8')
  socket.on('data', hear)
}

function readRequest(line: string): { command: string; args: string[] } | undefined {
  try {
    const { command, args } = JSON.parse(line) as { command?: unknown; args?: unknown }
    if (typeof command !== 'string' || !Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
      return undefined
    return { command, args: args as string[] }
  } catch {
    return undefined
  }
}

/** Has the running server of a data folder run a command; `undefined` when none is running. */
export function askRunningServer(
  dataFolder: string,
  command: string,
  args: readonly string[],
): Promise<ControlReply | undefined> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(controlPath(dataFolder))
    let answer = ''
    socket.setEncoding('utf8')
    socket.setTimeout(PATIENCE_MS, () =>
      socket.destroy(new Error('the running server does not answer: is it suspended or overloaded?')),
    )
    socket.on('connect', () => socket.write(`${JSON.stringify({ command, args })}\n`))
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('end', () => {
      if (answer.endsWith('\n')) resolve(JSON.parse(answer) as ControlReply)
      else reject(new Error('the running server did not answer'))
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(error)
    })
  })
}
