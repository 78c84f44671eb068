import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Running, run, start } from '../interop/process.ts'
import { freePort } from '../support/free-port.ts'

const bin = fileURLToPath(new URL('../../bin/stonechat.js', import.meta.url))
const WARN = 40

/** A Stonechat in a process of its own, which is there for browsers only. */
export interface WebServer {
  /** Where it is: `https://localhost:PORT`, with a certificate that it has signed itself. */
  readonly origin: string
  readonly process: Running
  /** Invites so many people to make accounts, and resolves with the address of the page. */
  invite(people: number): Promise<string>
  /** What the log has of warnings and errors. */
  complaints(): string[]
}

/** Starts a server for `localhost` as an admin would who lets the invited make accounts; `folder` is to be its configuration folder. */
export async function startServer(folder: string): Promise<WebServer> {
  const port = await freePort()
  await mkdir(join(folder, 'modules'), { recursive: true })
  const off = ['client', 'clientTls', 'component', 'http'].map((name) => `  ${name}: { port: 0 }\n`).join('')
  await writeFile(
    join(folder, 'server.yaml'),
    `hosts: [localhost]\nlisten:\n${off}  https: { address: 127.0.0.1, port: ${port} }\n`,
  )
  await writeFile(join(folder, 'modules/registration.yaml'), 'enabled: true\n')
  await writeFile(join(folder, 'modules/anonymous.yaml'), 'enabled: true\n')
  const server = start(process.execPath, [bin, 'serve', '--config', folder])
  await server.says('Ctrl-C')
  return {
    origin: `https://localhost:${port}`,
    process: server,
    async invite(people) {
      const args = ['invitation', 'create', 'localhost', String(people), '--config', folder]
      const said = await run(process.execPath, [bin, ...args])
      const page = /^https:\S+\/invite\/\S+$/m.exec(said)?.[0]
      if (page === undefined) throw new Error(`The invitation has no page:\n${said}`)
      return page
    },
    complaints: () => server.said().split('\n').filter(isComplaint),
  }
}

/** Whether a line is a warning or an error of the log, or no line of the log but a crash of the program. */
function isComplaint(line: string): boolean {
  if (!line.startsWith('{')) return /^\s+at |Error\b|Warning\b/.test(line)
  return (JSON.parse(line) as { level: number }).level >= WARN
}
