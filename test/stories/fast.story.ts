import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { defineModule, type Element, loginExtensions, type SaslStep } from '../../src/api.ts'
import { bedKind } from '../support/bed.ts'
import { restartStory } from '../support/restart.ts'
import {
  AGENT,
  addressOf,
  authenticateText,
  base64,
  failsWith,
  header,
  logsIn,
  NS_BIND,
  NS_SM,
  opens,
  plain,
} from '../support/sasl2.ts'
import { type Actor, type Story, story } from '../support/story.ts'

const NS = 'urn:xmpp:fast:0'
const NONE = 'HT-SHA-256-NONE'
const OTHER = 'a1565fa7-4d72-4749-b3d3-740edbf87770'
const DAY = 86_400_000
const request = (mechanism = NONE) => `<request-token xmlns='${NS}' mechanism='${mechanism}'/>`
const keyed = (token: string, role: string) => createHmac('sha256', token).update(role).digest()
const proof = (user: string, token: string) =>
  base64(Buffer.concat([Buffer.from(`${user}\0`), keyed(token, 'Initiator')]))

interface Wish {
  readonly user?: string
  readonly agent?: string
  readonly mechanism?: string
  /** Attributes of `<fast/>`; `null` leaves it out. */
  readonly fast?: string | null
  readonly inline?: string
}

const tokenLogin = (token: string, { user = 'romeo', agent = AGENT, mechanism = NONE, fast = '', inline = '' }: Wish) =>
  authenticateText({
    mechanism,
    initial: proof(user, token),
    ...(agent !== '' && { agent }),
    inline: (fast === null ? '' : `<fast xmlns='${NS}' ${fast}/>`) + inline,
  })

/** Logs in with a token over a new connection; what the server answers. */
async function comes(s: Story, token: string, wish: Wish = {}): Promise<{ client: Actor; answer: Element }> {
  const { client } = await opens(s)
  client.send(tokenLogin(token, wish))
  return { client, answer: await client.next() }
}

const tokenOf = (success: Element): string | undefined => success.getChild('token', NS)?.attrs['token']

/** Logs in with the password and asks for a token. */
async function getsToken(s: Story, agent = AGENT): Promise<string> {
  const { client } = await opens(s)
  const success = await logsIn(client, { agent, inline: request() })
  assert.equal(success.name, 'success', String(success))
  const token = tokenOf(success)
  assert.ok(token, String(success))
  return token
}

async function isIn(s: Story, token: string, wish: Wish = {}): Promise<Element> {
  const { client, answer } = await comes(s, token, wish)
  assert.equal(answer.name, 'success', String(answer))
  assert.equal((await client.next()).name, 'features')
  await client.isCut()
  return answer
}

async function isOut(s: Story, token: string, condition = 'not-authorized', wish: Wish = {}): Promise<void> {
  const { answer } = await comes(s, token, wish)
  failsWith(answer, condition)
}

story('Tokens are offered with mechanisms by what the connection can be bound to // XEP-0484 §3.1', async (s) => {
  const { features } = await opens(s)
  const fast = features.getChild('authentication')!.getChild('inline')!.getChild('fast', NS)!
  assert.equal(fast.attrs['tls-0rtt'], undefined)
  const names = fast.getChildren('mechanism').map((el) => el.getText())
  // In memory there is nothing to bind to.
  const bound = bedKind === 'tls' ? ['HT-SHA-256-EXPR', 'HT-SHA-256-ENDP'] : []
  assert.deepEqual(names, [...bound, NONE])
})

story('Who asks for a token comes back with it, and the server proves itself // XEP-0484 §3.2–§3.4', async (s) => {
  const { client } = await opens(s)
  const success = await logsIn(client, { agent: AGENT, inline: request() })
  const { token, expiry } = success.getChild('token', NS)!.attrs
  assert.equal(Date.parse(expiry!) - s.bed.clock.now(), 21 * DAY)
  assert.equal(Buffer.from(token!, 'base64url').length, 32)
  const again = await isIn(s, token!)
  assert.deepEqual(Buffer.from(again.getChildText('additional-data')!, 'base64'), keyed(token!, 'Responder'))
  assert.equal(tokenOf(again), undefined)
  await isIn(s, token!)
})

story(
  'A known device is back in its session in one round trip, after it with a new one // XEP-0484, XEP-0386',
  async (s) => {
    const token = await getsToken(s)
    const flight = (inline: string) => header(s.domain, `from='romeo@${s.domain}'`) + tokenLogin(token, { inline })
    const bind = `<bind xmlns='${NS_BIND}'><tag>Tester</tag><enable xmlns='${NS_SM}' resume='true'/></bind>`
    const first = await s.connects()
    first.send(flight(bind))
    assert.equal((await first.next()).name, 'features')
    const bound = await first.next()
    first.jid = addressOf(bound)
    const previd = bound.getChild('bound', NS_BIND)!.getChild('enabled', NS_SM)!.attrs['id']
    assert.equal((await first.next()).name, 'features')
    await first.cuts()
    const second = await s.connects()
    second.send(flight(`<resume xmlns='${NS_SM}' previd='${previd}' h='0'/>${bind}`))
    assert.equal((await second.next()).name, 'features')
    const resumed = await second.next()
    assert.ok(resumed.getChild('resumed', NS_SM), String(resumed))
    assert.equal(addressOf(resumed), first.jid)
    second.jid = first.jid
    await second.receivesNothing()
  },
)

