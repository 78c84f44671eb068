import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { ensureCertificate } from '../../../src/net/certificate.ts'
import { Client } from '../../support/client.ts'
import { connectTls } from '../../support/transport.ts'

const bin = fileURLToPath(new URL('../../../bin/stonechat.js', import.meta.url))
const running = new Set<ChildProcess>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
})

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command line to its end. */
async function stonechat(args: readonly string[], input = ''): Promise<Result> {
  const child = spawn(process.execPath, [bin, ...args])
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
  })
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A configuration folder of its own, with ports that are free. */
async function folder(yaml = ''): Promise<{ config: string; client: number; clientTls: number }> {
  const config = await mkdtemp(join(tmpdir(), 'stonechat-cli-'))
  const [client, clientTls] = [await freePort(), await freePort()]
  const listen = `listen: { client: { address: 127.0.0.1, port: ${client} }, clientTls: { address: 127.0.0.1, port: ${clientTls} } }`
  await writeFile(join(config, 'server.yaml'), `hosts: [localhost]\n${listen}\n${yaml}`)
  return { config, client, clientTls }
}

/** Starts a server and waits until it says that it serves. */
async function serve(
  config: string,
): Promise<{ child: ChildProcess; said: () => string; stop: (signal?: NodeJS.Signals) => Promise<number | null> }> {
  const child = spawn(process.execPath, [bin, 'serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      said += String(chunk)
      if (said.includes('Ctrl-C')) resolve()
    })
    child.stderr!.on('data', (chunk) => {
      said += String(chunk)
    })
    child.once('close', () => reject(new Error(`it did not start:\n${said}`)))
  })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    const [code] = (await once(child, 'close')) as [number | null]
    running.delete(child)
    return code
  }
  return { child, said: () => said, stop }
}

