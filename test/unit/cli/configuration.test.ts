import assert from 'node:assert/strict'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ensureCertificate } from '../../../src/net/certificate.ts'
import { bin, folder, stonechat, temporary } from './program.ts'

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
  const empty = await temporary()
  for (const config of [empty, join(empty, 'none'), bin]) {
    const { code, err } = await stonechat(['check', '--config', config])
    assert.equal(code, 78)
    assert.ok(err.startsWith(config === empty ? join(empty, 'server.yaml') : `${config}: this`), err)
    assert.equal(err.match(/What to do/g)?.length, 1)
  }
})

test('without --config the folder is the current one if it has a server.yaml, else the program’s', async () => {
  const { config } = await folder()
  assert.match((await stonechat(['check'], '', config)).out, new RegExp(config))
  const { out } = await stonechat(['check'], '', await temporary())
  assert.match(out, new RegExp(`in ${fileURLToPath(new URL('../../..', import.meta.url)).slice(0, -1)} is right`))
})

test('certificates and logs that cannot be used are problems of the configuration', async () => {
  const { config } = await folder(
    ['tls:', '  certificate: a.crt', '  key: b.key', '  hosts:', '    localhost: { certificate: no.crt, key: a.key }']
      .concat('log: { file: none/x.log }', '')
      .join('\n'),
  )
  for (const name of ['a', 'b']) {
    const files = await ensureCertificate(await temporary(), ['localhost'])
    await rename(files.key, join(config, `${name}.key`))
    await rename(files.certificate, join(config, `${name}.crt`))
  }
  await writeFile(join(config, 'no.crt'), 'none')
  for (const command of ['check', 'serve']) {
    const { code, out, err } = await stonechat([command, '--config', config])
    assert.deepEqual([code, out], [78, ''])
    for (const problem of [
      /server\.yaml:5:8: tls\.key cannot be used\n {2}5 \| {3}key: b\.key\n {4}\| {8}\^/,
      /server\.yaml:7:\d+: tls\.hosts\.localhost\.certificate cannot be used/,
      /server\.yaml:8:\d+: .*none\/x\.log cannot be written/,
    ])
      assert.match(err, problem)
    assert.ok(err.endsWith('\n'))
  }
  assert.equal((await stonechat(['user', 'list', '--config', config])).code, 0, 'accounts need neither')
})

test('check mentions a certificate that is for another domain', async () => {
  const { config } = await folder('tls: { certificate: a.crt, key: a.key }\n')
  const files = await ensureCertificate(await temporary(), ['example.org'])
  await rename(files.key, join(config, 'a.key'))
  await rename(files.certificate, join(config, 'a.crt'))
  const { code, out } = await stonechat(['check', '--config', config])
  assert.equal(code, 0)
  assert.match(out, /a\.crt is not for localhost/)
})

test('check prints the DNS records of every host', async () => {
  const config = await temporary()
  const yaml = (listen: string) =>
    writeFile(join(config, 'server.yaml'), `hosts: [a.example, bücher.example]\n${listen}`)
  await yaml('listen: { clientTls: { port: 0 } }\n')
  const { code, out } = await stonechat(['check', '--dns', 'chat.a.example', '--config', config])
  assert.equal(code, 0)
  const records = (text: string) => text.split('\n').filter((line) => /^[^;]/.test(line))
  assert.deepEqual(records(out), [
    '_xmpp-client._tcp.a.example. 3600 IN SRV 5 1 5222 chat.a.example.',
    '_xmpps-client._tcp.a.example. 3600 IN SRV 0 0 0 .',
    '_xmpp-server._tcp.a.example. 3600 IN SRV 0 0 0 .',
    '_xmpp-client._tcp.xn--bcher-kva.example. 3600 IN SRV 5 1 5222 chat.a.example.',
    '_xmpps-client._tcp.xn--bcher-kva.example. 3600 IN SRV 0 0 0 .',
    '_xmpp-server._tcp.xn--bcher-kva.example. 3600 IN SRV 0 0 0 .',
  ])
  assert.match(
    out,
    /^; _xmppconnect\.a\.example\. 3600 IN TXT "_xmpp-client-websocket=wss:\/\/a\.example:5443\/xmpp-websocket"$/m,
  )
  assert.match(
    out,
    /^; _xmppconnect\.a\.example\. 3600 IN TXT "_xmpp-client-xbosh=https:\/\/a\.example:5443\/http-bind"$/m,
  )
  assert.match(out, /redirect both to https:\/\/a\.example:5443\/\.well-known/)
  await yaml('http: { url: "https://{host}" }\nlisten: { client: { port: 5333 } }\n')
  const own = (await stonechat(['check', '--dns', '--config', config])).out
  assert.equal(records(own)[0], '_xmpp-client._tcp.a.example. 3600 IN SRV 5 1 5333 a.example.')
  assert.equal(records(own)[1], '_xmpps-client._tcp.a.example. 3600 IN SRV 5 1 5223 a.example.')
  assert.match(own, /host-meta\.json \(XEP-0156\),\n; which this server answers/)
})

