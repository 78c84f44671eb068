import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccountError, Accounts } from '../../../src/auth/accounts.ts'
import type { Database } from '../../../src/storage/database.ts'
import { eachDatabase } from '../../support/databases.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { context, host, login, ScramClient } from './sasl-bed.ts'

const unknown = (error: unknown) => error instanceof AccountError && error.code === 'not-found'

async function bed(db: Database): Promise<{ accounts: Accounts; told: string[] }> {
  const accounts = new Accounts(db, host, { iterations: 4096, clock: new FakeClock() })
  await accounts.create('juliet', 'pencil')
  const told: string[] = []
  accounts.watch({
    disabled: (local) => told.push(`disabled ${local}`),
    passwordChanged: (local) => told.push(`password ${local}`),
  })
  return { accounts, told }
}

eachDatabase((open) => {
  test('an account that is to be deleted cannot log in and is nobody to others, but keeps its name', async () => {
    const { accounts, told } = await bed(await open())
    await accounts.setDeletion('juliet', 5000)
    assert.deepEqual(told, ['disabled juliet'])
    assert.deepEqual(await accounts.state('juliet'), { kind: 'deleting', atMs: 5000 })
    assert.equal(await accounts.exists('juliet'), false)
    assert.equal(accounts.isShut('juliet'), true)
    await assert.rejects(accounts.create('Juliet', 'pencil'), { code: 'conflict' })
    // Only who knows the password learns of it.
    assert.equal((await accounts.checkLogin('juliet', 'pencil')).verdict, 'disabled')
    assert.equal((await accounts.checkLogin('juliet', 'pen')).verdict, 'wrong')
    const step = await login('SCRAM-SHA-256', await context({ accounts }), new ScramClient())
    assert.equal(step.kind === 'failure' && step.condition, 'account-disabled')
  })

  test('an account that is restored is what it was', async () => {
    const { accounts } = await bed(await open())
    await accounts.setDeletion('juliet', 5000)
    await accounts.setDeletion('juliet', null)
    assert.deepEqual(await accounts.state('juliet'), { kind: 'active' })
    assert.equal(await accounts.exists('juliet'), true)
    assert.equal(accounts.isShut('juliet'), false)
    assert.equal(await accounts.verifyPassword('juliet', 'pencil'), true)

    await accounts.setDisabled('juliet', true)
    await accounts.setDeletion('juliet', 5000)
    await accounts.setDeletion('juliet', null)
    assert.deepEqual(await accounts.state('juliet'), { kind: 'disabled' })
    assert.equal(accounts.isShut('juliet'), true)
    assert.equal(await accounts.exists('juliet'), true)
  })

  test('an account that is enabled while it waits to be deleted still waits', async () => {
    const { accounts } = await bed(await open())
    await accounts.setDisabled('juliet', true)
    await accounts.setDeletion('juliet', 5000)
    await accounts.setDisabled('juliet', false)
    assert.deepEqual(await accounts.state('juliet'), { kind: 'deleting', atMs: 5000 })
    assert.equal(accounts.isShut('juliet'), true)
    assert.equal(await accounts.exists('juliet'), false)
  })

  test('those that wait come in the order of their ends', async () => {
    const db = await open()
    const { accounts } = await bed(db)
    const elsewhere = new Accounts(db, 'mantua.lit', { iterations: 4096, clock: new FakeClock() })
    await elsewhere.create('apothecary', 'pencil')
    await elsewhere.setDeletion('apothecary', 1)
    for (const local of ['romeo', 'tybalt']) await accounts.create(local, 'pencil')
    await accounts.setDeletion('juliet', 5000)
    await accounts.setDeletion('romeo', 4000)
    const waiting = [
      { local: 'romeo', atMs: 4000 },
      { local: 'juliet', atMs: 5000 },
    ]
    assert.deepEqual(
      (await accounts.deletions(5)).map((row) => ({ ...row })),
      waiting,
    )
    assert.deepEqual(
      (await accounts.deletions(1)).map(({ local }) => local),
      ['romeo'],
    )
  })

  test('what goes with a new account is kept with it or not at all', async () => {
    const { accounts } = await bed(await open())
    const refuses = accounts.create('romeo', 'pencil', async (tx) => {
      await tx('key_values').insert({ owner: 'test', name: 'romeo', value: '1' })
      throw new Error('no')
    })
    await assert.rejects(refuses, { message: 'no' })
    assert.equal(await accounts.exists('romeo'), false)
    await accounts.create('Romeo', 'pencil', async (tx, jid) => {
      // Would violate the primary key had the first one stayed.
      await tx('key_values').insert({ owner: 'test', name: jid.local, value: '1' })
    })
    assert.equal(await accounts.exists('romeo'), true)
  })

  test('whoever listens hears of each new password, and nobody of one that was refused', async () => {
    const { accounts, told } = await bed(await open())
    await accounts.setPassword('juliet', 'crayon')
    await assert.rejects(accounts.setPassword('juliet', ''))
    await assert.rejects(accounts.setPassword('romeo', 'crayon'), unknown)
    await assert.rejects(accounts.setDeletion('romeo', 1), unknown)
    assert.deepEqual(told, ['password juliet'])
  })
})
