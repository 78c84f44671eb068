import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  accountDeleting,
  defineSlot,
  Jid,
  type Session,
  StreamError,
  sessionClosed,
  sessionOpened,
  type User,
  userLeft,
  userLoading,
} from '../../../src/api.ts'
import { Stage } from './stage.ts'

const noted = defineSlot<string | undefined>('test/host-noted', () => undefined)
const romeoJid = Jid.parse('romeo@verona.example')
let stage: Stage

beforeEach(() => {
  stage = new Stage()
  stage.accounts.add('romeo')
})

/** A gate that the test opens, and how many are waiting at it. */
function slowLoading(): { open: (error?: Error) => void; users: User[] } {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const users: User[] = []
  stage.host.hooks.attach(userLoading, (user: User) => {
    users.push(user)
    return promise
  })
  promise.catch(() => {})
  return { open: (error) => (error === undefined ? resolve() : reject(error)), users }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('two binds at once load the user once, and neither opens before the user is loaded', async () => {
  const opened: string[] = []
  stage.host.hooks.attach(sessionOpened, (session: Session) => opened.push(session.jid.resource))
  const { open, users } = slowLoading()
  const binds = [stage.bind('romeo', 'orchard'), stage.bind('romeo', 'street')]
  await turn()
  assert.deepEqual(opened, [])
  assert.equal(users.length, 1)
  assert.equal(stage.host.user(romeoJid)?.sessions.size, 0)
  open()
  await Promise.all(binds.map(({ bound }) => bound))
  assert.deepEqual(opened, ['orchard', 'street'])
  assert.deepEqual([...stage.host.user(romeoJid)!.sessions.keys()], ['orchard', 'street'])
  await stage.bind('romeo', 'tomb').bound
  assert.equal(users.length, 1)
})

test('a load that fails fails every bind that waits for it and forgets the user; the next one loads anew', async () => {
  const { open, users } = slowLoading()
  const binds = [stage.bind('romeo', 'orchard'), stage.bind('romeo', 'street')]
  await turn()
  open(new Error('no database'))
  for (const { bound } of binds) await assert.rejects(bound, { message: 'no database' })
  assert.equal(stage.host.user(romeoJid), undefined)
  await assert.rejects(stage.bind('romeo', 'orchard').bound)
  assert.equal(users.length, 2)
  assert.notEqual(users[0], users[1])
})

test('a choice of resource that is refused leaves nothing behind', async () => {
  const { bound } = stage.bind('romeo', '', () => {
    throw new Error('no such resource')
  })
  await assert.rejects(bound, { message: 'no such resource' })
  assert.equal(stage.host.user(romeoJid), undefined)
})

test('the client hears of its session before the modules do, and they before anybody who asks later', async () => {
  const order: string[] = []
  stage.host.hooks.attach(sessionOpened, (session: Session) => {
    order.push(`opened ${session.address}`)
    assert.equal(session.user.sessions.get('orchard'), session)
  })
  const { stream } = stage.bind('romeo', 'unused')
  await stage.host.bind(
    'romeo',
    stream,
    () => 'orchard',
    (session) => order.push(`begins ${session.address}, ${session.user.sessions.has('orchard')}`),
  )
  assert.deepEqual(order.slice(-2), [
    'begins romeo@verona.example/orchard, false',
    'opened romeo@verona.example/orchard',
  ])
})

test('closing tells the modules while the session is still listed, then forgets it, and the user with the last', async () => {
  const order: string[] = []
  stage.host.hooks.attach(sessionClosed, (session: Session) => {
    order.push(`closed ${session.jid.resource}`)
    assert.equal(session.user.sessions.get(session.jid.resource), session)
    assert.equal(session.send(session.host.hooks as never), false)
  })
  stage.host.hooks.attach(userLeft, (user: User) => {
    order.push(`left ${user.jid}`)
    assert.equal(stage.host.user(user.jid), user)
  })
  const orchard = await stage.session('romeo', 'orchard')
  const street = await stage.session('romeo', 'street')
  orchard.session.user.slots.set(noted, 'x')
  stage.host.close(orchard.session)
  stage.host.close(orchard.session)
  assert.deepEqual(order, ['closed orchard'])
  assert.equal(stage.host.user(romeoJid)!.slots.get(noted), 'x')
  stage.host.close(street.session)
  assert.deepEqual(order, ['closed orchard', 'closed street', 'left romeo@verona.example'])
  assert.equal(stage.host.user(romeoJid), undefined)
  const again = await stage.session('romeo', 'orchard')
  assert.equal(again.session.user.slots.get(noted), undefined)
  assert.deepEqual(stage.crashes, [])
})

test('the user stays while another session is being bound, however the others end', async () => {
  const left: string[] = []
  stage.host.hooks.attach(userLeft, (user: User) => left.push(user.jid.toString()))
  const { session } = await stage.session('romeo', 'orchard')
  const { bound } = stage.bind('romeo', 'street')
  stage.host.close(session)
  await bound
  assert.deepEqual(left, [])
  assert.equal(stage.host.user(romeoJid), session.user)
})

test('a session that takes the resource of another is the one that stays // RFC 6120 §7.7.2.2', async () => {
  const old = await stage.session('romeo', 'orchard')
  const closed: Session[] = []
  stage.host.hooks.attach(sessionClosed, (session: Session) => closed.push(session))
  const { stream, bound } = stage.bind('romeo', 'orchard', () => {
    old.session.close(new StreamError('conflict'))
    return 'orchard'
  })
  await bound
  assert.equal(old.error?.condition, 'conflict')
  assert.deepEqual(closed, [old.session])
  assert.equal(stage.host.user(romeoJid)!.sessions.get('orchard'), stream.session)
  // The late end of the old stream takes nothing of the new session along.
  stage.host.close(old.session)
  assert.equal(stage.host.user(romeoJid)!.sessions.get('orchard'), stream.session)
})

test('deleting an account ends its sessions, asks every module, then removes it', async () => {
  const romeo = await stage.session('romeo', 'orchard')
  const asked: string[] = []
  stage.host.hooks.attach(accountDeleting, async ({ jid }: { jid: Jid }) => {
    asked.push(`${jid} ${stage.accounts.has('romeo')} ${romeo.session.live}`)
  })
  assert.equal(await stage.host.deleteAccount('romeo'), true)
  assert.deepEqual(asked, ['romeo@verona.example true false'])
  assert.equal(romeo.error?.condition, 'not-authorized')
  assert.equal(stage.accounts.has('romeo'), false)
  assert.equal(await stage.host.deleteAccount('romeo'), false)
})

test('a module that cannot forget an account keeps it', async () => {
  stage.host.hooks.attach(accountDeleting, () => Promise.reject(new Error('no database')))
  await assert.rejects(stage.host.deleteAccount('romeo'), { message: 'no database' })
  assert.equal(stage.accounts.has('romeo'), true)
})

test('who comes in while the account is being deleted is sent away', async () => {
  stage.host.hooks.attach(accountDeleting, async () => {
    await assert.rejects(
      stage.session('romeo', 'street'),
      (error) => error instanceof StreamError && error.condition === 'not-authorized',
    )
  })
  assert.equal(await stage.host.deleteAccount('romeo'), true)
  assert.equal(stage.host.user(romeoJid), undefined)
})

test('a bind that is under way when the account is deleted comes to nothing', async () => {
  const { open } = slowLoading()
  const { stream, bound } = stage.bind('romeo', 'orchard')
  await turn()
  await stage.host.deleteAccount('romeo')
  open()
  await assert.rejects(bound, (error) => error instanceof StreamError && error.condition === 'not-authorized')
  assert.equal(stream.session, undefined)
  assert.equal(stage.host.user(romeoJid), undefined)
})

test('who logged in before the account was deleted binds nothing afterwards', async () => {
  await stage.host.deleteAccount('romeo')
  const { stream, bound } = stage.bind('romeo', 'orchard')
  await assert.rejects(bound, (error) => error instanceof StreamError && error.condition === 'not-authorized')
  assert.equal(stream.session, undefined)
  assert.equal(stage.host.user(romeoJid), undefined)
})

test('disconnecting ends the sessions of one account only', async () => {
  const romeo = await stage.session('romeo', 'orchard')
  const juliet = await stage.session('juliet', 'balcony')
  stage.host.disconnect(romeoJid, 'The password was changed.')
  assert.equal(romeo.error?.message, 'The password was changed.')
  assert.equal(juliet.session.live, true)
  assert.deepEqual(
    [...stage.host.users()].map((user) => user.jid.local),
    ['juliet'],
  )
})
