import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Throttle, type ThrottleOptions } from '../../../src/auth/throttle.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function bed(options: Partial<ThrottleOptions>): { throttle: Throttle; clock: FakeClock } {
  const clock = new FakeClock()
  const defaults = { perAddress: 0, perAccount: 0, windowMs: 60_000, delayMs: 0 }
  return { throttle: new Throttle({ ...defaults, ...options }, clock), clock }
}

/** Guesses until told to wait, at most ten times. */
function guesses(throttle: Throttle, address: string, account = 'juliet@verona.lit'): number {
  let made = 0
  while (made < 10 && throttle.guess(address, account) !== undefined) made++
  return made
}

suite('the throttle', () => {
  test('makes an address wait for the account it guesses at', () => {
    const { throttle } = bed({ perAccount: 3 })
    assert.equal(guesses(throttle, '192.0.2.1'), 3)
    assert.equal(throttle.isOpen('192.0.2.1', 'juliet@verona.lit'), false)
  })

  test('never makes others wait for that account', () => {
    const { throttle } = bed({ perAccount: 3 })
    guesses(throttle, '192.0.2.1')
    assert.equal(throttle.isOpen('192.0.2.2', 'juliet@verona.lit'), true)
  })

  test('lets the address on to other accounts until its own measure is full', () => {
    const { throttle } = bed({ perAccount: 3, perAddress: 5 })
    assert.equal(guesses(throttle, '192.0.2.1', 'juliet@verona.lit'), 3)
    assert.equal(guesses(throttle, '192.0.2.1', 'romeo@verona.lit'), 2)
    assert.equal(throttle.isOpen('192.0.2.1', 'nurse@verona.lit'), false)
    assert.equal(throttle.isOpen('192.0.2.2', 'nurse@verona.lit'), true)
  })

  test('forgets evenly over the window', () => {
    const { throttle, clock } = bed({ perAccount: 3, windowMs: 60_000 })
    guesses(throttle, '192.0.2.1')
    clock.advance(19_900)
    assert.equal(guesses(throttle, '192.0.2.1'), 0)
    clock.advance(200)
    assert.equal(guesses(throttle, '192.0.2.1'), 1)
    clock.advance(60_100)
    assert.equal(guesses(throttle, '192.0.2.1'), 3)
  })

  test('a right password forgets the wrong ones for the account, and keeps those of the address', () => {
    const { throttle } = bed({ perAccount: 3, perAddress: 5 })
    throttle.guess('192.0.2.1', 'juliet@verona.lit')
    throttle.guess('192.0.2.1', 'juliet@verona.lit')
    throttle.guess('192.0.2.1', 'juliet@verona.lit')!.right()
    assert.equal(guesses(throttle, '192.0.2.1', 'juliet@verona.lit'), 3)
    assert.equal(throttle.isOpen('192.0.2.1', 'romeo@verona.lit'), false)
  })

  test('a guess is settled once', () => {
    const { throttle } = bed({ perAddress: 2 })
    const guess = throttle.guess('192.0.2.1', 'juliet@verona.lit')!
    throttle.guess('192.0.2.1', 'romeo@verona.lit')
    guess.cancel()
    guess.cancel()
    guess.right()
    assert.equal(guesses(throttle, '192.0.2.1'), 1)
  })

  test('a guess counts from its beginning', () => {
    const { throttle } = bed({ perAccount: 1 })
    const guess = throttle.guess('192.0.2.1', 'juliet@verona.lit')!
    assert.equal(throttle.guess('192.0.2.1', 'juliet@verona.lit'), undefined)
    guess.cancel()
    assert.notEqual(throttle.guess('192.0.2.1', 'juliet@verona.lit'), undefined)
  })

  test('opens when what is being checked has turned out right, or so many are wrong that it must wait', async () => {
    const { throttle } = bed({ perAddress: 2 })
    const checks = [1, 2].map(() => throttle.guess('192.0.2.1', 'juliet@verona.lit')!)
    const heard: boolean[] = []
    const opens = throttle.opens('192.0.2.1', 'romeo@verona.lit').then((open) => heard.push(open))
    await Promise.resolve()
    assert.deepEqual(heard, [])
    checks[0]!.right()
    await opens
    assert.deepEqual(heard, [true])
    assert.notEqual(throttle.guess('192.0.2.1', 'romeo@verona.lit'), undefined)
    const { throttle: other } = bed({ perAddress: 1 })
    const check = other.guess('192.0.2.1', 'juliet@verona.lit')!
    const second = other.guessInTurn('192.0.2.1', 'romeo@verona.lit')
    check.wrong()
    assert.equal(await second, undefined)
  })

  test('one account’s wrong guesses do not wait for what is being checked for another', async () => {
    const { throttle } = bed({ perAccount: 1 })
    throttle.guess('192.0.2.1', 'juliet@verona.lit')!.wrong()
    throttle.guess('192.0.2.1', 'romeo@verona.lit')
    assert.equal(await throttle.opens('192.0.2.1', 'juliet@verona.lit'), false)
  })

  test('takes a /64 of IPv6 for one address, however it is written', () => {
    const { throttle } = bed({ perAddress: 3 })
    guesses(throttle, '2001:db8:0:7::1')
    for (const address of ['2001:DB8:0:7:a:b:c:d', '2001:db8:0:7::', '2001:db8::7:1:2:3:4'])
      assert.equal(throttle.isOpen(address, 'romeo@verona.lit'), false, address)
    for (const address of ['2001:db8:0:8::1', '2001:db8::1', '::1', '192.0.2.1'])
      assert.equal(throttle.isOpen(address, 'romeo@verona.lit'), true, address)
  })

  test('takes an IPv4 address written as IPv6 for what it is', () => {
    const { throttle } = bed({ perAddress: 3 })
    guesses(throttle, '::ffff:192.0.2.1')
    assert.equal(throttle.isOpen('192.0.2.1', 'romeo@verona.lit'), false)
    assert.equal(throttle.isOpen('::ffff:192.0.2.2', 'romeo@verona.lit'), true)
  })

  test('remembers a bounded number, the latest', () => {
    const { throttle } = bed({ perAddress: 1, maxEntries: 2 })
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) throttle.guess(address, 'juliet@verona.lit')
    const open = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((a) => throttle.isOpen(a, 'juliet@verona.lit'))
    assert.deepEqual(open, [true, false, false])
  })

  test('has no limit where the limit is 0', () => {
    assert.equal(guesses(bed({}).throttle, '192.0.2.1'), 10)
  })
})
