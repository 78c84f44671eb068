import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { test } from 'node:test'
import { AccountStore } from '../../../src/auth/account-store.ts'
import { AccountError, Accounts } from '../../../src/auth/accounts.ts'
import { deriveKeys, type ScramHash } from '../../../src/auth/scram-keys.ts'
import type { Database, Statement } from '../../../src/storage/database.ts'
import { eachDatabase } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { context, host, login, ScramClient } from './sasl-bed.ts'

const iterations = 4096

function bed(
  db: Database,
  changes: { iterations?: number; host?: string } = {},
): { accounts: Accounts; clock: FakeClock } {
  const clock = new FakeClock()
  return {
    clock,
    accounts: new Accounts(db, changes.host ?? host, { iterations: changes.iterations ?? iterations, clock }),
  }
}

const fails = (code: AccountError['code']) => (error: unknown) => error instanceof AccountError && error.code === code

/** How many statements `work` costs. */
async function queriesOf(db: Database, work: () => Promise<unknown>): Promise<number> {
  const before = db.queries
  await work()
  return db.queries - before
}

/** Keeps an account that has keys for some hashes only, as from another server. */
async function keepWith(db: Database, local: string, hashes: ScramHash[]): Promise<void> {
  const keys = await Promise.all(hashes.map((hash) => deriveKeys(hash, 'pencil', Buffer.from('salt'), iterations)))
  await new AccountStore(db, host).insert({ local, folded: local, createdMs: 0, keys })
}

