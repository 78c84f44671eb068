import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { askRunningServer } from '../src/net/control-socket.ts'
import { freePort } from '../test/support/free-port.ts'
import { countOurRows, fillOurArchive, type OurArchive } from './our-archive.ts'
import { liveKiB } from './our-heap.ts'
import { fillOurRosters } from './our-roster.ts'
import {
  type DatabaseAccess,
  domain,
  type Features,
  type Launch,
  password,
  type ServerKind,
  type Surroundings,
} from './server-kind.ts'

/** The modules that do what a feature names, and are off where it is not wanted; publishing is on wherever it is there. */
const modulesOf: Readonly<Record<Exclude<keyof Features, 'passwordHash' | 'pep' | 'rosters'>, readonly string[]>> = {
  archive: ['archive'],
  streamManagement: ['stream-management'],
  carbons: ['carbons'],
  rooms: ['muc', 'muc-archive'],
  uploads: ['upload'],
  webSocket: ['websocket'],
}

/** What modules need for more than people do. */
const optionsOf: Readonly<Record<string, string>> = {
  muc: 'limits: { rooms: off, entered: off, entries: off, messages: off, presences: off, nicks: off }\n',
  upload: 'limits: { fileSize: off, quota: off }\n',
}

/** Stonechat as it stands in this checkout. */
export const stonechat: ServerKind = {
  name: 'stonechat',
  ownStorage: 'SQLite',
  version: () => (JSON.parse(readFileSync(inProject('package.json'), 'utf8')) as { version: string }).version,
  lacks: (features) => {
    const missing = optional(features).find(({ wanted, module }) => wanted && !isThere(module))
    const name = missing?.module ?? (features.pep === true && !isThere('pep') ? 'pep' : undefined)
    return name && `the module ${name}`
  },
  prepare: async (where) => {
    const { folder, accounts, database } = where
    const url = database === undefined ? 'sqlite' : mysqlUrl(database)
    configure(where, url)
    const data = join(folder, 'data')
    const inspectPort = await freePort()
    const profile = process.env['BENCH_NODE_FLAGS']?.split(' ') ?? []
    return {
      command: process.execPath,
      args: [
        `--inspect-port=127.0.0.1:${inspectPort}`,
        ...profile,
        inProject('bin/stonechat.js'),
        'serve',
        '--config',
        folder,
      ],
      started: async () => {
        await addAccounts(data, accounts)
        if (where.features.rosters !== undefined) await fillOurRosters({ url, dataDir: data }, where.features.rosters)
      },
      liveKiB: (pid) => liveKiB(pid, inspectPort),
      ...(where.features.archive ? archiveOf({ url, dataDir: data }) : {}),
    }
  },
}

function archiveOf(where: OurArchive): Partial<Launch> {
  return {
    archivedRows: () => countOurRows(where),
    fillArchive: (range) => fillOurArchive(where, range),
  }
}

function configure({ folder, plainPort, tlsPort, webPort, webTlsPort, features }: Surroundings, url: string): void {
  writeFileSync(
    join(folder, 'server.yaml'),
    `hosts: [${domain}]
data: ./data
database: ${url}
requireTls: false
listen:
  client: { address: 127.0.0.1, port: ${plainPort} }
  clientTls: { address: 127.0.0.1, port: ${tlsPort} }
  http: { port: ${webPort} }
  https: { address: 127.0.0.1, port: ${features.webSocket ? webTlsPort : 0} }
log: { level: warn }
auth: { scramIterations: 4096 }
limits: { connections: off, connectionsPerAddress: off, sessionsPerAccount: off }
`,
  )
  mkdirSync(join(folder, 'modules'))
  for (const { wanted, module } of optional(features))
    if (isThere(module))
      writeFileSync(
        join(folder, 'modules', `${module}.yaml`),
        `enabled: ${wanted}\n${wanted ? (optionsOf[module] ?? '') : ''}`,
      )
}

function optional(features: Features): { wanted: boolean; module: string }[] {
  return (Object.keys(modulesOf) as (keyof typeof modulesOf)[]).flatMap((name) =>
    modulesOf[name].map((module) => ({ wanted: features[name] === true, module })),
  )
}

function isThere(module: string): boolean {
  return existsSync(inProject(`modules/${module}/index.ts`))
}

function inProject(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url))
}

function mysqlUrl({ host, port, user, password: secret, name }: DatabaseAccess): string {
  return `mysql://${user}:${secret}@${host}:${port}/${name}`
}

async function addAccounts(dataFolder: string, accounts: number): Promise<void> {
  for (let i = 0; i < accounts; i++) {
    const reply = await withPatience(() => askRunningServer(dataFolder, 'user add', [`user${i}@${domain}`, password]))
    if (reply.error !== undefined) throw new Error(`no account: ${reply.error}`)
  }
}

/** The control socket opens a little after the ports. */
async function withPatience<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const reply = await ask()
    if (reply !== undefined) return reply
    await sleep(100)
  }
  throw new Error('the server does not answer on its control socket')
}