test('a fresh folder becomes a server that says where everything is, and stops in order', async () => {
  const { config, client, clientTls } = await folder()
  const server = await serve(config)
  for (const word of ['localhost', String(client), String(clientTls), join(config, 'data'), config, 'user add'])
    assert.ok(server.said().includes(word), word)
  assert.deepEqual((await readdir(join(config, 'certs'))).sort(), ['self-signed.crt', 'self-signed.key'])
  assert.equal((await stat(join(config, 'certs/self-signed.key'))).mode & 0o777, 0o600)
  assert.equal((await stat(join(config, 'data/stonechat.sqlite'))).mode & 0o777, 0o600)
  assert.equal((await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')).code, 0)
  const romeo = new Client(await connectTls(clientTls, 'localhost'))
  await romeo.logsIn('romeo', 'localhost', 'pencil')
  const stopped = server.stop()
  await romeo.receivesStreamError('system-shutdown')
  assert.equal(await stopped, 0)

  const certificate = await readFile(join(config, 'certs/self-signed.crt'), 'utf8')
  const again = await serve(config)
  assert.equal(
    await readFile(join(config, 'certs/self-signed.crt'), 'utf8'),
    certificate,
    'a second start reuses the certificate',
  )
  assert.match((await stonechat(['user', 'list', '--config', config])).out, /^romeo@localhost$/m)
  assert.equal(await again.stop('SIGINT'), 0)
})

test('accounts are looked after while the server runs and while it does not', async () => {
  const { config, clientTls } = await folder()
  const user = (args: string[], input?: string) => stonechat(['user', ...args, '--config', config], input)
  assert.deepEqual(await user(['add', 'romeo@localhost'], 'pencil\n'), {
    code: 0,
    out: 'Added romeo@localhost.\n',
    err: '',
  })
  assert.match((await user(['add', 'ROMEO@localhost'], 'x\n')).err, /romeo/)
  const server = await serve(config)
  await user(['add', 'juliet@localhost'], 'nightingale\n')
  assert.equal((await user(['list'])).out, 'juliet@localhost\nromeo@localhost\n')
  const romeo = new Client(await connectTls(clientTls, 'localhost'))
  await romeo.logsIn('romeo', 'localhost', 'pencil', 'orchard')
  assert.match((await user(['show', 'romeo@localhost'])).out, /SHA-512, SHA-256, SHA-1[\s\S]*orchard from 127\.0\.0\.1/)
  assert.equal((await user(['password', 'romeo@localhost'], 'quill\n')).code, 0)
  await romeo.receivesStreamError('not-authorized')
  assert.equal((await user(['delete', 'romeo@localhost'])).code, 0)
  const gone = await user(['show', 'romeo@localhost'])
  assert.deepEqual([gone.code, gone.err], [1, 'stonechat: There is no account romeo@localhost.\n'])
  await server.stop()
  assert.equal((await user(['delete', 'juliet@localhost'])).code, 0)
  assert.equal((await user(['list'])).out, '')
})

test('a password never comes from the arguments', async () => {
  const { config } = await folder()
  assert.equal((await stonechat(['user', 'add', 'romeo@localhost', 'pencil', '--config', config])).code, 64)
  assert.equal((await stonechat(['user', 'list', '--config', config])).out, '')
})

test('an address that cannot be an account is refused with the reason', async () => {
  const { config } = await folder()
  for (const [address, reason] of [
    ['romeo@elsewhere', /not a domain of this server/],
    ['romeo@localhost/x', /resource/],
    ['a b@localhost', /not an address/],
  ] as const) {
    const { code, err } = await stonechat(['user', 'add', address, '--config', config], 'pencil\n')
    assert.equal(code, 1)
    assert.match(err, reason)
  }
  assert.equal((await stonechat(['user', 'add', 'romeo@localhost', '--config', config], '')).code, 1)
})

test('every problem of the configuration is told at once, with file, line and cure, and nothing starts', async () => {
  const { config } = await folder('requireTls: perhaps\ndatabsePool: 3\n')
  await mkdir(join(config, 'modules'))
  await writeFile(join(config, 'modules/ping.yaml'), 'enabled: maybe\n')
  await writeFile(join(config, 'modules/pong.yaml'), 'enabled: true\n')
  for (const command of ['serve', 'check']) {
    const { code, out, err } = await stonechat([command, '--config', config])
    assert.equal(code, 78)
    assert.equal(out, '')
    for (const problem of [
      /server\.yaml:3:\d+: .*requireTls/,
      /server\.yaml:4:\d+: .*databsePool/,
      /databasePool/,
      /ping\.yaml:1:\d+: .*enabled/,
      /pong\.yaml: .*no module pong/,
      /\^/,
      /What to do/,
    ])
      assert.match(err, problem)
  }
  await assert.rejects(stat(join(config, 'data')))
})

test('a folder without server.yaml that was asked for is a problem', async () => {
  const { code, err } = await stonechat(['check', '--config', await mkdtemp(join(tmpdir(), 'stonechat-cli-'))])
  assert.equal(code, 78)
  assert.match(err, /server\.yaml/)
})

test('a module that needs one that is off is a problem', async () => {
  const { config } = await folder()
  await mkdir(join(config, 'modules'))
  await writeFile(join(config, 'modules/roster.yaml'), 'enabled: false\n')
  const { code, err } = await stonechat(['check', '--config', config])
  assert.equal(code, 78)
  assert.match(err, /module presence needs module roster/)
})

test('wrong use exits with 64 and help with 0', async () => {
  for (const args of [['--nonsense'], ['nonsense'], ['user'], ['user', 'add'], ['config', 'show']])
    assert.equal((await stonechat(args)).code, 64, args.join(' '))
  for (const args of [
    ['--help'],
    ['serve', '--help'],
    ['user', '--help'],
    ['user', 'add', '--help'],
    ['config', 'show', '--help'],
    ['pipeline', '--help'],
    ['migrate', '--help'],
    ['check', '--help'],
  ]) {
    const { code, out } = await stonechat(args)
    assert.equal(code, 0, args.join(' '))
    assert.match(out, /Usage: stonechat/)
  }
})

test('config show tells where each value comes from', async () => {
  const { config } = await folder()
  await mkdir(join(config, 'modules'))
  await writeFile(join(config, 'modules/roster.yaml'), '# ours\nmaxItems: 7\n')
  const { out } = await stonechat(['config', 'show', 'roster', '--config', config])
  assert.match(out, /maxItems: 7 {2}# .*roster\.yaml:2/)
  assert.match(out, /enabled: true {2}# default/)
  assert.match((await stonechat(['config', 'show', 'rooster', '--config', config])).err, /roster/)
})

test('migrate brings the schema up and may be run again', async () => {
  const { config } = await folder()
  assert.match((await stonechat(['migrate', '--config', config])).out, /accounts\/0001-initial/)
  assert.equal((await stonechat(['migrate', '--config', config])).out, 'The schema is up to date.\n')
})

test('a port that is taken is told with the cure', async () => {
  const { config, client } = await folder()
  const taken = net.createServer().listen(client, '127.0.0.1')
  await once(taken, 'listening')
  const { code, err } = await stonechat(['serve', '--config', config])
  assert.equal(code, 1)
  assert.match(err, new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${client}: another program uses it`))
  taken.close()
})

test('two servers do not share a data folder', async () => {
  const { config } = await folder()
  const server = await serve(config)
  const { code, err } = await stonechat(['serve', '--config', config])
  assert.equal(code, 1)
  assert.match(err, /running on the data/)
  await server.stop()
})

test('certificates are read again at SIGHUP and when their files change', async () => {
  const { config, clientTls } = await folder('tls: { certificate: a.crt, key: a.key }\nlimits: { connectionsPerAddress: off }\n')
  const install = async (to: string) => {
    const files = await ensureCertificate(await mkdtemp(join(tmpdir(), 'stonechat-cert-')), ['localhost'])
    for (const [from, name] of [
      [files.key, 'a.key'],
      [files.certificate, 'a.crt'],
    ] as const)
      await rename(from, join(to, name))
    return new X509Certificate(await readFile(join(to, 'a.crt'))).fingerprint256
  }
  const served = async () => {
    const socket = tls.connect({
      port: clientTls,
      host: '127.0.0.1',
      servername: 'localhost',
      rejectUnauthorized: false,
    })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const first = await install(config)
  const server = await serve(config)
  assert.equal(await served(), first)
  const second = await install(config)
  server.child.kill('SIGHUP')
  for (let tries = 0; (await served()) !== second; tries++) assert.ok(tries < 1000)
  const third = await install(config)
  for (let tries = 0; (await served()) !== third; tries++) assert.ok(tries < 1000)
  await server.stop()
})