test('a module that needs one that is off is a problem', async () => {
  const { config } = await folder()
  await mkdir(join(config, 'modules'))
  await writeFile(join(config, 'modules/roster.yaml'), 'enabled: false\n')
  const { code, err } = await stonechat(['check', '--config', config])
  assert.equal(code, 78)
  assert.match(err, /roster\.yaml:1:10: module presence needs module roster/)
})

test('what a module complains of in its options taken together is a problem, with its place', async () => {
  const { config } = await folder()
  await mkdir(join(config, 'modules'))
  await writeFile(
    join(config, 'modules/shared-groups.yaml'),
    'groups:\n  Desk: { members: [ann@localhost] }\n  Board: { members: [ann@elsewhere.example] }\n',
  )
  const { code, err } = await stonechat(['check', '--config', config])
  assert.equal(code, 78)
  assert.match(
    err,
    /shared-groups\.yaml:3:3: groups\.Board has ann@elsewhere\.example, which is no account of localhost/,
  )
})

test('a domain that two would serve is a problem', async () => {
  const config = await temporary()
  await mkdir(join(config, 'modules'))
  await writeFile(
    join(config, 'server.yaml'),
    'hosts: [a.example, pubsub.a.example]\nlisten: { component: { port: 5347 } }\n',
  )
  await writeFile(join(config, 'modules/components.yaml'), 'components:\n  bot.a.example: { secret: abcdefghijkl }\n')
  await writeFile(join(config, 'modules/muc.yaml'), 'services: [bot, rooms]\n')
  const { code, err } = await stonechat(['check', '--config', config])
  assert.equal(code, 78)
  assert.match(err, /muc\.yaml: bot\.a\.example, which muc is to serve, is a component/)
  assert.match(err, /pubsub\.yaml: pubsub\.a\.example, which pubsub is to serve, is a host/)
})

test('config show tells where each value comes from', async () => {
  const { config } = await folder()
  await mkdir(join(config, 'modules'))
  await writeFile(join(config, 'modules/roster.yaml'), '# ours\nmaxItems: 7\n')
  await mkdir(join(config, 'hosts/localhost'), { recursive: true })
  await writeFile(join(config, 'modules/registration.yaml'), 'limits: { perAddress: 3, total: 9 }\n')
  await writeFile(join(config, 'hosts/localhost/registration.yaml'), 'limits:\n  total: 8\n')
  const { out } = await stonechat(['config', 'show', 'roster', '--config', config])
  assert.match(out, /maxItems: 7 {2}# .*roster\.yaml:2/)
  assert.match(out, /enabled: true {2}# default/)
  assert.match((await stonechat(['config', 'show', 'rooster', '--config', config])).err, /roster/)
  const block = (await stonechat(['config', 'show', 'registration', '--config', config])).out
  assert.match(block, /limits\.perAddress: 3 {2}# .*modules\/registration\.yaml:1/)
  assert.match(block, /limits\.total: 8 {2}# .*hosts\/localhost\/registration\.yaml:2/)
  assert.match(block, /limits\.window: 1h {2}# default/)
})

test('config show tells the options of the server, and no secret', async () => {
  const { config } = await folder('database: mysql://u:geheim@127.0.0.1/x\n')
  const { out } = await stonechat(['config', 'show', 'server', '--config', config])
  assert.match(out, /hosts: \[localhost\] {2}# .*server\.yaml:1/)
  assert.match(out, /listen\.client\.address: 127\.0\.0\.1 {2}# .*server\.yaml:2/)
  assert.match(out, /database: \(hidden\) {2}# .*server\.yaml:3/)
  assert.match(out, /log\.level: info {2}# default/)
})
