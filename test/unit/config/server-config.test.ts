import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadServerConfig } from '../../../src/config/server-config.ts'
import { mechanisms } from '../../../src/config/server-options.ts'

const root = mkdtempSync(join(tmpdir(), 'server-config-'))
after(() => rmSync(root, { recursive: true }))

let folders = 0
/** A new configuration folder with these files in it. */
function folder(files: Readonly<Record<string, string>>): string {
  const dir = join(root, String(folders++))
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

function messages(yaml: string, files: Readonly<Record<string, string>> = {}): string[] {
  return loadServerConfig(folder({ 'server.yaml': yaml, ...files })).problems.map(
    (p) => `${p.line}:${p.column} ${p.message}`,
  )
}

test('without a folder everything has its default', () => {
  const { config, problems } = loadServerConfig(null, { base: '/srv/chat' })
  assert.deepEqual(problems, [])
  assert.deepEqual(config, {
    hosts: ['localhost'],
    data: '/srv/chat/data',
    database: { client: 'sqlite', file: '/srv/chat/data/stonechat.sqlite' },
    databasePool: 10,
    admins: [],
    tls: { certificate: undefined, key: undefined, keyExchange: ['X25519', 'P-256', 'P-384'], hosts: {} },
    requireTls: true,
    listen: {
      client: { address: '::', port: 5222 },
      clientTls: { address: '::', port: 5223 },
      http: { address: '127.0.0.1', port: 5280 },
      https: { address: '::', port: 5443 },
      component: { address: '127.0.0.1', port: 0 },
    },
    http: { url: undefined },
    proxies: [],
    components: {},
    log: { level: 'info', file: undefined },
    limits: {
      preAuth: { bytes: 8192, elements: 32, time: 30_000 },
      stanza: { bytes: 262_144, depth: 128, elements: 10_000, attributes: 256 },
      sessionsPerAccount: 10,
      connections: 10_000,
      connectionsPerAddress: 100,
      outbound: { pause: 1_048_576, drop: 8_388_608, time: 60_000 },
      http: { header: 16_384, headerTime: 15_000, idle: 120_000 },
      inboundPending: 100,
      keepalive: 300_000,
      closeTimeout: 5000,
      stopTimeout: 30_000,
    },
    resourceConflict: 'kick',
    deletionGrace: 604_800_000,
    auth: {
      mechanisms: [...mechanisms],
      scramDowngradeProtection: true,
      scramIterations: 10_000,
      guesses: { perConnection: 5, perAddress: 50, perAccount: 10, window: 600_000, delay: 500 },
    },
  })
})

test('a folder without server.yaml is a mistake, unless it may be missing', () => {
  const dir = folder({})
  assert.deepEqual(
    loadServerConfig(dir).problems.map((p) => [p.file, p.line, p.message]),
    [[join(dir, 'server.yaml'), 0, 'the file does not exist']],
  )
  const { config, problems } = loadServerConfig(dir, { mayBeMissing: true })
  assert.deepEqual(problems, [])
  assert.equal(config.data, join(dir, 'data'))
})

test('a server.yaml with everything in it', () => {
  const dir = folder({
    'server.yaml': `
hosts: [Example.org, chat.example.org]
data: ./store
database: { env: DB }
databasePool: 3
admins: [Admin@example.org]
tls:
  certificate: a.crt
  key: a.key
  keyExchange: [X25519MLKEM768, X25519]
  hosts:
    Chat.example.org: { certificate: a.crt, key: a.key }
requireTls: false
listen:
  client: { port: 0 }
  clientTls: { address: 127.0.0.1, port: 15223 }
http: { url: 'https://chat.{host}' }
proxies: [::1, 10.0.0.0/8]
log: { level: debug, file: chat.log }
limits: { sessionsPerAccount: off, stanza: { bytes: 1MiB } }
`,
    'a.crt': '',
    'a.key': '',
  })
  const { config, problems, origins } = loadServerConfig(dir, { env: { DB: 'mysql://u:p@127.0.0.1:3306/stonechat' } })
  assert.deepEqual(problems, [])
  assert.deepEqual(config.hosts, ['example.org', 'chat.example.org'])
  assert.equal(config.data, join(dir, 'store'))
  assert.deepEqual(config.database, { client: 'mysql', url: 'mysql://u:p@127.0.0.1:3306/stonechat' })
  assert.deepEqual(config.admins.map(String), ['admin@example.org'])
  const pair = { certificate: join(dir, 'a.crt'), key: join(dir, 'a.key') }
  assert.deepEqual(config.tls, {
    ...pair,
    keyExchange: ['X25519MLKEM768', 'X25519'],
    hosts: { 'chat.example.org': pair },
  })
  assert.deepEqual(config.listen, {
    client: { address: '::', port: 0 },
    clientTls: { address: '127.0.0.1', port: 15223 },
    http: { address: '127.0.0.1', port: 5280 },
    https: { address: '::', port: 5443 },
    component: { address: '127.0.0.1', port: 0 },
  })
  assert.deepEqual(config.http, { url: 'https://chat.{host}' })
  assert.deepEqual(config.proxies, ['::1', '10.0.0.0/8'])
  assert.deepEqual(config.log, { level: 'debug', file: join(dir, 'chat.log') })
  assert.equal(config.limits.sessionsPerAccount, 0)
  assert.deepEqual(config.limits.stanza, { bytes: 1_048_576, depth: 128, elements: 10_000, attributes: 256 })
  assert.deepEqual(origins.get('databasePool'), { file: join(dir, 'server.yaml'), line: 5, column: 15 })
  assert.equal(origins.get('limits.stanza.depth'), 'default')
})

test('a database is a SQLite file or a MySQL address', () => {
  const table: [string, unknown][] = [
    ['sqlite', { client: 'sqlite', file: 'DIR/data/stonechat.sqlite' }],
    ['sqlite:own.db', { client: 'sqlite', file: 'DIR/own.db' }],
    ['sqlite:/var/own.db', { client: 'sqlite', file: '/var/own.db' }],
    ['"sqlite::memory:"', { client: 'sqlite', file: ':memory:' }],
    ['mysql://u:p@h/n', { client: 'mysql', url: 'mysql://u:p@h/n' }],
    ['postgres://u:p@h/n', undefined],
    ['mysql://u:p@h', undefined],
  ]
  for (const [text, expected] of table) {
    const dir = folder({ 'server.yaml': `database: ${text}` })
    const { config, problems } = loadServerConfig(dir)
    assert.equal(problems.length, expected === undefined ? 1 : 0, text)
    const database = JSON.parse(JSON.stringify(config.database).replace(dir, 'DIR'))
    if (expected !== undefined) assert.deepEqual(database, expected)
  }
})

test('hosts and admins that do not prepare are told at their place', () => {
  const found = messages('hosts: [example.org, "a b"]\nadmins: [example.org, x@example.org/y]')
  assert.deepEqual(
    found.map((m) => m.replace(/: .*/, '')),
    [
      '1:22 hosts[1] cannot be "a b"',
      '2:10 admins[0] cannot be "example.org"',
      '2:23 admins[1] cannot be "x@example.org/y"',
    ],
  )
  assert.deepEqual(messages('hosts: [example.org, EXAMPLE.org]'), ['1:22 hosts has example.org twice'])
  assert.deepEqual(messages('hosts: []'), ['1:8 hosts cannot be an empty list'])
})

test('a host that is none leaves the others known, and files for them are not stray', () => {
  const load = (yaml: string) => loadServerConfig(folder({ 'server.yaml': yaml }))
  const { config, hostsKnown } = load('hosts: [example.org, "a b", example.net]')
  assert.deepEqual(config.hosts, ['example.org', 'example.net'])
  assert.equal(hostsKnown, false)
  assert.equal(load('hosts: example.org').hostsKnown, false)
  assert.equal(load('hosts: [example.org').hostsKnown, false)
  assert.equal(load('hosts: [example.org]\nadmins: 5').hostsKnown, true)
})

test('the address of a MySQL database that cannot be used is refused, and not shown', () => {
  for (const url of [
    'mysql://u:geheim@h:port/x',
    'mysql://u:geheim@h:99999/x',
    'mysql://u:geh%@127.0.0.1/x',
    'mysql://u:geheim%ff@127.0.0.1/x',
    'mysql://u:ge#heim@127.0.0.1/x',
    'mysql://u:geheim@h/x?ssl=1',
    'mysql://u:geheim@ho st/x',
    'mysql://h/x',
  ]) {
    const { problems } = loadServerConfig(folder({ 'server.yaml': `admins: 5\ndatabase: '${url}'` }))
    assert.deepEqual(
      problems.map((p) => `${p.line}:${p.column} ${p.message}`),
      ['1:9 admins cannot be 5', '2:11 database is not a URL that can be used'],
      url,
    )
    assert.doesNotMatch(JSON.stringify(problems), /geh/, url)
  }
  for (const url of ['mysql://u@h/x', 'mysql://u:p%40%2F%23@[::1]:3307/x', 'mysql://u:p@ss@h/x'])
    assert.deepEqual(messages(`database: '${url}'`), [], url)
})

test('a proxy that is neither an address nor a network is told at its place, with the cure', () => {
  const { problems } = loadServerConfig(folder({ 'server.yaml': 'proxies:\n- 10.0.0.7\n- 10.0.0.0/33\n- haproxy' }))
  assert.deepEqual(
    problems.map(({ line, column, message, cure }) => `${line}:${column} ${message}. ${cure}`),
    [
      '3:3 proxies[1] cannot be "10.0.0.0/33". Write an IP address, or a network such as 10.0.0.0/8.',
      '4:3 proxies[2] cannot be "haproxy". Write an IP address, or a network such as 10.0.0.0/8.',
    ],
  )
  assert.deepEqual(messages('proxies: [::1, 10.0.0.7, ::1]'), ['1:26 proxies has ::1 twice'])
})

test('a file that is not in UTF-8 is told, and one with a byte order mark is read', () => {
  const dir = folder({})
  writeFileSync(join(dir, 'server.yaml'), Buffer.from('\ufeffhosts: [example.org]', 'utf16le'))
  assert.deepEqual(
    loadServerConfig(dir).problems.map((p) => p.message),
    ['this is not a text in UTF-8'],
  )
  assert.deepEqual(messages('\ufeffhosts: [example.org]'), [])
})

test('certificates that cannot be right are told', () => {
  const files = { 'a.crt': '', 'a.key': '' }
  assert.deepEqual(messages('tls: { certificate: a.crt }', files), ['1:21 tls.certificate stands without tls.key'])
  assert.deepEqual(messages('tls: { key: a.key }', files), ['1:13 tls.key stands without tls.certificate'])
  const served = 'hosts: [example.org]\ntls: { hosts: { exmple.org: { certificate: a.crt, key: a.key } } }'
  assert.deepEqual(messages(served, files), ['2:17 exmple.org is not among the hosts'])
  assert.deepEqual(messages('tls: { hosts: { localhost: { certificate: a.crt } } }', files), [
    '1:28 tls.hosts.localhost.key is missing',
  ])
  const [missing] = messages('tls: { certificate: nope.crt, key: a.key }', files)
  assert.match(missing!, /^1:21 tls\.certificate names .*nope\.crt, but the file does not exist$/)
})

test('output may not be dropped before it is paused', () => {
  assert.deepEqual(messages('limits: { outbound: { pause: 1MiB, drop: 64KiB } }'), [
    '1:42 limits.outbound.drop is less than limits.outbound.pause',
  ])
  assert.deepEqual(messages('limits: { outbound: { pause: 10MiB, drop: off } }'), [])
})

test('two listeners do not share a port', () => {
  assert.deepEqual(messages('listen: { clientTls: { port: 5222 } }'), [
    '1:30 listen.client and listen.clientTls have the same port',
  ])
  assert.deepEqual(messages('listen: { client: { port: 0 }, clientTls: { port: 0 } }'), [])
  assert.deepEqual(
    messages('listen: { client: { address: 192.0.2.1 }, clientTls: { address: 192.0.2.2, port: 5222 } }'),
    [],
  )
})

test('every limit takes off', () => {
  const off = (value: unknown): unknown =>
    typeof value === 'object' ? Object.fromEntries(Object.entries(value as object).map(([k, v]) => [k, off(v)])) : 'off'
  const { limits } = loadServerConfig(null).config
  const { config, problems } = loadServerConfig(folder({ 'server.yaml': JSON.stringify({ limits: off(limits) }) }))
  assert.deepEqual(problems, [])
  assert.doesNotMatch(JSON.stringify(config.limits), /[1-9]/)
})

test('no two domains are to be found at one web address', () => {
  const url = (text: string) => `http: { url: 'https://${text}' }\n`
  assert.deepEqual(messages(`${url('chat.example')}hosts: [a.example, b.example]`), [
    '1:14 http.url is one address for several hosts, of which only the first would be found there',
  ])
  assert.deepEqual(messages(`${url('chat.{host}')}hosts: [a.example, b.example]`), [])
  assert.deepEqual(messages(`${url('chat.example')}hosts: [a.example]`), [])
})

test('two listeners have two ports, components’ too', () => {
  assert.deepEqual(messages('listen: { component: { address: a, port: 1 }, client: { address: a, port: 1 } }'), [
    '1:42 listen.client and listen.component have the same port',
  ])
})
