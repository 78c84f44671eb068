import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { suite, test } from 'node:test'
import type { SaslContext } from '../../../src/auth/mechanism.ts'
import { Scram } from '../../../src/auth/scram.ts'
import { Throttle } from '../../../src/auth/throttle.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  bindings,
  condition,
  context,
  login,
  noLimits,
  oneAccount,
  plusOffered,
  ScramClient,
  start,
} from './sasl-bed.ts'

async function exchange(scram: Scram, first: string, final: string): Promise<string[]> {
  const answers = [await scram.step(Buffer.from(first)), await scram.step(Buffer.from(final))]
  return answers.map((step) => (step.kind === 'failure' ? step.condition : String(step.data)))
}

suite('SCRAM vectors', () => {
  test('the exchange of RFC 5802', async () => {
    // RFC 5802 §5
    const salt = Buffer.from('QSXCR+Q6sek8bf92', 'base64')
    const ctx = await context({ accounts: await oneAccount({ local: 'user', salt }) })
    const scram = new Scram('SHA-1', false, ctx, () => '3rfcNHYJY1ZVvWVs7j')
    const final = 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='
    assert.deepEqual(await exchange(scram, 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL', final), [
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    ])
  })

  test('the exchange of RFC 7677', async () => {
    // RFC 7677 §3
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
    const ctx = await context({ accounts: await oneAccount({ local: 'user', salt }) })
    const scram = new Scram('SHA-256', false, ctx, () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0')
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
    const final = `c=biws,r=${nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
    assert.deepEqual(await exchange(scram, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO', final), [
      `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ])
  })
})

suite('SCRAM', () => {
  for (const [name, hash] of [
    ['SCRAM-SHA-1', 'sha1'],
    ['SCRAM-SHA-256', 'sha256'],
    ['SCRAM-SHA-512', 'sha512'],
  ] as const)
    test(`${name} logs in and proves the server`, async () => {
      const client = new ScramClient({ hash })
      const step = await login(name, await context(), client)
      assert.partialDeepStrictEqual(step, { kind: 'success', data: Buffer.from(client.serverFinal), local: 'juliet' })
    })

  test('names that prepare to the same address are one account', async () => {
    // RFC 7622 §3.3
    const step = await login('SCRAM-SHA-256', await context(), new ScramClient({ user: 'JulieT' }))
    assert.equal(step.kind === 'success' && step.local, 'juliet')
  })

  test('names with commas and equals signs are unescaped', async () => {
    // RFC 5802 §5.1
    const ctx = await context({ accounts: await oneAccount({ local: 'a=b,c' }) })
    assert.equal((await login('SCRAM-SHA-256', ctx, new ScramClient({ user: 'a=3Db=2Cc' }))).kind, 'success')
  })

  test('its nonce is new each time and continues the client’s', async () => {
    const ctx = await context()
    const nonces = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const step = await start('SCRAM-SHA-256', ctx).step(Buffer.from('n,,n=juliet,r=abc'))
      nonces.add(/^r=abc([\x21-\x2b\x2d-\x7e]{20,}),/.exec(String(step.kind === 'challenge' && step.data))![1]!)
    }
    assert.equal(nonces.size, 3)
  })

  test('after its end it takes no more', async () => {
    const mechanism = start('SCRAM-SHA-256', await context())
    const client = new ScramClient()
    const final = client.final(await mechanism.step(client.first()))
    assert.equal((await mechanism.step(final)).kind, 'success')
    assert.equal(condition(await mechanism.step(final)), 'malformed-request')
  })

  test('a success is noted as proof that the account exists', async () => {
    const accounts = await oneAccount()
    await login('SCRAM-SHA-256', await context({ accounts }), new ScramClient({ password: 'wrong' }))
    assert.deepEqual(accounts.remembered, [])
    await login('SCRAM-SHA-256', await context({ accounts }), new ScramClient())
    assert.deepEqual(accounts.remembered, ['juliet'])
  })
})

