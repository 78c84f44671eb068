import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Restart } from '../../../../modules/stream-management/restart.ts'
import type { Resumption } from '../../../../modules/stream-management/resumptions.ts'
import type { SavedSession } from '../../../../modules/stream-management/store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

let clock: FakeClock
let logged: unknown[]
/** What the store says to an attempt to save these. */
let answer: (hashes: readonly string[]) => Error | undefined
let attempts: string[][]

beforeEach(() => {
  clock = new FakeClock()
  logged = []
  answer = () => undefined
  attempts = []
})

const gone = () => Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })

/** A session that rests. */
function resting(hash: string): Resumption {
  const session = {
    live: true,
    resting: true,
    jid: { resource: 'balcony' },
    user: { jid: { local: hash } },
    presence: null,
    slots: { save: () => ({}) },
  }
  const ledger = { session, handled: 0, acknowledgedCount: 0, entries: () => [], letGo() {} }
  return { hash, ledger } as unknown as Resumption
}

function restart(...hashes: string[]): Restart {
  const store = {
    async save(sessions: readonly { session: SavedSession }[]) {
      const tried = sessions.map(({ session }) => session.hash)
      attempts.push(tried)
      const error = answer(tried)
      if (error !== undefined) throw error
    },
  }
  const log = { info() {}, error: ({ account }: { account: string }) => logged.push(account) }
  const resumptions = { all: () => hashes.map(resting) }
  return new Restart(
    { domain: 'localhost' } as never,
    store as never,
    resumptions as never,
    { clock } as never,
    log as never,
  )
}

/** Until nothing goes on without a timer. */
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('a session that cannot be saved fails alone', async () => {
  answer = (hashes) => (hashes.includes('b') ? new Error('too strange') : undefined)
  await restart('a', 'b', 'c').save()
  assert.deepEqual(attempts, [['a', 'b', 'c'], ['a'], ['b'], ['c']])
  assert.deepEqual(logged, ['b@localhost'])
})

test('a database that is away is waited for', async () => {
  answer = gone
  let saved = false
  const saving = restart('a', 'b').save()
  void saving.then(() => {
    saved = true
  })
  await turns()
  clock.advance(250)
  await turns()
  assert.equal(saved, false)
  answer = () => undefined
  clock.advance(250)
  await saving
  assert.equal(attempts.length, 3)
})

test('but not for ever', async () => {
  answer = gone
  const saving = restart('a').save()
  const refused = assert.rejects(saving, /gone/)
  for (let ms = 0; ms <= 10_000; ms += 250) {
    await turns()
    clock.advance(250)
  }
  await refused
})
