import assert from 'node:assert/strict'
import { AppServer, enable, withService } from '../support/app-server.ts'
import { bedKind } from '../support/bed.ts'
import { BoshClient } from '../support/bosh-client.ts'
import { Scrape } from '../support/prometheus.ts'
import { freshRoom } from '../support/room.ts'
import { AGENT, binds } from '../support/sasl2.ts'
import { type Actor, type Story, story } from '../support/story.ts'
import { enables, resumes, settles } from '../support/stream-management.ts'

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const scrape = async (s: Story) => new Scrape(await s.bed.server.metrics.text())

async function fails(s: Story, mechanism: string, data: string): Promise<Actor> {
  const client = await s.connects()
  await client.opens(s.domain)
  client.send(`<auth xmlns='${SASL}' mechanism='${mechanism}'>${data}</auth>`)
  assert.equal((await client.next()).name, 'failure')
  return client
}

/** What is done, and by how much it moves which number. */
interface Deed {
  readonly name: string
  readonly does: (s: Story) => Promise<unknown>
  readonly moves: readonly (readonly [metric: string, labels: Readonly<Record<string, string>>, by: number])[]
}

const deeds: readonly Deed[] = [
  {
    name: 'a login',
    does: (s) => s.login('romeo/orchard'),
    moves: [
      ['stonechat_logins_total', { mechanism: 'plain', outcome: 'success' }, 1],
      ['stonechat_sessions', { state: 'online' }, 1],
      ['stonechat_connections', { transport: ['bosh', 'tls', 'websocket'].includes(bedKind) ? bedKind : 'other' }, 1],
    ],
  },
  {
    name: 'a wrong password',
    does: (s) => fails(s, 'PLAIN', base64('\0romeo\0wrong')),
    moves: [['stonechat_logins_total', { mechanism: 'plain', outcome: 'wrong' }, 1]],
  },
  {
    name: 'a mechanism nobody has',
    does: (s) => fails(s, 'evil', ''),
    moves: [['stonechat_logins_total', { mechanism: 'other', outcome: 'refused' }, 1]],
  },
  {
    name: 'an end of a stream with an error',
    async does(s) {
      const client = await s.connects()
      await client.opens(s.domain)
      client.send('<nonsense xmlns="urn:example:x"/>')
      await client.receivesStreamError('not-authorized')
    },
    moves: [['stonechat_stream_errors_total', { condition: 'not-authorized' }, 1]],
  },
  {
    name: 'a message that arrives',
    async does(s) {
      const [romeo, juliet] = [await s.login('romeo'), await s.login('juliet')]
      await romeo.sends`<message to='${juliet.jid}' type='chat'><body>Hi</body></message>`
      await juliet.receives`<message><body>Hi</body></message>`
    },
    moves: [
      ['stonechat_stanzas_total', { direction: 'received', kind: 'message' }, 1],
      ['stonechat_stanzas_total', { direction: 'delivered', kind: 'message' }, 1],
      ['stonechat_batch_written_total', { writer: 'archive' }, 1],
      ['stonechat_batch_commit_seconds_count', { writer: 'archive' }, 1],
    ],
  },
  {
    name: 'a message that is kept',
    async does(s) {
      await s.createAccount('juliet')
      const romeo = await s.login('romeo')
      await romeo.sends`<message to='juliet@${s.domain}' type='chat'><body>Hi</body></message>`
      await settles(s, romeo)
    },
    moves: [
      ['stonechat_offline_kept_total', {}, 1],
      ['stonechat_batch_written_total', { writer: 'offline' }, 1],
    ],
  },
  {
    name: 'a message that bounces',
    async does(s) {
      const romeo = await s.login('romeo')
      await romeo.isRefused('remote-server-not-found')`<message to='x@elsewhere.example'><body>Hi</body></message>`
    },
    moves: [['stonechat_stanza_errors_total', { kind: 'message' }, 1]],
  },
  {
    name: 'a message of somebody who is blocked',
    async does(s) {
      const [romeo, juliet] = [await s.login('romeo'), await s.login('juliet')]
      await juliet.asks`<iq type='set'><block xmlns='urn:xmpp:blocking'><item jid='${romeo.bare}'/></block></iq>`
      await romeo.isRefused('service-unavailable')`<message to='${juliet.bare}' type='chat'><body>Hi</body></message>`
    },
    moves: [['stonechat_blocking_refused_total', {}, 1]],
  },
  {
    name: 'a query for the archive',
    async does(s) {
      const romeo = await s.login('romeo')
      await romeo.asks`<iq type='set'><query xmlns='urn:xmpp:mam:2'/></iq>`
    },
    moves: [['stonechat_archive_queries_total', {}, 1]],
  },
  {
    name: 'a room',
    async does(s) {
      const romeo = await s.login('romeo')
      const room = freshRoom(s)
      await romeo.sends`<presence to='${room}/r'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
      await romeo.receives`<presence from='${room}/r'/>`
    },
    moves: [['stonechat_muc_rooms_awake', {}, 1]],
  },
  {
    name: 'a token',
    does: (s) =>
      binds(s, { agent: AGENT, inline: "<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>" }),
    moves: [['stonechat_fast_tokens_total', {}, 1]],
  },
  {
    name: 'a connection that is lost',
    async does(s) {
      const romeo = await s.login('romeo')
      await enables(romeo)
      await romeo.cuts()
    },
    moves: [
      ['stonechat_sessions', { state: 'resting' }, 1],
      ['stonechat_sessions', { state: 'online' }, 0],
    ],
  },
  {
    name: 'a client that comes back',
    async does(s) {
      const romeo = await s.login('romeo')
      const token = await enables(romeo)
      await romeo.cuts()
      await resumes(s, romeo, token, 0)
    },
    moves: [['stonechat_stream_management_resumptions_total', { outcome: 'resumed' }, 1]],
  },
  {
    name: 'a push to an app server that refuses it',
    async does(s) {
      const app = await AppServer.join(s)
      const phone = await s.login('juliet/phone')
      await phone.asks`<iq type='set'>${enable('n1')}</iq>`
      await phone.disconnects()
      const romeo = await s.login('romeo')
      await romeo.sends`<message to='${phone.bare}' type='chat'><body>Hi</body></message>`
      await app.notified('item-not-found')
      await app.hearsNothing(s, romeo)
      app.leaves()
    },
    moves: [
      ['stonechat_push_sent_total', {}, 1],
      ['stonechat_push_failed_total', {}, 1],
    ],
  },
  {
    name: 'an account that somebody makes',
    async does(s) {
      const client = await s.connects()
      await client.opens(s.domain)
      const query = '<username>mercutio</username><password>a rose by any name</password>'
      await client.asks`<iq type='set'><query xmlns='jabber:iq:register'>${query}</query></iq>`
      await s.host.deleteAccount('mercutio')
    },
    moves: [['stonechat_registration_accounts_total', {}, 1]],
  },
]

const options = { ...withService, modules: { registration: { enabled: true, newAccounts: 'anybody' } } }

for (const { name, does, moves } of deeds)
  story(
    `${name} moves its numbers`,
    async (s) => {
      const before = await scrape(s)
      await does(s)
      const after = await scrape(s)
      for (const [metric, labels, by] of moves)
        assert.equal(after.sum(metric, labels) - before.sum(metric, labels), by, `${metric} ${JSON.stringify(labels)}`)
    },
    options,
  )

story('A client by BOSH is a connection from its login to its end, whatever its requests go over', async (s) => {
  const connections = async () => (await scrape(s)).sum('stonechat_connections', { transport: 'bosh' })
  const before = await connections()
  await s.createAccount('romeo')
  const romeo = new BoshClient((init) => s.fetch('/http-bind', init))
  await romeo.logsIn('romeo')
  assert.equal((await connections()) - before, 1)
  await romeo.post({ type: 'terminate' })
  assert.equal((await connections()) - before, 0)
})

story('No client makes a series', async (s) => {
  const before = [...(await scrape(s)).series.keys()]
  const romeo = await s.login('romeo/a"b\\')
  for (const one of ['presence', 'message', 'iq']) {
    const type = one === 'iq' ? "type='get'" : ''
    await romeo.isRefused('jid-malformed')`<${one} to='@' ${type}><x xmlns='urn:x'/></${one}>`
  }
  romeo.send('<evil xmlns="urn:example:evil" condition="evil"/>')
  await romeo.receivesStreamError('unsupported-stanza-type')
  for (const mechanism of ['evil', 'SCRAM-EVIL', 'HT-EVIL', '"} 1', 'x\n# TYPE y'])
    await fails(s, mechanism.replaceAll('"', '&quot;').replaceAll('\n', '&#10;'), '')
  assert.deepEqual([...(await scrape(s)).series.keys()], before)
})

story('Those who watch ask over HTTP; metrics are for this machine only', async (s) => {
  const get = async (path: string, headers = {}) => await s.fetch(path, { headers })
  const health = await get('/healthz')
  assert.deepEqual([health.status, await health.json()], [200, { healthy: true }])
  const ready = await get('/readyz')
  assert.deepEqual([ready.status, await ready.json()], [200, { ready: true }])
  assert.equal(ready.headers.get('cache-control'), 'no-store')
  const metrics = await get('/metrics')
  assert.equal(metrics.status, 200)
  assert.match(metrics.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  assert.equal(new Scrape(await metrics.text()).sum('stonechat_database_up'), 1)
  assert.equal((await get('/metrics', { 'x-forwarded-for': '192.0.2.7' })).status, 403)
})

const secret = 'a token of some length'
story(
  'With a token the metrics are for those who show it',
  async (s) => {
    const status = async (authorization?: string) =>
      (await s.fetch('/metrics', authorization === undefined ? {} : { headers: { authorization } })).status
    assert.deepEqual(
      [await status(), await status(`Bearer ${secret}x`), await status(secret), await status(`Bearer ${secret}`)],
      [403, 403, 403, 200],
    )
  },
  { modules: { metrics: { token: secret } } },
)

story(
  'Hosts are told apart, and share what they have in common',
  async (s) => {
    await s.login('romeo')
    await s.login('juliet@capulet.example')
    await s.login('nurse@capulet.example')
    const seen = await scrape(s)
    assert.equal(seen.sum('stonechat_sessions', { host: s.domain, state: 'online' }), 1)
    assert.equal(seen.sum('stonechat_sessions', { host: 'capulet.example', state: 'online' }), 2)
    assert.equal(seen.sum('stonechat_offline_kept_total', { host: 'capulet.example' }), 0)
  },
  { hosts: ['localhost', 'capulet.example'] },
)
