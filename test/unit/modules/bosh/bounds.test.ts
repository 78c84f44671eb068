import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Answer } from '../../../../modules/bosh/answer.ts'
import { Kept } from '../../../../modules/bosh/kept.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { type Sent, send, sessionFor } from './rig.ts'

const NS = "xmlns='http://jabber.org/protocol/httpbind'"
const LARGE = `<c xmlns='urn:x'>${'x'.repeat(8_000)}</c>`

/** A session whose stream can be told to take nothing, and what it has heard. */
function open(pauseBytes = 0) {
  const heard: string[] = []
  let rid = 1
  const request = (payloads = '') => `<body ${NS} rid='${rid++}'>${payloads}</body>`
  const first = `<body ${NS} rid='${rid++}' to='localhost' hold='1' wait='60' ver='1.6'/>`
  const session = sessionFor(
    first,
    new FakeClock(),
    {
      onStanza: ({ name }) => void heard.push(name),
      onStreamEnd: () => {},
      onCongestion: (congested) => (congested ? session.connection.pause() : session.connection.resume()),
      onClose: (reason) => void heard.push(reason),
      onGone: () => {},
    },
    { pauseBytes, dropBytes: 10_000, pauseMs: 0 },
  )
  send(session, first)
  return { session, heard, send: (payloads?: string) => send(session, request(payloads)) }
}

/** The answer there is now. */
async function now({ answered }: Sent): Promise<Answer | undefined> {
  for (let i = 0; i < 3; i++) await turn()
  return await Promise.race([answered, turn().then(() => undefined)])
}

test('Whoever says more than is taken up gets no answers to say more with', async () => {
  const client = open()
  await turn()
  client.session.connection.pause()
  const [one, two] = [client.send(LARGE), client.send(LARGE)]
  assert.ok(await now(one))
  const three = client.send(LARGE)
  assert.equal(await now(two), undefined)
  client.session.connection.resume()
  assert.ok(await now(two))
  assert.equal(await now(three), undefined)
  assert.deepEqual(client.heard, ['c', 'c', 'c'])
  // Whoever does not wait for answers has broken the rules.
  client.session.connection.pause()
  for (let i = 0; i < 3; i++) client.send(LARGE)
  await turn()
  assert.deepEqual(client.heard, ['c', 'c', 'c', 'policy-violation'])
})

test('Whoever is not listened to until it fetches what there is goes on fetching', async () => {
  const client = open(1_000)
  await turn()
  client.session.connection.write(`<s xmlns="urn:x">${'x'.repeat(2_000)}</s>`)
  const one = client.send(LARGE)
  assert.deepEqual(client.heard, [])
  assert.match((await now(one))!.text, /<s /)
  assert.deepEqual(client.heard, ['c'])
  client.session.connection.write(`<s xmlns="urn:x">${'x'.repeat(20_000)}</s>`)
  assert.deepEqual(client.heard, ['c', 'the peer does not fetch what there is for it'])
})

test('So many answers are kept, for who asks the same', () => {
  const kept = new Kept(2)
  const add = (rid: number, isExtra = false) =>
    kept.add({ rid, digest: `d${rid}`, text: `t${rid}`, isExtra, sentMs: rid, repeats: 0 })
  for (const rid of [1, 2, 3]) add(rid)
  assert.equal(kept.find({ rid: 1, digest: 'd1' }), undefined)
  assert.equal(kept.find({ rid: 2, digest: 'd2' }), 't2')
  assert.equal(kept.find({ rid: 2, digest: 'd3' }), undefined)
  assert.equal(kept.acknowledge(2)?.rid, 3)
  assert.equal(kept.find({ rid: 2, digest: 'd2' }), undefined)
  assert.equal(kept.acknowledge(3), undefined)
  // Those that pause do not push out others, and are not kept for ever themselves.
  for (const [rid, isExtra] of [[4], [5], [6, true]] as const) add(rid, isExtra)
  assert.equal(kept.find({ rid: 4, digest: 'd4' }), 't4')
  for (const rid of [7, 8, 9]) add(rid, true)
  assert.deepEqual(
    [4, 5, 6, 7, 8, 9].map((rid) => kept.find({ rid, digest: `d${rid}` }) !== undefined),
    [false, false, false, true, true, true],
  )
})
