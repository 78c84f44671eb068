import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accounts } from '../../../src/auth/accounts.ts'
import { Deletions } from '../../../src/session/deletions.ts'
import type { Host } from '../../../src/session/host.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const HOUR = 3_600_000

/** A host whose accounts are names, each with the time of its deletion or null. */
function bed(graceMs: number) {
  const clock = new FakeClock(0)
  const names = new Map<string, number | null>()
  const stuck = new Set<string>()
  const failed: string[] = []
  const beforeDeletion: ((local: string) => Promise<void>)[] = []
  let looks = 0
  const accounts: Partial<Accounts> = {
    async state(local) {
      const atMs = names.get(local)
      if (atMs === undefined) return undefined
      return atMs === null ? { kind: 'active' } : { kind: 'deleting', atMs }
    },
    async setDeletion(local, atMs) {
      if (!names.has(local)) throw new Error('not-found')
      names.set(local, atMs)
    },
    async deletions(limit) {
      looks++
      const waiting = [...names].flatMap(([local, atMs]) => (atMs === null ? [] : [{ local, atMs }]))
      return waiting.sort((a, b) => a.atMs - b.atMs).slice(0, limit)
    },
  }
  const host = {
    accounts,
    clock,
    isBeingDeleted: (local: string) => local === 'going',
    async deleteAccount(local: string) {
      if (stuck.has(local)) throw new Error('no database')
      for (const hear of beforeDeletion) await hear(local)
      return names.delete(local)
    },
  } as unknown as Host
  const deletions = new Deletions(host, graceMs, (local) => failed.push(local))
  /** Moves on by hours, and lets each look end. */
  const wait = async (hours: number) => {
    for (let i = 0; i < hours; i++) {
      clock.advance(HOUR)
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, names, stuck, failed, beforeDeletion, deletions, wait, looks: () => looks }
}

test('without a grace period an account is gone at once', async () => {
  const { names, deletions } = bed(0)
  names.set('romeo', null)
  assert.equal(await deletions.request('romeo'), undefined)
  assert.equal(names.has('romeo'), false)
})

test('an account is deleted when its grace period is over, and not before', async () => {
  const { names, deletions, wait, looks } = bed(48 * HOUR)
  deletions.begin()
  names.set('romeo', null)
  names.set('juliet', null)
  await wait(1)
  assert.equal(await deletions.request('romeo'), 49 * HOUR)
  await wait(2)
  assert.equal(await deletions.request('juliet'), 51 * HOUR)
  // Asked for again, it is not put off.
  assert.equal(await deletions.request('romeo'), 49 * HOUR)
  await wait(45)
  assert.deepEqual([...names.keys()], ['romeo', 'juliet'])
  await wait(1)
  assert.deepEqual([...names.keys()], ['juliet'])
  await wait(2)
  assert.deepEqual([...names.keys()], [])
  await wait(1)
  const before = looks()
  await wait(5)
  assert.equal(looks(), before, 'it looks though nobody waits')
  await deletions.stop()
})

test('what fell due while the server was stopped is deleted when it starts', async () => {
  const { names, deletions, wait } = bed(HOUR)
  names.set('romeo', -5)
  names.set('juliet', 2 * HOUR)
  deletions.begin()
  await deletions.stop()
  deletions.begin()
  await wait(1)
  assert.deepEqual([...names.keys()], ['juliet'])
  await wait(1)
  assert.deepEqual([...names.keys()], [])
  await deletions.stop()
})

test('an account that cannot be deleted is tried again within the hour, and keeps nobody waiting', async () => {
  const { names, stuck, failed, deletions, wait } = bed(HOUR)
  for (const local of ['romeo', 'juliet']) names.set(local, null)
  stuck.add('romeo')
  deletions.begin()
  for (const local of ['romeo', 'juliet']) await deletions.request(local)
  await wait(1)
  assert.deepEqual([...names.keys()], ['romeo'])
  assert.deepEqual(failed, ['romeo'])
  stuck.clear()
  await wait(1)
  assert.deepEqual([...names.keys()], [])
  await deletions.stop()
})

test('an account is restored while it waits, and not when it is being deleted', async () => {
  const { names, deletions, wait } = bed(HOUR)
  deletions.begin()
  names.set('romeo', null)
  names.set('going', -1)
  await deletions.request('romeo')
  assert.equal(await deletions.restore('going'), false)
  assert.equal(await deletions.restore('romeo'), true)
  assert.equal(await deletions.restore('romeo'), false)
  assert.equal(await deletions.restore('mercutio'), false)
  await wait(3)
  assert.deepEqual([...names], [['romeo', null]])
  await deletions.stop()
})

test('an account that is restored while those before it are being deleted stays', async () => {
  const { names, deletions, wait, beforeDeletion } = bed(HOUR)
  deletions.begin()
  for (const local of ['romeo', 'juliet', 'tybalt']) {
    names.set(local, null)
    await deletions.request(local)
  }
  const restored: boolean[] = []
  beforeDeletion.push(async (local) => {
    if (local === 'romeo') restored.push(await deletions.restore('juliet'))
  })
  await wait(2)
  assert.deepEqual(restored, [true])
  assert.deepEqual([...names], [['juliet', null]])
  await deletions.stop()
})

test('once stopped, it deletes nothing more', async () => {
  const { names, deletions, wait } = bed(HOUR)
  deletions.begin()
  names.set('romeo', null)
  await deletions.request('romeo')
  await deletions.stop()
  await wait(3)
  assert.equal(names.has('romeo'), true)
})
