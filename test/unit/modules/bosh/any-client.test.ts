import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from '../../../support/fake-clock.ts'
import { randomFrom, send, sessionFor } from './rig.ts'

const NS = "xmlns='http://jabber.org/protocol/httpbind'"
const FIRST = 1_000
const [SEEDS, STEPS] = [200, 60]

test('Whatever a client does, each request is answered, and each session ends, once', async () => {
  const ends = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomFrom(seed)
    const any = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!
    const clock = new FakeClock()
    const seen = { closed: 0, gone: 0 }
    const hold = any(0, 1, 1, 2, 3)
    const first = `<body ${NS} rid='${FIRST}' to='localhost' hold='${hold}' wait='${any(0, 5, 60, 60)}' ver='1.6' ack='1'/>`
    const session = sessionFor(
      first,
      clock,
      {
        onStanza: () =>
          any(
            () => {},
            () => connection.pause(),
            () => connection.write('<x xmlns="urn:x"/>'),
          )(),
        onStreamEnd: () => connection.end(5_000),
        onCongestion: (congested) => (congested ? connection.pause() : connection.resume()),
        onClose: (reason) => {
          ends.add(reason)
          seen.closed++
        },
        onGone: () => {
          seen.gone++
        },
      },
      { pauseBytes: 2_000, dropBytes: 20_000, pauseMs: 30_000 },
    )
    const { connection } = session
    const sent = [send(session, first)]
    let rid = FIRST + 1
    const requests: string[] = []
    for (let step = 0; step < STEPS; step++) {
      const attributes = any(
        '',
        '',
        '',
        "type='terminate'",
        "pause='5'",
        `ack='${rid - 2}'`,
        "xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'",
      )
      const number = random() < 0.95 ? rid : any(rid + 1, rid + 2, rid - 1)
      const says = () => {
        requests.push(
          `<body ${NS} rid='${number}' ${random() < 0.9 ? '' : attributes}>${any('', "<c xmlns='urn:x'/>")}</body>`,
        )
        sent.push(send(session, requests.at(-1)!))
        if (number === rid) rid++
      }
      any(
        says,
        says,
        () => {
          if (requests.length > 0) sent.push(send(session, any(...requests.slice(-3))))
        },
        () => connection.write(`<s xmlns="urn:x">${'x'.repeat(random() * 3_000)}</s>`),
        () => any(...sent.slice(-3)).cut(),
        () => clock.advance(random() * 8_000),
        () => connection.resume(),
        () => step % 20 === 19 && connection.end(5_000),
      )()
      assert.ok(session.listeners <= 5, `${session.listeners} requests wait`)
      await turn()
    }
    // In the end nobody says anything more.
    for (let i = 0; i < 40; i++) clock.advance(10_000)
    await turn()
    assert.deepEqual(seen, { closed: 1, gone: 1 }, `with the seed ${seed}`)
    assert.ok(!clock.hasTimerWithin(Number.POSITIVE_INFINITY), `a timer is left with the seed ${seed}`)
    const unanswered = Symbol()
    for (const { answered } of sent) {
      const answer = await Promise.race([answered, turn().then(() => unanswered)])
      assert.notEqual(answer, unanswered, `with the seed ${seed}`)
    }
  }
  // It was not the same each time.
  assert.deepEqual([...ends].sort(), [
    'closed',
    'item-not-found',
    'nobody has asked for what there is',
    'policy-violation',
    'the peer does not fetch what there is for it',
  ])
})
