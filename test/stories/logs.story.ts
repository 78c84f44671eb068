import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { bedKind } from '../support/bed.ts'
import { fills, gives } from '../support/commands.ts'
import { readLogDocumentation } from '../support/log-documentation.ts'
import { AGENT, authenticateText, base64, binds, logsIn, opens, plain } from '../support/sasl2.ts'
import { type Story, story } from '../support/story.ts'
import { enables, resumes } from '../support/stream-management.ts'

interface Line {
  readonly msg: string
  readonly level: number
  readonly [field: string]: unknown
}

const options = {
  trace: true,
  modules: { registration: { enabled: true, newAccounts: 'anybody' } },
  server: {
    admins: ['escalus@localhost'],
    components: { 'bot.localhost': { secret: 'a secret of the bot’s' } },
  },
} as const
const INFO = 30

/** The lines since `from` that say this. */
function said(s: Story, msg: string, from = 0): Line[] {
  return s.bed.lines
    .slice(from)
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.msg === msg)
}

story(
  'One client can be followed through the log: its stream, its session, the stream it comes back by, its end',
  async (s) => {
    const from = s.bed.lines.length
    const romeo = await s.login('romeo/orchard')
    const token = await enables(romeo)
    await romeo.cuts()
    const back = await resumes(s, romeo, token, 0)
    await s.advance(61_000)
    await back.disconnects()
    const [first, second] = said(s, 'logged in', from)
    const [opened] = said(s, 'session opened', from)
    const [resumed] = said(s, 'session resumed', from)
    const [ended] = said(s, 'session ended', from)
    const isOnNet = ['bosh', 'tls', 'websocket'].includes(bedKind)
    const address = isOnNet ? '127.0.0.1' : '192.0.2.1'
    assert.deepEqual(
      [first!['account'], first!['mechanism'], first!['address'], first!['secure'], first!.level],
      [romeo.bare, 'PLAIN', address, true, INFO],
    )
    assert.equal(first!['tls'], bedKind === 'tls' ? 'TLSv1.3' : undefined)
    assert.equal(first!['transport'], isOnNet ? bedKind : undefined)
    assert.deepEqual([opened!['stream'], opened!['jid']], [first!['stream'], romeo.jid])
    assert.notEqual(second!['stream'], first!['stream'])
    assert.deepEqual(
      [resumed!['session'], resumed!['stream'], resumed!['jid'], resumed!['address']],
      [opened!['session'], second!['stream'], romeo.jid, address],
    )
    assert.deepEqual(
      [ended!['session'], ended!['stream'], ended!['seconds'], ended!['reason'], ended!.level],
      [opened!['session'], second!['stream'], 61, 'closed', INFO],
    )
  },
  options,
)

story(
  'A login that fails is logged with its reason, from where, and for whom if that is known',
  async (s) => {
    const from = s.bed.lines.length
    const { client } = await opens(s)
    await logsIn(client, { initial: plain('romeo', 'a wrong one') })
    await logsIn(client, { initial: base64('no message of PLAIN') })
    client.send(authenticateText({ mechanism: 'EVIL', initial: '' }))
    await client.next()
    const failed = said(s, 'a login failed', from)
    assert.deepEqual(
      failed.map(({ account, mechanism, reason, level }) => [account, mechanism, reason, level]),
      [
        [`romeo@${s.domain}`, 'PLAIN', 'not-authorized', INFO],
        [undefined, 'PLAIN', 'malformed-request', INFO],
      ],
    )
    assert.equal(new Set(failed.map(({ stream }) => stream)).size, 1)
  },
  options,
)

const secrets = {
  password: 'Xpassword-of-romeo',
  wrong: 'Xpassword-that-is-wrong',
  body: 'Xbody-of-a-message',
  status: 'Xstatus-of-a-presence',
  kept: 'Xprivate-storage',
  registered: 'Xpassword-that-is-chosen',
  announced: 'Xwords-for-everybody',
  given: 'Xpassword-by-an-admin',
}