suite('SCRAM first messages that are refused', () => {
  const rows: [what: string, message: string | Buffer, condition: string][] = [
    ['nothing', '', 'malformed-request'],
    ['no header', 'n=juliet,r=abc', 'malformed-request'],
    ['an unknown flag', 'x,,n=juliet,r=abc', 'malformed-request'],
    ['a header that is not SCRAM’s', 'F,n,,n=juliet,r=abc', 'malformed-request'],
    ['an empty authzid', 'n,a=,n=juliet,r=abc', 'malformed-request'],
    ['an extension that must be understood', 'n,,m=x,n=juliet,r=abc', 'malformed-request'],
    ['no nonce', 'n,,n=juliet', 'malformed-request'],
    ['an empty nonce', 'n,,n=juliet,r=', 'malformed-request'],
    ['a nonce with a space', 'n,,n=juliet,r=a b', 'malformed-request'],
    ['no user', 'n,,n=,r=abc', 'malformed-request'],
    ['a bare equals sign in the user', 'n,,n=ju=liet,r=abc', 'malformed-request'],
    ['a lower-case escape', 'n,,n=ju=2cliet,r=abc', 'malformed-request'],
    ['a NUL', 'n,,n=jul\0iet,r=abc', 'malformed-request'],
    ['bytes that are not UTF-8', Buffer.from('n,,n=jul\xff,r=abc', 'latin1'), 'malformed-request'],
    ['a binding without -PLUS', 'p=tls-exporter,,n=juliet,r=abc', 'malformed-request'],
    ['another account to act as', 'n,a=romeo@verona.lit,n=juliet,r=abc', 'invalid-authzid'],
    ['the same name on another host to act as', 'n,a=juliet@mantua.lit,n=juliet,r=abc', 'invalid-authzid'],
    ['a full address to act as', 'n,a=juliet@verona.lit/balcony,n=juliet,r=abc', 'invalid-authzid'],
    ['the host to act as', 'n,a=verona.lit,n=juliet,r=abc', 'invalid-authzid'],
    ['no address to act as', 'n,a=@,n=juliet,r=abc', 'invalid-authzid'],
    ['another account to act as, and no user', 'n,a=romeo@verona.lit,n=a b,r=abc', 'invalid-authzid'],
    ['a user that is no localpart', 'n,,n=jul iet,r=abc', 'not-authorized'],
    ['an address as the user', 'n,,n=juliet@verona.lit,r=abc', 'not-authorized'],
  ]
  for (const [what, message, expected] of rows)
    test(what, async () => {
      const step = await start('SCRAM-SHA-256', await context()).step(Buffer.from(message as string))
      assert.equal(condition(step), expected)
    })

  test('one’s own bare address to act as is accepted, however it is written', async () => {
    // RFC 6120 §6.3.8
    for (const gs2 of ['n,a=juliet@verona.lit,', 'n,a=Juliet@VERONA.lit,'])
      assert.equal((await login('SCRAM-SHA-256', await context(), new ScramClient({ gs2 }))).kind, 'success')
  })
})

suite('SCRAM final messages that are refused', () => {
  const same = (text: string): string => text
  const rows: [what: string, change: (t: string) => string, spoil: (t: string) => string, condition: string][] = [
    ['another nonce', (t) => t.replace(/r=.*/, 'r=abcdefXXXXXXXXXXXXXXXXXXXXXXXX'), same, 'not-authorized'],
    ['a nonce cut short', (t) => t.slice(0, -1), same, 'not-authorized'],
    ['only the client’s nonce', (t) => t.replace(/r=.*/, 'r=abcdef'), same, 'not-authorized'],
    ['another header', (t) => t.replace('c=biws', 'c=eSws'), same, 'not-authorized'],
    ['binding data where there is none', (t) => t.replace('c=biws', 'c=biwsAAAA'), same, 'not-authorized'],
    ['a binding that is not base64', (t) => t.replace('c=biws', 'c=b!ws'), same, 'malformed-request'],
    ['no binding', (t) => t.replace('c=biws,', ''), same, 'malformed-request'],
    ['no proof', same, (t) => t.replace(/,p=.*/, ''), 'malformed-request'],
    ['an empty proof', same, (t) => t.replace(/,p=.*/, ',p='), 'malformed-request'],
    ['a proof that is not base64', same, (t) => t.replace(/,p=.*/, ',p=abc'), 'malformed-request'],
    ['a proof cut short', same, (t) => t.replace(/,p=.*/, ',p=AAAA'), 'not-authorized'],
    ['a proof with more behind it', same, (t) => t.replace(/p=(.*)=$/, 'p=$1A'), 'not-authorized'],
    ['something after the proof', same, (t) => `${t},x=y`, 'malformed-request'],
    ['an attribute slipped in after signing', same, (t) => t.replace(',p=', ',x=y,p='), 'not-authorized'],
  ]
  for (const [what, change, spoil, expected] of rows)
    test(what, async () => {
      const mechanism = start('SCRAM-SHA-256', await context())
      const client = new ScramClient()
      const final = client.final(await mechanism.step(client.first()), change, spoil)
      assert.equal(condition(await mechanism.step(final)), expected)
    })

  test('an extension that need not be understood is signed and carried', async () => {
    const mechanism = start('SCRAM-SHA-256', await context())
    const client = new ScramClient()
    const final = client.final(await mechanism.step(client.first()), (text) => `${text},x=y`)
    assert.equal((await mechanism.step(final)).kind, 'success')
  })

  test('a wrong password', async () => {
    const step = await login('SCRAM-SHA-256', await context(), new ScramClient({ password: 'pen' }))
    assert.deepEqual(step, { kind: 'failure', condition: 'not-authorized' })
  })

  test('a hash the password is not kept for', async () => {
    const ctx = await context({ accounts: await oneAccount({ hashes: ['SHA-1'] }) })
    const refused = await login('SCRAM-SHA-256', ctx, new ScramClient())
    assert.deepEqual(refused, { kind: 'failure', condition: 'not-authorized' })
    assert.equal((await login('SCRAM-SHA-1', ctx, new ScramClient({ hash: 'sha1' }))).kind, 'success')
  })

  test('a disabled account is told so only with the right password', async () => {
    // RFC 6120 §6.5.2
    const ctx = await context({ accounts: await oneAccount({ disabled: true }) })
    assert.equal(condition(await login('SCRAM-SHA-256', ctx, new ScramClient({ password: 'pen' }))), 'not-authorized')
    assert.equal(condition(await login('SCRAM-SHA-256', ctx, new ScramClient())), 'account-disabled')
  })
})

