import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvitationStore, type NewInvitation } from '../../../../modules/invitations/store.ts'
import { eachDatabase } from '../../../support/databases.ts'

const HOST = 'verona.example'
const invitation = (tokenHash: string, changes: Partial<NewInvitation> = {}): NewInvitation => ({
  tokenHash,
  inviter: 'romeo',
  username: null,
  folded: null,
  accounts: true,
  usesLeft: 1,
  createdMs: 1000,
  expiresMs: 2000,
  ...changes,
})

eachDatabase((open) => {
  test('invitation store: one is found by its token until it expires, is used up or revoked, and on its host only', async () => {
    const db = await open()
    const store = new InvitationStore(db, HOST)
    const id = await store.insert(invitation('a', { usesLeft: 2, username: 'Juliet', folded: 'juliet' }))
    const found = {
      id,
      inviter: 'romeo',
      username: 'Juliet',
      accounts: true,
      usesLeft: 2,
      createdMs: 1000,
      expiresMs: 2000,
    }
    assert.deepEqual(await store.find('a', 1999), found)
    assert.equal(await store.find('a', 2000), undefined)
    assert.equal(await store.find('A', 1999), undefined)
    assert.equal(await new InvitationStore(db, 'mantua.example').find('a', 1999), undefined)
    assert.equal(await store.isHeld('juliet', 1999), true)
    assert.equal(await store.isHeld('juliet', 2000), false)
    assert.equal(await store.useUp(id), true)
    assert.equal((await store.find('a', 1999))?.usesLeft, 1)
    // XEP-0445 §4: whoever has shown it in time uses it later.
    assert.equal(await store.useUp(id), true)
    assert.equal(await store.useUp(id), false)
    assert.equal(await store.find('a', 1999), undefined)
    assert.equal(await store.isHeld('juliet', 1999), false)
  })

  test('invitation store: of many who use one at a time, as many get in as it is for', async () => {
    const db = await open()
    const store = new InvitationStore(db, HOST)
    const id = await store.insert(invitation('a', { usesLeft: 3 }))
    const uses = await Promise.all(Array.from({ length: 8 }, () => store.useUp(id)))
    assert.equal(uses.filter(Boolean).length, 3)
  })

  test('invitation store: a use is taken back with the transaction', async () => {
    const db = await open()
    const store = new InvitationStore(db, HOST)
    const id = await store.insert(invitation('a'))
    const work = db.transaction(async (tx) => {
      await store.use(tx, id)
      await store.promise(tx, { inviter: 'romeo', invitee: 'juliet' })
      throw new Error('no')
    })
    await assert.rejects(work, { message: 'no' })
    assert.equal((await store.find('a', 1500))?.usesLeft, 1)
    assert.deepEqual(await store.promised(), [])
  })

  test('invitation store: what an inviter has is counted and listed, and revoked by nobody else', async () => {
    const db = await open()
    const store = new InvitationStore(db, HOST)
    const [first, second] = [
      await store.insert(invitation('a')),
      await store.insert(invitation('b', { createdMs: 1100 })),
    ]
    await store.insert(invitation('c', { inviter: 'tybalt', createdMs: 900 }))
    const ids = async (inviter?: string) => (await store.open(1500, inviter)).map(({ id }) => id)
    assert.deepEqual(await ids('romeo'), [first, second])
    assert.equal((await ids()).length, 3)
    assert.equal(await store.revoke(first, 1500, 'tybalt'), false)
    assert.equal(await store.revoke(first, 1500, 'romeo'), true)
    assert.equal(await store.revoke(first, 1500), false)
    assert.deepEqual(await ids('romeo'), [second])
    assert.deepEqual([await store.countOpen('romeo', 1500), await store.countOpen('romeo', 2000)], [1, 0])
    assert.deepEqual([await store.countSince('romeo', 999), await store.countSince('romeo', 1000)], [2, 1])
  })

  test('invitation store: what has expired, and what belongs to an account that goes, is removed', async () => {
    const db = await open()
    const store = new InvitationStore(db, HOST)
    await store.insert(invitation('a', { inviter: 'romeo', expiresMs: 2000 }))
    await store.insert(invitation('b', { inviter: 'romeo', expiresMs: 3000 }))
    await store.insert(invitation('c', { inviter: 'tybalt', expiresMs: 3000 }))
    await store.removeExpired(2001)
    assert.equal((await store.open(1500)).length, 2)
    await db.transaction(async (tx) => {
      await store.promise(tx, { inviter: 'romeo', invitee: 'juliet' })
      await store.promise(tx, { inviter: 'tybalt', invitee: 'romeo' })
      await store.promise(tx, { inviter: 'tybalt', invitee: 'nurse' })
    })
    await store.forget('romeo')
    assert.deepEqual(
      (await store.open(1500)).map(({ inviter }) => inviter),
      ['tybalt'],
    )
    assert.deepEqual(
      (await store.promised()).map((pair) => ({ ...pair })),
      [{ inviter: 'tybalt', invitee: 'nurse' }],
    )
    await store.kept({ inviter: 'tybalt', invitee: 'nurse' })
    assert.deepEqual(await store.promised(), [])
  })
})