story(
  'Neither secrets nor what people say get into the log, even at level trace',
  async (s) => {
    await s.createAccount('romeo', secrets.password)
    const { client } = await opens(s)
    await logsIn(client, { initial: plain('romeo', secrets.wrong) })
    const token = (
      await logsIn(client, {
        initial: plain('romeo', secrets.password),
        agent: AGENT,
        inline: "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/><bind xmlns='urn:xmpp:bind:0'/>",
      })
    ).getChild('token', 'urn:xmpp:fast:0')!.attrs['token']!
    assert.equal((await client.next()).name, 'features')
    const resumption = await enables(client)
    const { client: juliet } = await binds(s, { local: 'juliet' })
    client.send(`<presence><status>${secrets.status}</status></presence>`)
    client.send(`<message to='${juliet.jid}' type='chat'><body>${secrets.body}</body></message>`)
    await juliet.receives`<message><body>${secrets.body}</body></message>`
    client.send(`<message to='nobody@${s.domain}' type='chat'><body>${secrets.body}</body></message>`)
    client.send(`<message to='x@elsewhere.example' type='chat'><body>${secrets.body}</body></message>`)
    const kept = `<x xmlns='urn:example:x'>${secrets.kept}</x>`
    await juliet.asks`<iq type='set'><query xmlns='jabber:iq:private'>${kept}</query></iq>`
    const stranger = await s.connects()
    await stranger.opens(s.domain)
    const made = `<username>paris</username><password>${secrets.registered}</password>`
    await stranger.asks`<iq type='set'><query xmlns='jabber:iq:register'>${made}</query></iq>`
    await s.host.deleteAccount('paris')
    // What goes wrong is told with what it went wrong with.
    client.send(`<message to='${juliet.jid}'><body>${secrets.body}</nobody></message>`)
    await client.next()
    await client.next()
    if (bedKind === 'bosh') await client.ends()
    else await client.receivesStreamError('not-well-formed')
    await juliet.disconnects()
    const escalus = await s.login('escalus')
    const admin = (name: string) => `http://jabber.org/protocol/admin#${name}`
    await fills(escalus, s.domain, admin('announce'), { announcement: secrets.announced })
    const passwords = { password: secrets.given, 'password-verify': secrets.given }
    await fills(escalus, s.domain, admin('add-user'), { accountjid: `paris@${s.domain}`, ...passwords })
    await fills(escalus, s.domain, 'urn:stonechat:admin#outage-announce', {
      kind: 'ongoing',
      beginning: 'now',
      end: '2h',
      message: secrets.announced,
    })
    await gives(escalus, s.domain, 'urn:stonechat:admin#outage-end')
    assert.deepEqual(
      said(s, 'a command was run by a client').map(({ command, args }) => [command, args]),
      [
        ['announce online', [s.domain]],
        ['user add', [`paris@${s.domain}`]],
        ['outage announce', [s.domain, 'ongoing', 'now', '2h']],
        ['outage end', [s.domain]],
      ],
    )
    assert.ok(said(s, 'logged in').length > 0 && said(s, 'session opened').length > 0)
    const log = s.bed.lines.join('')
    const encoded = [plain('romeo', secrets.password), plain('romeo', secrets.wrong)]
    for (const secret of [...Object.values(secrets), ...encoded, token, resumption])
      assert.ok(!log.includes(secret), `${secret} is in the log`)
  },
  options,
)

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}
const isOf: Readonly<Record<string, (value: unknown) => boolean>> = {
  address: (value) => typeof value === 'string' && isIP(value) !== 0,
  list: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  number: (value) => typeof value === 'number',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  text: (value) => typeof value === 'string',
  // As Filebeat’s layout for it has it.
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  'yes or no': (value) => typeof value === 'boolean',
}

story(
  'Lines have the fields that are documented for them, each of its type',
  async (s) => {
    const { always, fields, lines, samples } = readLogDocumentation()
    const from = s.bed.lines.length
    const romeo = await s.login('romeo/orchard')
    const token = await enables(romeo)
    await romeo.cuts()
    await (await resumes(s, romeo, token, 0)).disconnects()
    await binds(s, { local: 'romeo' })
    const { client } = await opens(s)
    await logsIn(client, { initial: plain('romeo', 'a wrong one') })
    const bot = await s.joins('bot.localhost', 'a secret of the bot’s')
    bot.transport.cut()
    await assert.rejects(s.joins('bot.localhost', 'another'))
    // The line of a request follows its answer.
    await s.fetch('/healthz')
    while (said(s, 'request', from).length === 0) await new Promise((resolve) => setImmediate(resolve))
    const wrong: unknown[] = []
    const seen = new Set<string>()
    for (const text of s.bed.lines) {
      const line = JSON.parse(text) as Line
      const known = lines.find(({ messages }) => messages.includes(line.msg))
      if (known !== undefined) seen.add(line.msg)
      const may = known && [...always, ...known.fields, 'host', 'module']
      for (const [name, value] of Object.entries(line))
        if (may?.includes(name) === false || isOf[fields.get(name) ?? '']?.(value) !== true) wrong.push([name, line])
      for (const name of always) if (line[name] === undefined) wrong.push([name, line])
      if (known !== undefined && !known.levels.includes(levels[line.level]!)) wrong.push(line)
    }
    assert.deepEqual(wrong, [])
    for (const message of samples.matchAll(/\[msg\] == "([^"]+)"/g)) assert.ok(seen.has(message[1]!), message[1])
    for (const message of ['session resumed', 'session ended', 'session rests', 'stream ended', 'request'])
      assert.ok(seen.has(message), message)
    for (const message of ['a component is connected', 'a component is gone', 'a component has the wrong secret'])
      assert.ok(seen.has(message), message)
    // Those that the sample for Logstash gives names to.
    const named = samples.matchAll(/"(\d+)" => "(\w+)"/g)
    assert.deepEqual(Object.fromEntries([...named].map(([, number, name]) => [number, name])), levels)
  },
  options,
)