suite('SCRAM with channel binding', () => {
  const bound = async (changes: Partial<SaslContext> = {}): Promise<SaslContext> =>
    await context({ binding: bindings({ 'tls-exporter': 'KEYS' }), offered: plusOffered, ...changes })

  test('data of the channel, under the type the client names', async () => {
    // RFC 5802 §6
    const client = new ScramClient({ gs2: 'p=tls-exporter,,', bindingData: 'KEYS' })
    assert.equal((await login('SCRAM-SHA-256-PLUS', await bound(), client)).kind, 'success')
  })

  test('data of another channel is refused: somebody is in between', async () => {
    // RFC 5802 §6
    for (const bindingData of ['KEYZ', 'KEY', '', 'KEYS!']) {
      const client = new ScramClient({ gs2: 'p=tls-exporter,,', bindingData })
      const step = await login('SCRAM-SHA-256-PLUS', await bound(), client)
      assert.equal(condition(step), 'not-authorized', bindingData)
    }
  })

  test('a type this channel does not have is refused', async () => {
    for (const type of ['tls-unique', 'tls-server-end-point', 'constructor', 'x']) {
      const client = new ScramClient({ gs2: `p=${type},,`, bindingData: 'KEYS' })
      assert.equal(condition(await login('SCRAM-SHA-256-PLUS', await bound(), client)), 'malformed-request', type)
    }
  })

  test('-PLUS without a binding is refused', async () => {
    for (const gs2 of ['n,,', 'y,,'])
      assert.equal(
        condition(await login('SCRAM-SHA-256-PLUS', await bound(), new ScramClient({ gs2 }))),
        'malformed-request',
      )
  })

  test('a client that was not shown -PLUS though it was offered is told of the downgrade', async () => {
    // RFC 5802 §6
    const step = await login('SCRAM-SHA-256', await bound(), new ScramClient({ gs2: 'y,,' }))
    assert.equal(condition(step), 'not-authorized')
  })

  test('a client that could bind logs in where nothing was offered to bind to', async () => {
    // RFC 5802 §6
    assert.equal((await login('SCRAM-SHA-256', await context(), new ScramClient({ gs2: 'y,,' }))).kind, 'success')
  })

  test('a client that cannot bind logs in without', async () => {
    assert.equal((await login('SCRAM-SHA-256', await bound(), new ScramClient({ gs2: 'n,,' }))).kind, 'success')
  })
})

