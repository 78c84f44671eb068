import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { type Element, type Host, Jid, parseDocument, type Session } from '#api'
import { Notifier, type NotifierSettings } from '../../../../modules/push/notifier.ts'
import type { Registration } from '../../../../modules/push/registration.ts'
import type { Registrations } from '../../../../modules/push/registrations.ts'
import { silentLog } from '../../../support/databases.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { heapGrowth } from '../../../support/heap.ts'

const JULIET = Jid.parse('juliet@verona.example')
const phone: Registration = { service: 'push.example', node: 'n', resource: 'phone', options: undefined }
const session = { user: { jid: JULIET }, jid: JULIET.withResource('phone') } as unknown as Session
const message = parseDocument("<message from='romeo@verona.example/orchard'><body>Hi</body></message>")
const ok = parseDocument("<iq type='result' id='1'/>")
const failure = parseDocument("<iq type='error' id='1'/>")

let clock: FakeClock
/** Requests that wait for their answers. */
let open: { readonly iq: Element; readonly answer: (answer: Element) => void }[]
let removed: string[]
let notifier: Notifier

function begin(settings: Partial<NotifierSettings> = {}): void {
  clock = new FakeClock()
  open = []
  removed = []
  const request = (iq: Element) => new Promise<Element>((answer) => open.push({ iq, answer }))
  const remove = async (_account: Jid, _service: string, node?: string) => {
    removed.push(node ?? '')
    return []
  }
  const summary = { count: true, sender: true, body: true }
  notifier = new Notifier(
    { request } as unknown as Host,
    { remove } as unknown as Registrations,
    { interval: 5_000, answerTimeout: 30_000, maxErrors: 2, summary, ...settings },
    clock,
    silentLog as never,
  )
}
beforeEach(() => begin())

/** Answers the oldest request; returns how many messages it told of. */
async function answers(answer: Element): Promise<number> {
  const { iq, answer: resolve } = open.shift()!
  resolve(answer)
  await new Promise((done) => setImmediate(done))
  const form = iq.getChild('pubsub')!.getChild('publish')!.getChild('item')!.getChild('notification')!.getChild('x')!
  return Number(
    form
      .getChildren('field')
      .find(({ attrs }) => attrs['var'] === 'message-count')!
      .getChildText('value'),
  )
}

test('what comes in an interval is told once at its end, and a quiet one ends it', async () => {
  notifier.wake(JULIET, phone, message, 3)
  for (let n = 0; n < 1_000; n++) notifier.wake(JULIET, phone, message)
  assert.equal(open.length, 1)
  assert.equal(await answers(ok), 3)
  clock.advance(5_000)
  assert.equal(await answers(ok), 1_003)
  clock.advance(5_000)
  assert.equal(open.length, 0)
  notifier.wake(JULIET, phone, message)
  assert.equal(await answers(ok), 1_004)
})

test('a device that is there again begins anew, and what was to be told is not', async () => {
  notifier.wake(JULIET, phone, message)
  notifier.wake(JULIET, phone, message)
  notifier.wake(JULIET, { ...phone, node: 'other', resource: 'tablet' }, message)
  notifier.awake(session)
  await answers(ok)
  await answers(ok)
  clock.advance(5_000)
  assert.equal(open.length, 0)
  notifier.wake(JULIET, phone, message)
  notifier.wake(JULIET, { ...phone, node: 'other', resource: 'tablet' }, message)
  assert.deepEqual([await answers(ok), await answers(ok)], [1, 2])
})

test('errors count though the device was there meanwhile, and one that comes late, too // XEP-0357 §7.1', async () => {
  notifier.wake(JULIET, phone, message)
  await answers(failure)
  notifier.awake(session)
  clock.advance(5_000)
  notifier.wake(JULIET, phone, message)
  notifier.awake(session)
  clock.advance(5_000)
  assert.deepEqual(removed, [])
  await answers(failure)
  assert.deepEqual(removed, ['n'])
})

test('one that was made anew is not given up for the errors of the one before', async () => {
  notifier.wake(JULIET, phone, message)
  notifier.wake(JULIET, phone, message)
  clock.advance(5_000)
  notifier.forget(JULIET, phone)
  notifier.wake(JULIET, phone, message)
  await answers(failure)
  await answers(failure)
  assert.deepEqual(removed, [])
  await answers(failure)
  clock.advance(5_000)
  notifier.wake(JULIET, phone, message)
  await answers(failure)
  assert.deepEqual(removed, ['n'])
})

test('with limits off nobody is given up, and each message is told', async () => {
  begin({ interval: 0, maxErrors: 0 })
  for (let n = 1; n <= 50; n++) {
    notifier.wake(JULIET, phone, message)
    assert.equal(await answers(failure), n)
    clock.advance(1)
  }
  assert.deepEqual(removed, [])
})

test('once told, a message is not kept', async () => {
  const growth = heapGrowth(() => {
    for (let n = 0; n < 200; n++) {
      const long = parseDocument(
        `<message from='romeo@verona.example/orchard'><body>${'x'.repeat(50_000)}</body></message>`,
      )
      notifier.wake(JULIET, { ...phone, node: `${n}` }, long)
      notifier.wake(JULIET, { ...phone, node: `${n}` }, long)
    }
    clock.advance(5_000)
    assert.equal(open.length, 400)
    open.length = 0
  })
  assert.ok(growth < 2_000_000, `${growth} bytes for 200 devices`)
})

test('once stopped it says nothing more', () => {
  notifier.wake(JULIET, phone, message)
  notifier.wake(JULIET, phone, message)
  notifier.stop()
  clock.advance(60_000)
  assert.equal(open.length, 1)
})