story(
  'A token is its installation’s, its account’s, its mechanism’s, and needs <fast/> // XEP-0484 §3.4',
  async (s) => {
    await s.createAccount('juliet')
    const token = await getsToken(s)
    await isOut(s, token, 'not-authorized', { agent: OTHER })
    await isOut(s, token, 'not-authorized', { agent: '' })
    await isOut(s, token, 'not-authorized', { user: 'juliet' })
    await isOut(s, token, 'invalid-mechanism', { fast: null })
    await isOut(s, token, 'invalid-mechanism', { mechanism: 'HT-SHA-512-NONE' })
    await isOut(s, `${token}x`)
    const { client } = await opens(s)
    client.send(
      authenticateText({
        mechanism: NONE,
        agent: AGENT,
        initial: base64('romeo\0short'),
        inline: `<fast xmlns='${NS}'/>`,
      }),
    )
    failsWith(await client.next(), 'malformed-request')
    await isIn(s, token)
  },
)

story('A wrong token and an unknown account are told alike', async (s) => {
  const answers: string[] = []
  await getsToken(s)
  const counts: number[] = []
  for (const user of ['romeo', 'nobody']) {
    const { client } = await opens(s)
    const before = s.database.queries
    client.send(tokenLogin('wrong', { user }))
    answers.push(String(await client.next()))
    counts.push(s.database.queries - before)
  }
  assert.match(answers[0]!, /not-authorized/)
  assert.equal(answers[0], answers[1])
  assert.equal(counts[0], counts[1])
})

story('No token without an installation’s id, a known mechanism, or success // XEP-0484 §3.2', async (s) => {
  const { client } = await opens(s)
  failsWith(
    await logsIn(client, { agent: AGENT, initial: plain('romeo', 'wrong'), inline: request() }),
    'not-authorized',
  )
  assert.equal(tokenOf(await logsIn(client, { inline: request() })), undefined)
  const { client: other } = await opens(s)
  assert.equal(tokenOf(await logsIn(other, { agent: AGENT, inline: request('HT-SHA3-256-NONE') })), undefined)
  const { client: third } = await opens(s)
  assert.equal(tokenOf(await logsIn(third, { agent: 'no uuid', inline: request() })), undefined)
})

story('A token is replaced in time; the old one is good until the new one is used // XEP-0484 §3.5', async (s) => {
  const first = await getsToken(s)
  await isIn(s, first)
  await s.advance(2 * DAY)
  const lost = tokenOf(await isIn(s, first))!
  const second = tokenOf(await isIn(s, first))!
  assert.ok(lost !== undefined && second !== undefined && lost !== second)
  // One that was given and not used makes way for the next.
  await isOut(s, lost)
  await isIn(s, second)
  await isOut(s, first)
  await isIn(s, second)
})

story('An expired token says so, and only to who has it // XEP-0484 §4.2', async (s) => {
  const token = await getsToken(s)
  await s.advance(21 * DAY - 60 * 60_000)
  await isIn(s, token)
  // Before the purge of the hour, and after it.
  await s.database.knex('fast_tokens').update({ expires_ms: s.bed.clock.now() - 1 })
  await isOut(s, token, 'credentials-expired')
  await isOut(s, 'wrong')
  await s.advance(60 * 60_000)
  for (let turns = 0; turns < 200 && (await s.database.knex('fast_tokens')).length > 0; turns++);
  assert.equal((await s.database.knex('fast_tokens')).length, 0)
  await isOut(s, token)
})

story('A client can end its token, and get another by it // XEP-0484 §3.6', async (s) => {
  const token = await getsToken(s)
  await s.advance(2 * DAY)
  assert.equal(tokenOf(await isIn(s, token, { fast: "invalidate='true'" })), undefined)
  await isOut(s, token)
  const next = await getsToken(s)
  const third = tokenOf(await isIn(s, next, { fast: "invalidate='1'", inline: request() }))!
  await isOut(s, next)
  await isIn(s, third)
})

story('A count that was used before is refused // XEP-0484 §3.4', async (s) => {
  const token = await getsToken(s)
  await isIn(s, token, { fast: "count='1'" })
  await isOut(s, token, 'not-authorized', { fast: "count='1'" })
  await isIn(s, token, { fast: "count='5'" })
  await isOut(s, token, 'not-authorized', { fast: "count='4'" })
  await isOut(s, token, 'malformed-request', { fast: "count='0'" })
  await isOut(s, token, 'malformed-request', { fast: "count='-1'" })
})

