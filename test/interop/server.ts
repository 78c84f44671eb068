import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'
import { register } from './account.ts'
import { type Running, run, start } from './process.ts'
import { relay } from './relay.ts'

const bin = fileURLToPath(new URL('../../bin/stonechat.js', import.meta.url))
const WARN = 40

/** A Stonechat in a process of its own, on free ports of 127.0.0.1. */
export interface TestServer {
  /** STARTTLS. */
  readonly port: number
  /** TLS from the start. */
  readonly tlsPort: number
  /** HTTP without TLS. */
  readonly webPort: number
  /** Where {@link component} and {@link appServer} connect. */
  readonly componentPort: number
  /** Path of the self-signed certificate. */
  readonly certificate: string
  readonly process: Running
  /** Adds an account: that of the admin through the command line, all others over the net, which is much faster. */
  addUser(address: string, password: string): Promise<void>
  /** What the log has of warnings and errors. */
  complaints(): string[]
}

/** Only admins can make this account. */
const ADMIN = 'escalus@localhost'

/** A component that the server knows. */
export const component = { domain: 'oracle.localhost', secret: 'know thyself' }

/** Where logins over direct TLS come from, as the server sees it; all others come from 127.0.0.1. */
export const DIRECT_TLS_ADDRESS = '127.0.0.2'

/** An app server (XEP-0357) that the server knows. */
export const appServer = { domain: 'push.localhost', secret: 'wake up' }

/** Starts a server for `localhost` that lets people register; `folder` is to be its configuration folder. */
export async function startServer(folder: string): Promise<TestServer> {
  const [port, tlsPort, webPort, componentPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  await mkdir(join(folder, 'modules'), { recursive: true })
  await writeFile(
    join(folder, 'server.yaml'),
    `hosts: [localhost]
admins: [${ADMIN}]
listen:
  client: { address: 127.0.0.1, port: ${port} }
  clientTls: { address: 127.0.0.1, port: ${tlsPort} }
  component: { port: ${componentPort} }
  http: { port: ${webPort} }
  https: { port: 0 }
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
  await writeFile(
    join(folder, 'modules/registration.yaml'),
    `enabled: true
newAccounts: anybody
minPasswordLength: off
limits: { perAddress: off, total: off }
`,
  )
  const server = start(process.execPath, [bin, 'serve', '--config', folder])
  await server.says('Ctrl-C')
  const certificate = join(folder, 'certs/self-signed.crt')
  return {
    port,
    tlsPort: (await relay(tlsPort, DIRECT_TLS_ADDRESS)).port,
    webPort,
    componentPort,
    certificate,
    process: server,
    async addUser(address, password) {
      if (address !== ADMIN) await register(tlsPort, certificate, address, password)
      else await run(process.execPath, [bin, 'user', 'add', address, '--config', folder], `${password}\n`)
    },
    complaints: () => server.said().split('\n').filter(isComplaint),
  }
}

/** Whether a line is a warning or an error of the log, or no line of the log but a crash of the program. */
function isComplaint(line: string): boolean {
  if (!line.startsWith('{')) return /^\s+at |Error\b|Warning\b/.test(line)
  return (JSON.parse(line) as { level: number }).level >= WARN
}