suite('strangers and SCRAM', () => {
  const challenge = async (
    user: string,
    changes: Partial<SaslContext> = {},
    name = 'SCRAM-SHA-256',
  ): Promise<string> => {
    const step = await start(name, await context(changes)).step(Buffer.from(`n,,n=${user},r=abc`))
    return step.kind === 'challenge' ? step.data.toString().replace(/^r=[^,]*,/, '') : step.kind
  }

  test('get a salt that stays the same, of the form an account has', async () => {
    const [salt, again, prepared] = [
      await challenge('mercutio'),
      await challenge('mercutio'),
      await challenge('MERCUTIO'),
    ]
    assert.match(salt, /^s=[A-Za-z0-9+/]{22}==,i=4096$/)
    assert.match(await challenge('juliet'), /^s=[A-Za-z0-9+/]{22}==,i=4096$/)
    assert.equal(again, salt)
    assert.equal(prepared, salt)
  })

  test('get a salt of their own, that nobody else can compute', async () => {
    const salt = await challenge('mercutio')
    assert.notEqual(await challenge('tybalt'), salt)
    assert.notEqual(await challenge('mercutio', {}, 'SCRAM-SHA-1'), salt)
    assert.notEqual(await challenge('mercutio', { host: 'mantua.lit' }), salt)
    assert.notEqual(await challenge('mercutio', { decoySecret: Buffer.from('another') }), salt)
  })

  test('are refused in the words of a wrong password', async () => {
    const ctx = await context()
    const wrong = await login('SCRAM-SHA-256', ctx, new ScramClient({ password: 'pen' }))
    assert.deepEqual(await login('SCRAM-SHA-256', ctx, new ScramClient({ user: 'mercutio' })), wrong)
  })

  test('cost the same computations as a wrong password', async (t) => {
    const count = async (user: string): Promise<number[]> => {
      const mechanism = start('SCRAM-SHA-256', await context())
      const client = new ScramClient({ user, password: 'pen' })
      const counted = ['createHmac', 'hash', 'pbkdf2', 'timingSafeEqual'] as const
      const mocks: { mock: { callCount(): number; restore(): void } }[] = []
      const measured = async <T>(work: () => Promise<T>): Promise<T> => {
        mocks.push(...counted.map((name) => t.mock.method(crypto, name)))
        syncBuiltinESMExports()
        const result = await work()
        for (const { mock } of mocks) mock.restore()
        syncBuiltinESMExports()
        return result
      }
      const first = await measured(() => mechanism.step(client.first()))
      const final = client.final(first)
      assert.equal(condition(await measured(() => mechanism.step(final))), 'not-authorized')
      return mocks.map(({ mock }) => mock.callCount())
    }
    const known = await count('juliet')
    assert.deepEqual(await count('mercutio'), known)
    assert.ok(known.slice(0, 4).some((n) => n > 0) && known.slice(4).some((n) => n > 0), 'nothing was counted')
  })
})

suite('guessing with SCRAM', () => {
  test('stops after so many wrong ones, for a stranger as for an account', async () => {
    for (const user of ['juliet', 'mercutio']) {
      const throttle = new Throttle({ ...noLimits, perAccount: 2 }, new FakeClock())
      const ctx = await context({ throttle })
      const guess = async (): Promise<string> =>
        condition(await login('SCRAM-SHA-256', ctx, new ScramClient({ user, password: 'pen' })))
      assert.deepEqual(
        [await guess(), await guess(), await guess()],
        ['not-authorized', 'not-authorized', 'temporary-auth-failure'],
      )
    }
  })

  test('gains nothing by many exchanges at once', async () => {
    const ctx = await context({ throttle: new Throttle({ ...noLimits, perAccount: 2 }, new FakeClock()) })
    const client = new ScramClient({ password: 'pen' })
    const mechanisms = Array.from({ length: 4 }, () => start('SCRAM-SHA-256', ctx))
    const challenges = await Promise.all(mechanisms.map((m) => m.step(client.first())))
    const ends = await Promise.all(mechanisms.map((m, i) => m.step(client.final(challenges[i]!))))
    assert.equal(ends.filter((step) => condition(step) === 'temporary-auth-failure').length, 2)
  })

  test('is answered late', async () => {
    const clock = new FakeClock()
    const ctx = await context({ throttle: new Throttle({ ...noLimits, delayMs: 500 }, clock) })
    const mechanism = start('SCRAM-SHA-256', ctx)
    const client = new ScramClient({ password: 'pen' })
    const final = client.final(await mechanism.step(client.first()))
    let answered = false
    const answer = mechanism.step(final).finally(() => {
      answered = true
    })
    clock.advance(499)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(answered, false)
    clock.advance(1)
    assert.equal(condition(await answer), 'not-authorized')
  })
})
