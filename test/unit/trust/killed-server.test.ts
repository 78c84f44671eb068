import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Accounts } from '../../../src/auth/accounts.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { migrate } from '../../../src/storage/migrate.ts'
import { systemClock } from '../../../src/util/clock.ts'
import { Client } from '../../support/client.ts'
import { dialects, silentLog, sqlFolder } from '../../support/databases.ts'
import { freePort } from '../../support/free-port.ts'
import { sharedMariadb } from '../../support/mariadb.ts'
import { overSocket } from '../../support/transport.ts'
import {
  addsContacts,
  blockedBy,
  blocks,
  contactsOf,
  Load,
  messagesOf,
  noLimits,
  nothingIsMissing,
  privateOf,
  setsPrivate,
  setsVcard,
  vcardOf,
  writesTo,
} from './load.ts'

const bin = fileURLToPath(new URL('../../../bin/stonechat.js', import.meta.url))
const PASSWORD = 'wherefore art thou'
const LOAD_MS = 700
const running = new Set<ChildProcess>()
const folders: string[] = []

after(async () => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A configuration folder on a database that has the accounts, and the port to connect to. */
async function prepare(database: string): Promise<{ folder: string; port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'stonechat-killed-'))
  folders.push(folder)
  const port = await freePort()
  await writeFile(
    join(folder, 'server.yaml'),
    `hosts: [localhost]
database: ${database}
requireTls: false
listen: { client: { address: 127.0.0.1, port: ${port} }, clientTls: { port: 0 }, http: { port: 0 }, https: { port: 0 } }
`,
  )
  await mkdir(join(folder, 'modules'))
  for (const [module, options] of Object.entries(noLimits))
    await writeFile(join(folder, 'modules', `${module}.yaml`), JSON.stringify(options))
  const db = await openDatabase({ url: database, dataDir: join(folder, 'data'), pool: 2, log: silentLog })
  await migrate(db, sqlFolder)
  const accounts = new Accounts(db, 'localhost', { iterations: 4096, clock: systemClock })
  for (const local of ['romeo', 'nurse']) await accounts.create(local, PASSWORD)
  await db.close()
  return { folder, port }
}

async function serve(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, 'serve', '--config', folder], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said += String(chunk)
        if (said.includes('Ctrl-C')) resolve()
      })
    child.once('close', () => reject(new Error(`it did not start:\n${said}`)))
  })
  return child
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'close')
  child.kill(signal)
  const [code] = (await closed) as [number | null]
  running.delete(child)
  return code
}

async function login(port: number, local: string, resource: string): Promise<Client> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const transport = overSocket(socket)
  const client = new Client(transport)
  await client.logsIn(local, 'localhost', PASSWORD, resource)
  return client
}

for (const dialect of dialects)
  test(`what a server on ${dialect} acknowledged is there after kill -9`, { timeout: 60_000 }, async () => {
    const database = dialect === 'sqlite' ? 'sqlite' : await (await sharedMariadb()).createDatabase()
    const { folder, port } = await prepare(database)
    let server = await serve(folder)
    const contacts = new Load(await login(port, 'romeo', 'a'), addsContacts('c'))
    const moreContacts = new Load(await login(port, 'romeo', 'b'), addsContacts('d'))
    const vcard = new Load(await login(port, 'romeo', 'c'), setsVcard)
    const stored = new Load(await login(port, 'romeo', 'd'), setsPrivate)
    const blocked = new Load(await login(port, 'romeo', 'e'), blocks)
    const messages = new Load(await login(port, 'romeo', 'f'), writesTo('nurse@localhost'))
    const all = [contacts, moreContacts, vcard, stored, blocked, messages]
    await Promise.all(all.map((load) => load.next()))
    await pause(LOAD_MS)
    await end(server, 'SIGKILL')
    await Promise.all(all.map((load) => load.stop()))
    for (const load of all) assert.deepEqual(load.refusals.map(String), [])

    server = await serve(folder)
    const romeo = await login(port, 'romeo', 'witness')
    nothingIsMissing(contacts.acknowledged, await contactsOf(romeo, 'c'))
    nothingIsMissing(moreContacts.acknowledged, await contactsOf(romeo, 'd'))
    nothingIsMissing(blocked.acknowledged, await blockedBy(romeo))
    // The change that was under way may have been made.
    for (const [load, now] of [
      [vcard, await vcardOf(romeo)],
      [stored, await privateOf(romeo)],
    ] as const)
      assert.ok([0, 1].includes(now - load.acknowledged.at(-1)!), `${now} after ${load.acknowledged.at(-1)}`)
    const received = await messagesOf(await login(port, 'nurse', 'chamber'))
    nothingIsMissing(messages.acknowledged, received)
    // Nobody had heard them before: each comes once, in the order it was written.
    assert.deepEqual(
      received,
      received.map((_, n) => n),
    )
    assert.equal(await end(server, 'SIGTERM'), 0)
  })
