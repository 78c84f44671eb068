import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Throttle } from '../../../src/auth/throttle.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { condition, context, noLimits, oneAccount, start } from './sasl-bed.ts'

const answer = async (message: string | Buffer, accounts = oneAccount()): Promise<string> =>
  condition(await start('PLAIN', await context({ accounts: await accounts })).step(Buffer.from(message as string)))

suite('PLAIN', () => {
  test('logs in with user and password', async () => {
    // RFC 4616 §2
    const step = await start('PLAIN', await context()).step(Buffer.from('\0juliet\0pencil'))
    assert.partialDeepStrictEqual(step, { kind: 'success', local: 'juliet' })
  })

  test('prepares the user name', async () => {
    const step = await start('PLAIN', await context()).step(Buffer.from('\0Juliet\0pencil'))
    assert.equal(step.kind === 'success' && step.local, 'juliet')
  })

  const rows: [what: string, message: string | Buffer, condition: string][] = [
    ['a wrong password', '\0juliet\0pen', 'not-authorized'],
    ['a stranger', '\0mercutio\0pencil', 'not-authorized'],
    ['a user that is no localpart', '\0jul iet\0pencil', 'not-authorized'],
    ['one’s own address to act as', 'juliet@verona.lit\0juliet\0pencil', 'success'],
    ['one’s own address to act as, written otherwise', 'JULIET@verona.lit\0juliet\0pencil', 'success'],
    // RFC 6120 §6.3.8
    ['another account to act as', 'romeo@verona.lit\0juliet\0pencil', 'invalid-authzid'],
    ['another account to act as, and a wrong password', 'romeo@verona.lit\0juliet\0pen', 'invalid-authzid'],
    ['another account to act as, as a stranger', 'juliet@verona.lit\0mercutio\0pen', 'invalid-authzid'],
    ['a full address to act as', 'juliet@verona.lit/a\0juliet\0pencil', 'invalid-authzid'],
    ['a mere name to act as', 'juliet\0juliet\0pencil', 'invalid-authzid'],
    ['the host to act as, without a user name that is one', 'verona.lit\0a b\0pencil', 'invalid-authzid'],
    ['nothing', '', 'malformed-request'],
    ['no password', '\0juliet', 'malformed-request'],
    ['an empty password', '\0juliet\0', 'malformed-request'],
    ['an empty user', '\0\0pencil', 'malformed-request'],
    ['something after the password', '\0juliet\0pencil\0', 'malformed-request'],
    ['bytes that are not UTF-8', Buffer.from('\0juliet\0penc\xff', 'latin1'), 'malformed-request'],
  ]
  for (const [what, message, expected] of rows) test(what, async () => assert.equal(await answer(message), expected))

  test('a disabled account is told so only with the right password', async () => {
    // RFC 6120 §6.5.2
    assert.equal(await answer('\0juliet\0pencil', oneAccount({ disabled: true })), 'account-disabled')
    assert.equal(await answer('\0juliet\0pen', oneAccount({ disabled: true })), 'not-authorized')
  })

  test('too many wrong ones make the address wait, though the next is right', async () => {
    const ctx = await context({ throttle: new Throttle({ ...noLimits, perAccount: 2 }, new FakeClock()) })
    const guess = async (password: string): Promise<string> =>
      condition(await start('PLAIN', ctx).step(Buffer.from(`\0juliet\0${password}`)))
    assert.deepEqual(
      [await guess('a'), await guess('b'), await guess('pencil')],
      ['not-authorized', 'not-authorized', 'temporary-auth-failure'],
    )
  })

  test('a check that could not be made is no wrong guess', async () => {
    const accounts = await oneAccount()
    const check = accounts.checkLogin
    accounts.checkLogin = async () => {
      throw new Error('the database is away')
    }
    const ctx = await context({ accounts, throttle: new Throttle({ ...noLimits, perAccount: 1 }, new FakeClock()) })
    await assert.rejects(start('PLAIN', ctx).step(Buffer.from('\0juliet\0pencil')), /database is away/)
    accounts.checkLogin = check
    assert.equal((await start('PLAIN', ctx).step(Buffer.from('\0juliet\0pencil'))).kind, 'success')
  })
})
