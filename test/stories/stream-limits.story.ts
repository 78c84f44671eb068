import assert from 'node:assert/strict'
import { type Actor, story } from '../support/story.ts'

const NS = 'urn:xmpp:stream-limits:0'

/** A message to oneself of so many bytes. */
function sized(bytes: number): string {
  const [start, end] = ["<message xmlns='jabber:client' id='m' type='chat'><body>", '</body></message>']
  return `${start}${'x'.repeat(bytes - start.length - end.length)}${end}`
}

function limitsOf(features: Awaited<ReturnType<Actor['next']>>) {
  const limits = features.getChild('limits', NS)
  return limits && [limits.getChildText('max-bytes'), limits.getChildText('idle-seconds')]
}

// XEP-0478 §3.1: "the maximum size of any first-level stream elements", and no other
story(
  'A client is told the limits of its stream before login and after it, and they are the real ones',
  async (s) => {
    const stranger = await s.connects()
    assert.deepEqual(limitsOf(await stranger.opens(s.domain)), ['8192', '30'])
    stranger.send(sized(8193))
    await stranger.receivesStreamError('policy-violation')
    const { actor: romeo, features } = await s.authenticates('romeo')
    assert.deepEqual(limitsOf(features), ['10240', '300'])
    await romeo.binds()
    romeo.send('<presence/>')
    await romeo.receives`<presence/>`
    romeo.send(sized(10_240))
    await romeo.receives`<message id='m'/>`
    romeo.send(sized(10_241))
    await romeo.receivesStreamError('policy-violation')
  },
  {
    server: { limits: { stanza: { bytes: 10_240 }, keepalive: 300_000 } },
    notOn: { bosh: 'a request may be a little longer than a stanza' },
  },
)

// XEP-0478 §3.1: both children are optional
story(
  'Limits that are off are not told',
  async (s) => {
    const { actor, features } = await s.authenticates('romeo')
    assert.deepEqual(limitsOf(features), [null, '300'])
    assert.equal(limitsOf(await (await s.connects()).opens(s.domain)), undefined)
    await actor.isCut()
  },
  { server: { limits: { stanza: { bytes: 0 }, preAuth: { bytes: 0, time: 0 }, keepalive: 300_000 } } },
)
