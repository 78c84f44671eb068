import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Element } from '../../src/api.ts'
import type { Actor } from '../support/story.ts'
import { story } from '../support/story.ts'

const NS = 'urn:ietf:params:xml:ns:xmpp-sasl'
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const plain = (authzid: string, user: string, password: string) => base64(`${authzid}\0${user}\0${password}`)
const failure = (condition: string) =>
  [`<failure xmlns='${NS}'><${condition}/></failure>`] as unknown as TemplateStringsArray

function auth(client: Actor, mechanism: string, data: string): void {
  client.send(`<auth xmlns='${NS}' mechanism='${mechanism}'>${data}</auth>`)
}

async function fails(client: Actor, condition: string): Promise<void> {
  const answer = await client.next()
  assert.equal(answer.name, 'failure', String(answer))
  assert.ok(answer.getChild(condition), `expected ${condition}, got ${answer}`)
}

/** Plays the client's side of a SCRAM exchange up to the server's verdict. */
async function scram(
  client: Actor,
  hash: 'sha1' | 'sha256' | 'sha512',
  user: string,
  password: string,
): Promise<Element> {
  const name = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' }[hash]
  const first = `n=${user},r=clientnonce`
  auth(client, `SCRAM-${name}`, base64(`n,,${first}`))
  const challenge = await client.next()
  assert.equal(challenge.name, 'challenge', String(challenge))
  const serverFirst = Buffer.from(challenge.getText(), 'base64').toString()
  const { r, s, i } = Object.fromEntries(serverFirst.split(',').map((part) => [part[0], part.slice(2)])) as Record<
    'i' | 'r' | 's',
    string
  >
  assert.ok(r.startsWith('clientnonce') && r.length > 'clientnonce'.length + 16)
  const size = { sha1: 20, sha256: 32, sha512: 64 }[hash]
  const salted = pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), size, hash)
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=${base64('n,,')},r=${r}`
  const message = `${first},${serverFirst},${withoutProof}`
  const signature = hmac(createHash(hash).update(clientKey).digest(), message)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
  client.send(`<response xmlns='${NS}'>${base64(`${withoutProof},p=${base64(proof)}`)}</response>`)
  const verdict = await client.next()
  // RFC 5802 §3: the server proves that it knows the password's keys, too.
  if (verdict.name === 'success')
    assert.equal(
      Buffer.from(verdict.getText(), 'base64').toString(),
      `v=${base64(hmac(hmac(salted, 'Server Key'), message))}`,
    )
  return verdict
}

for (const hash of ['sha1', 'sha256', 'sha512'] as const) {
  story(`SCRAM with ${hash} logs in // RFC 5802, RFC 7677`, async (s) => {
    await s.createAccount('romeo', 'pencil')
    const client = await s.connects()
    await client.opens(s.domain)
    assert.equal((await scram(client, hash, 'romeo', 'pencil')).name, 'success')
  })
  story(`SCRAM with ${hash} tells a wrong password and an unknown account alike // Openfire OF-3258`, async (s) => {
    await s.createAccount('romeo', 'pencil')
    const answers: string[] = []
    for (const user of ['romeo', 'nobody']) {
      const client = await s.connects()
      await client.opens(s.domain)
      answers.push(String(await scram(client, hash, user, 'wrong')))
    }
    assert.match(answers[0]!, /not-authorized/)
    assert.equal(answers[0], answers[1])
  })
}

story('An unknown account has a salt that stays // Openfire OF-3258', async (s) => {
  const salts = new Set<string>()
  for (let round = 0; round < 2; round++) {
    const client = await s.connects()
    await client.opens(s.domain)
    auth(client, 'SCRAM-SHA-256', base64('n,,n=nobody,r=nonce'))
    const challenge = Buffer.from((await client.next()).getText(), 'base64').toString()
    salts.add(/s=([^,]+),i=\d+/.exec(challenge)![0])
  }
  assert.equal(salts.size, 1)
})