eachDatabase((open) => {
  test('an account is made, shown and deleted', async () => {
    const { accounts, clock } = bed(await open())
    assert.equal(String(await accounts.create('Juliet', 'pencil')), 'juliet@verona.lit')
    const expected = {
      local: 'juliet',
      createdMs: clock.now(),
      state: { kind: 'active' },
      hashes: ['SHA-512', 'SHA-256', 'SHA-1'],
    }
    assert.deepEqual(await accounts.get('juliet'), expected)
    assert.equal(await accounts.delete('juliet'), true)
    assert.equal(await accounts.delete('juliet'), false)
    assert.equal(await accounts.get('juliet'), undefined)
  })

  test('names that prepare to the same address are one account', async () => {
    // RFC 7622 §3.3
    const { accounts } = bed(await open())
    await accounts.create('juliet', 'pencil')
    for (const name of ['juliet', 'JULIET', 'ｊｕｌｉｅｔ'])
      await assert.rejects(accounts.create(name, 'pencil'), fails('conflict'), name)
  })

  test('a name that looks like another’s is refused, and one that differs is not', async () => {
    const { accounts } = bed(await open())
    await accounts.create('weiß', 'pencil')
    await assert.rejects(accounts.create('weiss', 'pencil'), fails('look-alike'))
    await accounts.create('bob', 'pencil')
    await accounts.create('böb', 'pencil')
    await accounts.delete('weiß')
    await accounts.create('weiss', 'pencil')
    assert.deepEqual(await accounts.list(undefined, 10), ['bob', 'böb', 'weiss'])
  })

  test('of two that make an account at once, one is told of the conflict', async () => {
    const { accounts } = bed(await open())
    const ends = await Promise.allSettled([accounts.create('juliet', 'a'), accounts.create('juliet', 'b')])
    const refused = ends.filter((end) => end.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.ok(fails('conflict')(refused[0]!.reason))
  })

  test('names that are none and passwords that are none are refused', async () => {
    const { accounts } = bed(await open())
    for (const name of ['', 'a b', 'a@b', 'a/b', `${'é'.repeat(256)}`])
      await assert.rejects(accounts.create(name, 'pencil'), fails('invalid'), name)
    for (const password of ['', '\u00ad', 'a\u0007b'])
      await assert.rejects(accounts.create('juliet', password), fails('invalid-password'), JSON.stringify(password))
    assert.deepEqual(await accounts.list(undefined, 10), [])
  })

  test('passwords are compared as SASLprep has them', async () => {
    // RFC 4013 §2.1, §2.2
    const { accounts } = bed(await open())
    await accounts.create('juliet', 'Ⅸ\u00a0pencil 🖉')
    assert.equal(await accounts.verifyPassword('juliet', 'IX pencil 🖉'), true)
    assert.equal(await accounts.verifyPassword('juliet', 'ix pencil 🖉'), false)
    assert.equal(await accounts.verifyPassword('juliet', 'a\u0007b'), false)
  })

  test('the password itself is nowhere in the database', async () => {
    const db = await open()
    await bed(db).accounts.create('juliet', 'a-password-of-hers')
    const rows = JSON.stringify([await db.knex('accounts').select(), await db.knex('credentials').select()])
    const needles = ['utf8', 'hex', 'base64'].map((e) =>
      Buffer.from('a-password-of-hers').toString(e as BufferEncoding),
    )
    const bytes = JSON.stringify([...Buffer.from('a-password-of-hers')]).slice(1, -1)
    for (const needle of [...needles, bytes]) assert.ok(!rows.includes(needle), needle)
  })

  test('each account and hash has a salt of its own', async () => {
    const db = await open()
    const { accounts } = bed(db)
    await accounts.create('juliet', 'pencil')
    await accounts.create('romeo', 'pencil')
    const salts = await db.knex('credentials').pluck('salt')
    assert.equal(new Set(salts.map((salt: Buffer) => salt.toString('hex'))).size, 6)
  })

  test('a new password counts, the old one does not', async () => {
    const { accounts } = bed(await open())
    await accounts.create('juliet', 'pencil')
    await accounts.setPassword('juliet', 'crayon')
    assert.equal(await accounts.verifyPassword('juliet', 'crayon'), true)
    assert.equal(await accounts.verifyPassword('juliet', 'pencil'), false)
    await assert.rejects(accounts.setPassword('romeo', 'crayon'), fails('not-found'))
    await assert.rejects(accounts.setPassword('juliet', ''), fails('invalid-password'))
  })

  test('a disabled account logs in no more, and says so only to its owner', async () => {
    const { accounts } = bed(await open())
    await accounts.create('juliet', 'pencil')
    await accounts.setDisabled('juliet', true)
    assert.equal((await accounts.checkLogin('juliet', 'pencil')).verdict, 'disabled')
    assert.equal((await accounts.checkLogin('juliet', 'pen')).verdict, 'wrong')
    assert.equal(await accounts.verifyPassword('juliet', 'pencil'), false)
    await accounts.setDisabled('juliet', false)
    assert.equal(await accounts.verifyPassword('juliet', 'pencil'), true)
    await assert.rejects(accounts.setDisabled('romeo', true), fails('not-found'))
  })

  test('a real account logs in with every SCRAM', async () => {
    const { accounts } = bed(await open())
    await accounts.create('juliet', 'pencil')
    for (const hash of ['SHA-1', 'SHA-256', 'SHA-512']) {
      const client = new ScramClient({ hash: hash.toLowerCase().replace('-', '') })
      const step = await login(`SCRAM-${hash}`, await context({ accounts }), client)
      assert.partialDeepStrictEqual(step, { kind: 'success', data: Buffer.from(client.serverFinal), local: 'juliet' })
    }
  })

  test('hosts do not share accounts', async () => {
    const db = await open()
    const [verona, mantua] = [bed(db).accounts, bed(db, { host: 'mantua.lit' }).accounts]
    await verona.create('juliet', 'pencil')
    await mantua.create('juliet', 'crayon')
    assert.equal(await verona.verifyPassword('juliet', 'crayon'), false)
    await mantua.delete('juliet')
    assert.equal(await verona.exists('juliet'), true)
    assert.deepEqual(await mantua.list(undefined, 10), [])
  })

  test('accounts are listed by pages', async () => {
    const { accounts } = bed(await open())
    for (const name of ['c', 'a', 'b']) await accounts.create(name, 'pencil')
    assert.deepEqual(await accounts.list(undefined, 2), ['a', 'b'])
    assert.deepEqual(await accounts.list('b', 2), ['c'])
    assert.deepEqual(await accounts.list('c', 2), [])
  })

  test('asking again whether somebody exists costs no query', async () => {
    const db = await open()
    const { accounts } = bed(db)
    await accounts.create('juliet', 'pencil')
    assert.equal(await queriesOf(db, () => accounts.exists('juliet')), 0)
    assert.equal(await queriesOf(db, () => accounts.exists('mercutio')), 1)
    assert.equal(await queriesOf(db, () => accounts.exists('mercutio')), 0)
    assert.equal(await accounts.exists('juliet'), true)
    assert.equal(await accounts.exists('mercutio'), false)
  })

  test('what is remembered follows making and deleting', async () => {
    const { accounts } = bed(await open())
    assert.equal(await accounts.exists('juliet'), false)
    await accounts.create('juliet', 'pencil')
    assert.equal(await accounts.exists('juliet'), true)
    await accounts.delete('juliet')
    assert.equal(await accounts.exists('juliet'), false)
  })

  test('what another process makes is seen in seconds, or at the first login', async () => {
    const db = await open()
    const [here, there] = [bed(db), bed(db)]
    await here.accounts.exists('juliet')
    await here.accounts.exists('romeo')
    await there.accounts.create('juliet', 'pencil')
    await there.accounts.create('romeo', 'pencil')
    assert.equal(await here.accounts.verifyPassword('juliet', 'pencil'), true)
    assert.equal(await here.accounts.exists('juliet'), true)
    here.clock.advance(5_000)
    assert.equal(await here.accounts.exists('romeo'), true)
  })

  test('an answer that was on its way when the account was made is not remembered', async () => {
    const db = await open()
    const gate = Promise.withResolvers<void>()
    let late = true
    const slow: Database = Object.assign(Object.create(db), {
      transaction: db.transaction.bind(db),
      knex: db.knex,
      rows: async (statement: Statement) => {
        const isFirst = late
        late = false
        const rows = await db.rows(statement)
        if (isFirst) await gate.promise
        return rows
      },
    })
    const { accounts } = bed(slow)
    const early = accounts.exists('juliet')
    await accounts.create('juliet', 'pencil')
    gate.resolve()
    await early
    assert.equal(await accounts.exists('juliet'), true)
  })

  test('keys that are missing are made at a login that shows the password', async () => {
    const db = await open()
    const { accounts } = bed(db)
    await keepWith(db, 'juliet', ['SHA-1'])
    assert.equal((await accounts.checkLogin('juliet', 'pen')).verdict, 'wrong')
    assert.deepEqual((await accounts.get('juliet'))?.hashes, ['SHA-1'])
    await login('SCRAM-SHA-1', await context({ accounts }), new ScramClient({ hash: 'sha1' }))
    assert.deepEqual((await accounts.get('juliet'))?.hashes, ['SHA-1'])
    assert.equal((await accounts.checkLogin('juliet', 'pencil')).verdict, 'right')
    assert.deepEqual((await accounts.get('juliet'))?.hashes, ['SHA-512', 'SHA-256', 'SHA-1'])
    assert.equal((await accounts.checkLogin('juliet', 'pencil')).verdict, 'right')
  })

  test('keys made with fewer rounds than configured are made anew, others left alone', async () => {
    const db = await open()
    await bed(db).accounts.create('juliet', 'pencil')
    const kept = async (): Promise<string> => JSON.stringify(await db.knex('credentials').select().orderBy('hash'))
    const before = await kept()
    await bed(db).accounts.checkLogin('juliet', 'pencil')
    assert.equal(await kept(), before)
    const { accounts } = bed(db, { iterations: 5000 })
    await accounts.checkLogin('juliet', 'pencil')
    assert.equal((await accounts.login('juliet', 'SHA-256'))?.keys?.iterations, 5000)
    assert.equal(await accounts.verifyPassword('juliet', 'pencil'), true)
  })

  test('an upgrade does not bring a password back that was changed meanwhile', async () => {
    const db = await open()
    await keepWith(db, 'juliet', ['SHA-1'])
    const store = new AccountStore(db, host)
    const verified = (await store.find('juliet'))!.keys[0]!
    const { accounts } = bed(db)
    await accounts.setPassword('juliet', 'crayon')
    const stale = await deriveKeys('SHA-1', 'pencil', Buffer.from('salt'), iterations)
    assert.equal(await store.replaceKeys('juliet', [stale], verified), undefined)
    assert.equal(await accounts.verifyPassword('juliet', 'crayon'), true)
  })

  test('keys that a client has derived wrongly lock nobody out // XEP-0480, ejabberd 4301', async () => {
    const db = await open()
    await keepWith(db, 'mercutio', ['SHA-1'])
    const { accounts } = bed(db)
    const { keys: verified } = (await accounts.login('mercutio', 'SHA-1'))!
    const wrong = await deriveKeys('SHA-512', 'pen', Buffer.from('salt'), iterations)
    assert.equal(await accounts.addKeys('mercutio', wrong, verified!), true)
    assert.equal((await accounts.checkLogin('mercutio', 'pencil')).verdict, 'right')
    assert.deepEqual((await accounts.get('mercutio'))!.hashes, ['SHA-512', 'SHA-256', 'SHA-1'])
    const { keys } = (await accounts.login('mercutio', 'SHA-512'))!
    assert.notDeepEqual(keys!.storedKey, wrong.storedKey)
    assert.equal((await accounts.checkLogin('mercutio', 'pen')).verdict, 'wrong')
  })

  test('a login goes well although new keys cannot be kept', async () => {
    const db = await open()
    await keepWith(db, 'juliet', ['SHA-1'])
    const failures: unknown[] = []
    const broken: Database = Object.assign(Object.create(db), {
      rows: db.rows.bind(db),
      transaction: () => Promise.reject(new Error('the disk is full')),
    })
    const options = { iterations, clock: new FakeClock(), onUpgradeFailure: (e: unknown) => void failures.push(e) }
    assert.equal((await new Accounts(broken, host, options).checkLogin('juliet', 'pencil')).verdict, 'right')
    assert.match(String(failures), /disk is full/)
  })

  test('a stranger’s password costs the same queries and derivations as a wrong one', async (t) => {
    const db = await open()
    const { accounts } = bed(db)
    await accounts.create('juliet', 'pencil')
    await keepWith(db, 'benvolio', ['SHA-1'])
    const cost = async (local: string): Promise<number[]> => {
      const mocks = (['pbkdf2', 'createHmac', 'createHash', 'timingSafeEqual'] as const).map((n) =>
        t.mock.method(crypto, n),
      )
      syncBuiltinESMExports()
      const queries = await queriesOf(db, () => accounts.checkLogin(local, 'pen'))
      const rounds = mocks[0]!.mock.calls.map((call) => call.arguments[2] as number)
      for (const { mock } of mocks) mock.restore()
      syncBuiltinESMExports()
      return [queries, ...rounds, ...mocks.map(({ mock }) => mock.callCount())]
    }
    const known = await cost('juliet')
    assert.deepEqual(await cost('mercutio'), known)
    assert.deepEqual(await cost('benvolio'), known)
    assert.deepEqual(known.slice(0, 5), [1, iterations, iterations, iterations, 3])
    assert.equal(await queriesOf(db, () => accounts.login('juliet', 'SHA-256')), 1)
    assert.equal(await queriesOf(db, () => accounts.login('mercutio', 'SHA-256')), 1)
  })

  test('as much is read for a stranger as for an account // OF-3258', async () => {
    const db = await open()
    const { accounts } = bed(db)
    const read: number[] = []
    const watched: Database = Object.assign(Object.create(db), {
      rows: async (statement: Parameters<Database['rows']>[0]) => {
        const rows = await db.rows(statement)
        read.push(rows.length)
        return rows
      },
    })
    await accounts.create('juliet', 'pencil')
    for (const [local, domain] of [['juliet'], ['mercutio'], ['juliet', 'mantua.lit']] as const) {
      const found = await new AccountStore(watched, domain ?? host).find(local)
      assert.equal(found?.local, local === 'juliet' && domain === undefined ? local : undefined)
    }
    assert.deepEqual(read, [3, 3, 3])
  })

  test('no more than two passwords are derived at once', async (t) => {
    const { accounts } = bed(await open())
    let running = 0
    let most = 0
    const real = crypto.pbkdf2
    t.mock.method(crypto, 'pbkdf2', ((...args: Parameters<typeof real>) => {
      most = Math.max(most, ++running)
      const done = args[5]
      real(args[0], args[1], args[2], args[3], args[4], (error, key) => {
        running--
        done(error, key)
      })
    }) as typeof real)
    syncBuiltinESMExports()
    try {
      await Promise.all(Array.from({ length: 8 }, () => accounts.checkLogin('mercutio', 'pen')))
    } finally {
      t.mock.restoreAll()
      syncBuiltinESMExports()
    }
    assert.equal(most, 2)
  })
})
