import assert from 'node:assert/strict'
import type { Element } from '../../src/api.ts'
import { story } from '../support/story.ts'

// XEP-0215
const NS = 'urn:xmpp:extdisco:2'
const turn = { type: 'turn', host: 'turn.example', lifetime: 3_600_000, secret: 'shared with TURN' }
const options = {
  hosts: ['localhost', 'capulet.example'],
  modules: {
    'external-services': {
      services: [
        { type: 'stun', host: 'turn.example', port: 3478, transport: 'udp', name: 'STUN', lifetime: 1 },
        { ...turn, port: 3478, transport: 'udp' },
        { ...turn, port: 443, transport: 'tcp' },
        { type: 'ftp', host: 'files.example', username: 'guest', password: 'welcome', lifetime: 1 },
      ],
    },
  },
  server: { components: { 'bot.localhost': { secret: 's' } } },
}

const listed = (reply: Element, name = 'services') => {
  const services = reply.getChild(name, NS)!
  return services
    .getChildren('service')
    .map(({ attrs }) => `${attrs['type']} ${attrs['port'] ?? ''} ${attrs['username'] ?? ''}`)
}

story(
  'Accounts are told all services, or those of a type, each account with credentials of its own // XEP-0215 §3.1, §3.2',
  async (s) => {
    const [romeo, juliet] = [await s.login('romeo'), await s.login('juliet')]
    const expiry = Math.floor(s.bed.clock.now() / 1000) + 3600
    assert.deepEqual(listed(await romeo.asks`<iq type='get' to='localhost'><services xmlns='${NS}'/></iq>`), [
      'stun 3478 ',
      `turn 3478 ${expiry}:romeo`,
      `turn 443 ${expiry}:romeo`,
      'ftp  guest',
    ])
    const reply = await juliet.asks`<iq type='get' to='localhost'><services xmlns='${NS}' type='turn'/></iq>`
    assert.equal(reply.getChild('services', NS)!.attrs['type'], 'turn')
    assert.deepEqual(listed(reply), [`turn 3478 ${expiry}:juliet`, `turn 443 ${expiry}:juliet`])
    assert.doesNotMatch(reply.toString(), /shared with TURN/)
    assert.deepEqual(
      listed(await juliet.asks`<iq type='get' to='localhost'><services xmlns='${NS}' type='none'/></iq>`),
      [],
    )
  },
  options,
)

story(
  'Credentials of one service can be asked for // XEP-0215 §3.3',
  async (s) => {
    const romeo = await s.login('romeo')
    const ask = (attributes: string) =>
      `<iq type='get' to='localhost'><credentials xmlns='${NS}'><service ${attributes}/></credentials></iq>`
    const counts: [attributes: string, count: number][] = [
      [`host='turn.example' type='turn'`, 2],
      [`host='turn.example' type='turn' port='443'`, 1],
      [`host='files.example' type='ftp'`, 1],
    ]
    for (const [attributes, count] of counts) {
      const services = (await romeo.asks`${ask(attributes)}`).getChild('credentials', NS)!.getChildren('service')
      assert.equal(services.length, count, attributes)
      for (const { attrs } of services) assert.ok(attrs['username'] && attrs['password'])
    }
    for (const [condition, attributes] of [
      ['item-not-found', `host='turn.example' type='stun'`],
      ['item-not-found', `host='turn.example' type='turn' port='1'`],
      ['item-not-found', `host='other.example' type='turn'`],
      ['bad-request', `host='turn.example'`],
      ['bad-request', `type='turn'`],
    ] as const)
      await romeo.isRefused(condition)`${ask(attributes)}`
  },
  options,
)

story(
  'Nobody but accounts of the host is told anything // XEP-0215 §2',
  async (s) => {
    const tybalt = await s.login('tybalt@capulet.example')
    const bot = await s.joins('bot.localhost', 's')
    for (const query of [
      `<services xmlns='${NS}'/>`,
      `<credentials xmlns='${NS}'><service host='turn.example' type='turn'/></credentials>`,
    ]) {
      await tybalt.isRefused('forbidden')`<iq type='get' to='localhost'>${query}</iq>`
      await bot.isRefused('forbidden')`<iq type='get' from='bot.localhost' to='localhost'>${query}</iq>`
      await bot.isRefused('forbidden')`<iq type='get' from='romeo@bot.localhost' to='localhost'>${query}</iq>`
    }
  },
  options,
)