story('Tokens die with a changed password, a disabled and a deleted account', async (s) => {
  const { accounts } = s.host
  const first = await getsToken(s)
  await accounts.setPassword('romeo', 'wherefore art thou')
  await isOut(s, first)
  // Also when they could not be removed at once.
  const second = await getsToken(s)
  await s.database.knex('accounts').increment('password_version')
  await isOut(s, second, 'credentials-expired')
  await s.database.knex('accounts').decrement('password_version')
  await isIn(s, second)
  await s.database.knex('accounts').update({ disabled: 1 })
  await isOut(s, second, 'account-disabled')
  await s.database.knex('accounts').update({ disabled: 0 })
  await accounts.setDisabled('romeo', true)
  await accounts.setDisabled('romeo', false)
  await isOut(s, second)
  await getsToken(s)
  await s.host.deleteAccount('romeo')
  assert.equal((await s.database.knex('fast_tokens')).length, 0)
})

/** Lets everybody in, but first has happen to the account what the client says. */
const hasty = defineModule({
  name: 'hasty',
  summary: 'Has accounts closed in the midst of a login.',
  implements: [],
  setup(ctx) {
    const { host } = ctx
    const { accounts } = host
    const deeds: Record<string, () => Promise<unknown>> = {
      change: () => accounts.setPassword('romeo', 'another'),
      delete: () => host.deleteAccount('romeo'),
      disable: () => accounts.setDisabled('romeo', true),
      nothing: async () => {},
    }
    const step = async (message: Buffer): Promise<SaslStep> => {
      const { passwordVersion } = (await accounts.tokenLogin('romeo'))!
      await deeds[String(message)]!()
      return { kind: 'success', local: 'romeo', passwordVersion }
    }
    ctx.add(loginExtensions, { start: (mechanism) => (mechanism === 'X-HASTY' ? { step } : undefined) })
  },
})

story(
  'No token comes of a login that an end of the account, or of its password, overtakes',
  async (s) => {
    const tokens = async () => (await s.database.knex('fast_tokens')).length
    for (const [deed, expected] of [
      ['nothing', 1],
      ['disable', 0],
      ['change', 0],
      ['delete', 0],
    ] as const) {
      const { client } = await opens(s)
      client.send(authenticateText({ mechanism: 'X-HASTY', initial: base64(deed), agent: AGENT, inline: request() }))
      const answer = await client.next()
      assert.equal(tokenOf(answer) !== undefined, expected === 1, `${deed}: ${answer}`)
      assert.equal(await tokens(), expected, deed)
      assert.equal((await client.next()).name, 'features')
      if (deed === 'disable') await s.host.accounts.setDisabled('romeo', false)
      await client.isCut()
    }
  },
  { extra: [hasty] },
)

story(
  'A client that is seen keeps its access, also where tokens are not replaced by age',
  async (s) => {
    let token = await getsToken(s)
    for (let times = 0; times < 3; times++) {
      await s.advance(DAY)
      const next = tokenOf(await isIn(s, token))
      assert.ok(next)
      token = next
    }
  },
  { modules: { fast: { rotateAfter: 0, lifetime: 2 * DAY } } },
)

story('What is in the database lets nobody in', async (s) => {
  const token = await getsToken(s)
  const [row] = await s.database.knex('fast_tokens')
  for (const value of Object.values(row as Record<string, unknown>)) {
    assert.notEqual(value, token)
    if (typeof value === 'string') await isOut(s, value)
  }
})

restartStory('A token is good after a restart, and worth nothing where the server’s key is another', async (r) => {
  const before = await r.starts()
  const token = await getsToken(before)
  await r.stops()
  const after = await r.starts()
  await isIn(after, token)
  // Tests have the key in the database; it is in a file of its own else.
  await after.database.knex('key_values').where({ owner: 'auth', name: 'secret' }).delete()
  await r.stops()
  await isOut(await r.starts(), token)
})

story(
  'Who guesses tokens has to wait, even with the right one at last',
  async (s) => {
    const token = await getsToken(s)
    for (let guesses = 0; guesses < 3; guesses++) await isOut(s, 'wrong')
    await isOut(s, token, 'temporary-auth-failure')
    await s.advance(600_001)
    await isIn(s, token)
  },
  { server: { auth: { guesses: { perAccount: 3 } } } },
)

story(
  'So many clients of an account have tokens; the first ones lose theirs',
  async (s) => {
    const agents = [1, 2, 3].map((n) => `${n}1565fa7-4d72-4749-b3d3-740edbf87770`)
    const tokens: string[] = []
    for (const agent of agents) {
      tokens.push(await getsToken(s, agent))
      await s.advance(1_000)
    }
    await isOut(s, tokens[0]!, 'not-authorized', { agent: agents[0]! })
    await isIn(s, tokens[1]!, { agent: agents[1]! })
    await isIn(s, tokens[2]!, { agent: agents[2]! })
  },
  { modules: { fast: { maxClients: 2 } } },
)
