import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, readFile, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import tls from 'node:tls'
import { ensureCertificate } from '../../../src/net/certificate.ts'
import { askRunningServer } from '../../../src/net/control-socket.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { Client } from '../../support/client.ts'
import { silentLog } from '../../support/databases.ts'
import { connectTls } from '../../support/transport.ts'
import { bin, folder, serve, stonechat, temporary } from './program.ts'

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
  const both = await user(['disable', 'romeo@localhost', 'juliet@localhost'])
  assert.equal(both.out, 'Disabled romeo@localhost.\nDisabled juliet@localhost.\n')
  assert.equal((await user(['erase', 'romeo@localhost'])).code, 0)
  const gone = await user(['show', 'romeo@localhost'])
  assert.deepEqual([gone.code, gone.err], [1, 'stonechat: There is no account romeo@localhost.\n'])
  await server.stop()
  assert.equal((await user(['erase', 'juliet@localhost'])).code, 0)
  assert.equal((await user(['list'])).out, '')
})

test('archives are looked after while the server runs and while it does not', async () => {
  const { config, clientTls } = await folder()
  const archive = (...args: string[]) => stonechat(['archive', ...args, '--config', config])
  await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')
  const server = await serve(config)
  const romeo = new Client(await connectTls(clientTls, 'localhost'))
  await romeo.logsIn('romeo', 'localhost', 'pencil', 'orchard')
  await romeo.sends`<message to='romeo@localhost' type='chat'><body>note</body></message>`
  await romeo.receivesNothing()
  const [running, stopped] = [join(config, 'running.xml'), join(config, 'stopped.xml')]
  assert.equal((await archive('export', 'romeo@localhost', running)).out, `Wrote 1 messages to ${running}.\n`)
  await server.stop()
  assert.equal((await archive('export', 'romeo@localhost', stopped)).out, `Wrote 1 messages to ${stopped}.\n`)
  assert.match(await readFile(stopped, 'utf8'), /<body>note<\/body>/)
  assert.equal(await readFile(stopped, 'utf8'), await readFile(running, 'utf8'))
  const kept = 'Messages of romeo@localhost are kept: 90d.\n'
  assert.equal((await archive('retention', 'romeo@localhost', '90d')).out, kept)
  assert.equal((await archive('retention', 'romeo@localhost')).out, kept)
  assert.equal(
    (await archive('erase', 'romeo@localhost')).out,
    'Removed 1 messages from the archive of romeo@localhost.\n',
  )
  assert.match((await archive('show', 'romeo@localhost')).out, /^0 messages/)
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

test('wrong use exits with 64 and help with 0', async () => {
  const wrong = [
    ['--nonsense'],
    ['nonsense'],
    ['user'],
    ['user', 'add'],
    ['config', 'show'],
    ['serve', 'x'],
    ['--config'],
  ]
  for (const { code } of await Promise.all(wrong.map((args) => stonechat(args)))) assert.equal(code, 64)
  assert.match((await stonechat(['nonsense'])).err, /no command 'nonsense'/)
  const commands = ['', 'serve', 'check', 'migrate', 'pipeline', 'config', 'config show', 'user']
  for (const name of ['add', 'password', 'delete', 'list', 'show']) commands.push(`user ${name}`)
  const helped = await Promise.all(commands.map((command) => stonechat(`${command} --help`.trim().split(' '))))
  for (const { code, out } of helped) {
    assert.equal(code, 0)
    assert.match(out, /Usage: stonechat/)
  }
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

test('two servers do not share a data folder, not even when they start together', async () => {
  const [one, two] = [await folder(), await folder()]
  await symlink(join(one.config, 'data'), join(two.config, 'data'))
  await mkdir(join(one.config, 'data'))
  const tries = await Promise.allSettled([serve(one.config), serve(two.config)])
  const [server] = tries.flatMap((tried) => (tried.status === 'fulfilled' ? [tried.value] : []))
  const refused = tries.flatMap((tried) => (tried.status === 'rejected' ? [String(tried.reason)] : []))
  assert.match(refused.join(), /running on the data/)
  const { code, err } = await stonechat(['serve', '--config', one.config])
  assert.equal(code, 1)
  assert.match(err, /running on the data/)
  server?.child.kill('SIGKILL')
  await once(server!.child, 'close')
  await (await serve(one.config)).stop()
})

test('a signal that comes several times, as from npm and a supervisor, still stops the server in order', async () => {
  const { config } = await folder()
  const server = await serve(config)
  server.child.kill('SIGTERM')
  server.child.kill('SIGINT')
  assert.equal(await server.stop(), 0)
  assert.match(server.said(), /Stopping/)
})

test('a server outlives whoever read its output, and a full disk under its log', async () => {
  for (const log of ['', 'log: { file: /dev/full }\n']) {
    const { config, clientTls } = await folder(log)
    await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')
    const server = await serve(config)
    server.child.stdout!.destroy()
    server.child.stderr!.destroy()
    for (let i = 0; i < 2; i++) {
      const romeo = new Client(await connectTls(clientTls, 'localhost'))
      await romeo.logsIn('romeo', 'localhost', 'pencil')
    }
    assert.equal(await server.stop(), 0)
  }
})

test('a password typed at a terminal is asked for twice and not shown', async () => {
  const { config, clientTls } = await folder()
  const type = async (...lines: string[]) => {
    const command = `'${process.execPath}' '${bin}' user add romeo@localhost --config '${config}'`
    const terminal = spawn('script', ['-qec', command, '/dev/null'])
    let shown = ''
    terminal.stdout.on('data', (chunk) => {
      shown += String(chunk)
      if (/(?:Password|Again): $/.test(shown)) terminal.stdin.write(`${lines.shift()}\r`)
    })
    const [code] = (await once(terminal, 'close')) as [number]
    return { code, shown }
  }
  const wrong = await type('pencil', 'pensil')
  assert.equal(wrong.code, 1)
  assert.match(wrong.shown, /not the same/)
  const { code, shown } = await type('pencil', 'pencil')
  assert.equal(code, 0)
  assert.equal(shown, 'Password: \r\nAgain: \r\nAdded romeo@localhost.\r\n')
  const server = await serve(config)
  const romeo = new Client(await connectTls(clientTls, 'localhost'))
  await romeo.logsIn('romeo', 'localhost', 'pencil')
  await server.stop()
})

/** A certificate of its own in a folder of its own. */
async function certificate(host: string): Promise<{ crt: string; key: string; fingerprint: string }> {
  const files = await ensureCertificate(await temporary(), [host])
  const fingerprint = new X509Certificate(await readFile(files.certificate)).fingerprint256
  return { crt: files.certificate, key: files.key, fingerprint }
}

/** The fingerprint of the certificate that is served for a name over direct TLS. */
async function servedFor(port: number, servername: string): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

test('each domain is served its own certificate // RFC 6120 §13.7.2, SNI', async () => {
  const [own, other] = [await certificate('localhost'), await certificate('capulet.example')]
  const { config, clientTls } = await folder(`tls:
  certificate: ${own.crt}
  key: ${own.key}
  hosts: { capulet.example: { certificate: ${other.crt}, key: ${other.key} } }
`)
  await writeFile(
    join(config, 'server.yaml'),
    (await readFile(join(config, 'server.yaml'), 'utf8')).replace('[localhost]', '[localhost, capulet.example]'),
  )
  const server = await serve(config)
  assert.equal(await servedFor(clientTls, 'localhost'), own.fingerprint)
  assert.equal(await servedFor(clientTls, 'capulet.example'), other.fingerprint)
  await server.stop()
})

test('certificates are read again at SIGHUP and when their files change', async () => {
  const { config, clientTls } = await folder(
    'tls: { certificate: a.crt, key: a.key }\nlimits: { connectionsPerAddress: off }\n',
  )
  const [first, second, third] = [
    await certificate('localhost'),
    await certificate('localhost'),
    await certificate('localhost'),
  ]
  // What the links lead to changes in folders that nobody watches.
  const hidden = await temporary()
  const install = async (from: typeof first, to: string) => {
    await copyFile(from.key, join(to, 'a.key'))
    await copyFile(from.crt, join(to, 'a.crt'))
  }
  await install(first, hidden)
  for (const name of ['a.key', 'a.crt']) await symlink(join(hidden, name), join(config, name))
  const server = await serve(config)
  assert.equal(await servedFor(clientTls, 'localhost'), first.fingerprint)
  await install(second, hidden)
  assert.equal(await servedFor(clientTls, 'localhost'), first.fingerprint)
  server.child.kill('SIGHUP')
  for (let tries = 0; (await servedFor(clientTls, 'localhost')) !== second.fingerprint; tries++) assert.ok(tries < 1000)
  for (const name of ['a.key', 'a.crt']) await unlink(join(config, name))
  await install(third, config)
  for (let tries = 0; (await servedFor(clientTls, 'localhost')) !== third.fingerprint; tries++) assert.ok(tries < 1000)
  await server.stop()
})

test('a listener whose port is 0 is off', async () => {
  const { config, client, clientTls } = await folder()
  const yaml = await readFile(join(config, 'server.yaml'), 'utf8')
  await writeFile(join(config, 'server.yaml'), yaml.replace(`port: ${clientTls}`, 'port: 0'))
  const server = await serve(config)
  assert.match(server.said(), new RegExp(`port ${client} `))
  assert.doesNotMatch(server.said(), /TLS from the start/)
  await server.stop()
})

test('pipeline prints the order in which modules see stanzas', async () => {
  const { config } = await folder()
  const { code, out } = await stonechat(['pipeline', '--config', config])
  assert.equal(code, 0)
  assert.match(out, /^host localhost\nmessage\.leaving\n[\s\S]*deliver +offline/)
})

test('a database that is newer than the program is refused', async () => {
  const { config } = await folder()
  assert.equal((await stonechat(['migrate', '--config', config])).code, 0)
  const url = `sqlite:${join(config, 'data/stonechat.sqlite')}`
  const db = await openDatabase({ url, dataDir: config, pool: 1, log: silentLog })
  await db.knex('schema_migrations').insert({ name: 'roster/9999-from-the-future', applied_ms: 1 })
  await db.close()
  for (const args of [['serve'], ['migrate'], ['user', 'list']]) {
    const { code, err } = await stonechat([...args, '--config', config])
    assert.equal(code, 1, args.join(' '))
    assert.match(err, /newer/)
  }
})

test('rooms are looked after while the server runs and while it does not, and whoever is in one sees it', async () => {
  const { config, clientTls } = await folder()
  const room = (...args: string[]) => stonechat(['room', ...args, '--config', config])
  const address = 'verona@conference.localhost'
  await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')
  assert.equal(
    (await room('create', address, 'juliet@localhost')).out,
    `Created ${address}, owned by juliet@localhost.\n`,
  )
  assert.match((await room('create', address, 'juliet@localhost')).err, /is there already/)
  const server = await serve(config)
  for (const domain of ['localhost', 'conference.localhost'])
    assert.equal((await room('list', domain)).out, `${address}\n`)
  const romeo = new Client(await connectTls(clientTls, 'localhost'))
  await romeo.logsIn('romeo', 'localhost', 'pencil', 'orchard')
  await romeo.sends`<presence to='${address}/Romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
  await romeo.receives`<presence from='${address}/Romeo'/>`
  await romeo.receives`<message from='${address}'><subject/></message>`
  assert.match(
    (await room('show', address)).out,
    /owners: 1;[\s\S]*in it: 1\n {2}Romeo: romeo@localhost, participant, none/,
  )

  assert.equal((await room('affiliate', address, 'romeo@localhost', 'admin')).code, 0)
  const raised = await romeo.receives`<presence from='${address}/Romeo'/>`
  assert.equal(raised.getChild('x')!.getChild('item')!.attrs['affiliation'], 'admin')
  assert.match((await room('affiliate', address, 'juliet@localhost', 'none')).err, /must have an owner/)
  assert.match((await room('affiliate', address, '@', 'none')).err, /is not an address/)
  assert.match((await room('affiliate', address, 'localhost', 'owner')).err, /is no account/)
  assert.equal((await room('affiliations', address)).out, 'owner juliet@localhost\nadmin romeo@localhost\n')
  assert.equal((await room('affiliations', address, 'member')).out, '')

  // What users write does nothing to the terminal of an admin, and makes up no lines.
  const configured = await room('configure', address, 'roomname', 'A\nDark\u009bCave')
  assert.equal(configured.out, 'roomname: A Dark Cave\n')
  await romeo.receives`<message from='${address}' type='groupchat'/>`
  assert.match((await room('configure', address)).out, /^roomname: A Dark Cave$[\s\S]*^persistentroom: 1$/m)
  assert.match((await room('configure', address, 'whois', 'somebody')).err, /whois is one of/)
  assert.match((await room('configure', address, 'throne', '1')).err, /no field throne; there are: roomname/)

  assert.equal((await room('destroy', address, 'Over')).out, `Destroyed ${address}.\n`)
  const gone = await romeo.receives`<presence type='unavailable' from='${address}/Romeo'/>`
  assert.equal(gone.getChild('x')!.getChild('destroy')!.getChildText('reason'), 'Over')
  assert.match((await room('show', address)).err, /There is no room/)
  assert.match((await room('show', 'conference.localhost')).err, /is not a room: name one as room@/)
  assert.match((await room('show', 'romeo@localhost')).err, /localhost is not a domain with this command/)

  await romeo.sends`<presence to='${address}/Romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
  await romeo.receives`<presence from='${address}/Romeo'/>`
  await romeo.receives`<message from='${address}'><subject/></message>`
  const stopped = server.stop()
  // XEP-0045 §11.2
  const closed = await romeo.receives`<presence type='unavailable' from='${address}/Romeo'/>`
  const codes = closed.getChild('x')!.getChildren('status')
  assert.deepEqual(
    codes.map(({ attrs }) => attrs['code']),
    ['110', '332'],
  )
  await stopped
  assert.equal((await room('list', 'localhost')).out, '')
})

test('a restart reads the configuration anew, unless that is wrong; a shutdown ends the program', async () => {
  const { config, clientTls } = await folder()
  const command = (...args: string[]) => stonechat([...args, '--config', config])
  await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')
  const server = await serve(config)
  const exited = once(server.child, 'exit')
  const login = async () => {
    const romeo = new Client(await connectTls(clientTls, 'localhost'))
    await romeo.logsIn('romeo', 'localhost', 'pencil', 'orchard')
    return romeo
  }
  const romeo = await login()
  const file = join(config, 'server.yaml')
  const right = await readFile(file, 'utf8')
  await writeFile(file, `${right}\nnonsense: 1\n`)
  const refused = await askRunningServer(join(config, 'data'), 'server restart', [])
  assert.match(refused!.error!, /^The server goes on, [\s\S]*there is no option nonsense/)
  await romeo.receivesNothing()
  await writeFile(file, right.replace('[localhost]', '[localhost, verona.example]'))
  assert.equal((await command('server', 'restart')).out, 'The server restarts now.\n')
  await romeo.receivesStreamError('system-shutdown')
  while (!server.said().includes('serves localhost, verona.example')) await once(server.child.stdout!, 'data')
  const again = await login()
  assert.equal((await command('server', 'shutdown')).out, 'The server shuts down now.\n')
  await again.receivesStreamError('system-shutdown')
  assert.deepEqual((await exited)[0], 0)
})
