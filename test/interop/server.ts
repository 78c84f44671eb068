import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, run, start } from './process.ts'

const bin = fileURLToPath(new URL('../../bin/stonechat.js', import.meta.url))
const WARN = 40

/** A Stonechat in a process of its own, on free ports of 127.0.0.1. */
export interface TestServer {
  /** STARTTLS. */
  readonly port: number
  /** TLS from the start. */
  readonly tlsPort: number
  /** Where {@link component} and {@link appServer} connect. */
  readonly componentPort: number
  /** Path of the self-signed certificate. */
  readonly certificate: string
  readonly process: Running
  /** Adds an account through the command line. */
  addUser(address: string, password: string): Promise<void>
  /** What the log has of warnings and errors. */
  complaints(): string[]
}

/** A component that the server knows. */
export const component = { domain: 'oracle.localhost', secret: 'know thyself' }

/** An app server (XEP-0357) that the server knows. */
export const appServer = { domain: 'push.localhost', secret: 'wake up' }

/** Starts a server for `localhost` that lets people register; `folder` is to be its configuration folder. */
export async function startServer(folder: string): Promise<TestServer> {
  const [port, tlsPort, componentPort] = [await freePort(), await freePort(), await freePort()]
  await mkdir(join(folder, 'modules'), { recursive: true })
  await writeFile(
    join(folder, 'server.yaml'),
    `hosts: [localhost]
admins: [escalus@localhost]
listen:
  client: { address: 127.0.0.1, port: ${port} }
  clientTls: { address: 127.0.0.1, port: ${tlsPort} }
  component: { port: ${componentPort} }
`,
  )
  await writeFile(
    join(folder, 'modules/components.yaml'),
    `components:
  ${component.domain}: { secret: { file: component.secret } }
  ${appServer.domain}: { secret: ${appServer.secret} }
`,
  )
  await writeFile(join(folder, 'modules/component.secret'), `${component.secret}\n`)
  await writeFile(join(folder, 'modules/registration.yaml'), 'enabled: true\nnewAccounts: anybody\n')
  const server = start(process.execPath, [bin, 'serve', '--config', folder])
  await server.says('Ctrl-C')
  return {
    port,
    tlsPort,
    componentPort,
    certificate: join(folder, 'certs/self-signed.crt'),
    process: server,
    async addUser(address, password) {
      await run(process.execPath, [bin, 'user', 'add', address, '--config', folder], `${password}\n`)
    },
    complaints: () => server.said().split('\n').filter(isComplaint),
  }
}

/** Whether a line is a warning or an error of the log, or no line of the log but a crash of the program. */
function isComplaint(line: string): boolean {
  if (!line.startsWith('{')) return /^\s+at |Error\b|Warning\b/.test(line)
  return (JSON.parse(line) as { level: number }).level >= WARN
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