story(
  'PLAIN logs in, an initial response of one’s own or after an empty challenge // RFC 4616, RFC 6120 §6.4.2',
  async (s) => {
    await s.createAccount('romeo', 'pencil')
    const client = await s.connects()
    await client.opens(s.domain)
    auth(client, 'PLAIN', '')
    await client.receives([`<challenge xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
    client.send(`<response xmlns='${NS}'>${plain('', 'romeo', 'pencil')}</response>`)
    await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
  },
)

story('An account is found by any spelling that prepares to it // RFC 8265 §3.3', async (s) => {
  await s.createAccount('romeo', 'pencil')
  const client = await s.connects()
  await client.opens(s.domain)
  auth(client, 'PLAIN', plain('', 'ROMEO', 'pencil'))
  await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
})

story('One may ask to act as oneself and as nobody else // RFC 6120 §6.3.8', async (s) => {
  await s.createAccount('romeo', 'pencil')
  await s.createAccount('juliet', 'nightingale')
  const client = await s.connects()
  await client.opens(s.domain)
  for (const [mechanism, data] of [
    ['PLAIN', plain(`juliet@${s.domain}`, 'romeo', 'pencil')],
    ['PLAIN', plain('juliet', 'romeo', 'pencil')],
  ] as const) {
    auth(client, mechanism, data)
    await fails(client, 'invalid-authzid')
  }
  auth(client, 'PLAIN', plain(`romeo@${s.domain}`, 'romeo', 'pencil'))
  await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
})

const refusals: readonly [string, string, string, string][] = [
  ['a mechanism there is not', 'invalid-mechanism', 'X-OAUTH', ''],
  ['a mechanism of another family', 'invalid-mechanism', 'EXTERNAL', ''],
  ['data that is not base64', 'incorrect-encoding', 'PLAIN', '@@@@'],
  ['base64 that is cut', 'incorrect-encoding', 'PLAIN', 'AGE'],
  ['PLAIN without its parts', 'malformed-request', 'PLAIN', base64('romeo')],
  ['SCRAM that is none', 'malformed-request', 'SCRAM-SHA-256', base64('hello')],
]
for (const [what, condition, mechanism, data] of refusals)
  story(`${what} fails with ${condition} // RFC 6120 §6.5`, async (s) => {
    const client = await s.connects()
    await client.opens(s.domain)
    auth(client, mechanism, data)
    await fails(client, condition)
    await s.createAccount('romeo', 'pencil')
    auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
    await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
  })

story('A login can be broken off // RFC 6120 §6.4.4', async (s) => {
  const client = await s.connects()
  await client.opens(s.domain)
  auth(client, 'SCRAM-SHA-256', base64('n,,n=romeo,r=nonce'))
  assert.equal((await client.next()).name, 'challenge')
  client.send(`<abort xmlns='${NS}'/>`)
  await client.receives(failure('aborted'))
})

story('A response that belongs to nothing fails // RFC 6120 §6.5.8', async (s) => {
  const client = await s.connects()
  await client.opens(s.domain)
  client.send(`<response xmlns='${NS}'>AAAA</response>`)
  await client.receives(failure('malformed-request'))
})

story('A connection has five attempts', async (s) => {
  await s.createAccount('romeo', 'pencil')
  const client = await s.connects()
  await client.opens(s.domain)
  for (let attempt = 0; attempt < 5; attempt++) {
    auth(client, 'PLAIN', plain('', 'romeo', 'wrong'))
    await fails(client, 'not-authorized')
  }
  await client.receivesStreamError('policy-violation')
})

story('Mechanisms that a client cannot do are no guesses', async (s) => {
  await s.createAccount('romeo', 'pencil')
  const client = await s.connects()
  await client.opens(s.domain)
  for (let attempt = 0; attempt < 6; attempt++) {
    auth(client, 'PLAIN', base64('neither'))
    await fails(client, 'malformed-request')
  }
  auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
  await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
})

story(
  'Who guesses wrong too often has to wait, and locks nobody else out',
  async (s) => {
    await s.createAccount('romeo', 'pencil')
    await s.createAccount('juliet', 'nightingale')
    const client = await s.connects()
    await client.opens(s.domain)
    for (let attempt = 0; attempt < 3; attempt++) {
      auth(client, 'PLAIN', plain('', 'romeo', 'wrong'))
      await fails(client, 'not-authorized')
    }
    auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
    await fails(client, 'temporary-auth-failure')
    const other = await s.connects()
    await other.opens(s.domain)
    auth(other, 'PLAIN', plain('', 'juliet', 'nightingale'))
    await other.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
    // Neither has bound a resource, so neither would live that long.
    for (const actor of [client, other]) await actor.isCut()
    await s.advance(600_001)
    const later = await s.connects()
    await later.opens(s.domain)
    auth(later, 'PLAIN', plain('', 'romeo', 'pencil'))
    await later.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
  },
  { server: { auth: { guesses: { perAccount: 3, perConnection: 0 } } } },
)

story(
  'Many who log in at once with right passwords all get in',
  async (s) => {
    await s.createAccount('romeo', 'pencil')
    const clients = await Promise.all(Array.from({ length: 6 }, () => s.connects()))
    for (const client of clients) await client.opens(s.domain)
    for (const client of clients) auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
    for (const client of clients) await client.receives([`<success xmlns='${NS}'/>`] as unknown as TemplateStringsArray)
  },
  { server: { auth: { guesses: { perAccount: 2, perAddress: 3 } } } },
)

story('A disabled account says so only to who knows its password', async (s) => {
  await s.createAccount('romeo', 'pencil')
  await s.host.accounts.setDisabled('romeo', true)
  const client = await s.connects()
  await client.opens(s.domain)
  auth(client, 'PLAIN', plain('', 'romeo', 'wrong'))
  await fails(client, 'not-authorized')
  auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
  await fails(client, 'account-disabled')
})

story(
  'A wrong password is answered late',
  async (s) => {
    await s.createAccount('romeo', 'pencil')
    const client = await s.connects()
    await client.opens(s.domain)
    auth(client, 'PLAIN', plain('', 'romeo', 'wrong'))
    let answered = false
    const answer = client.next().then((el) => {
      answered = true
      return el
    })
    await s.untilTimer()
    assert.equal(answered, false)
    await s.advance(500)
    assert.equal((await answer).name, 'failure')
  },
  { server: { auth: { guesses: { delay: 500 } } } },
)

story(
  'A mechanism that was not offered is not accepted // Openfire OF-3273',
  async (s) => {
    await s.createAccount('romeo', 'pencil')
    const client = await s.connects()
    const features = await client.opens(s.domain)
    const mechanisms = features.getChild('mechanisms', NS)!.getChildElements()
    assert.deepEqual(
      mechanisms.map((el) => el.getText()),
      ['SCRAM-SHA-256'],
    )
    auth(client, 'PLAIN', plain('', 'romeo', 'pencil'))
    await fails(client, 'invalid-mechanism')
    assert.equal((await scram(client, 'sha256', 'romeo', 'pencil')).name, 'success')
  },
  { server: { auth: { mechanisms: ['SCRAM-SHA-256'] } } },
)
