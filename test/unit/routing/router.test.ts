import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { drop, type Jid, StanzaError, xml } from '../../../src/api.ts'
import { compileFlows, type Registration } from '../../../src/pipeline/compile.ts'
import { type Flow, flows, type Phase } from '../../../src/pipeline/flow.ts'
import { Router } from '../../../src/routing/router.ts'
import { Stage, type StageStream, stanza } from '../session/stage.ts'

const NS = 'urn:example:play'
let stage: Stage
let router: Router
let logged: { id?: string; err: Error; text: string; module?: string }[]
let registrations: Registration[]
let romeo: Awaited<ReturnType<Stage['session']>>
let juliet: StageStream

beforeEach(async () => {
  logged = []
  registrations = []
  stage = new Stage()
  router = new Router({ error: (fields: object, text: string) => logged.push({ ...fields, text } as never) } as never)
  router.serve(stage.host)
  stage.host.flows = compileFlows([])
  romeo = await stage.session('romeo', 'orchard', 0)
  juliet = await stage.session('juliet', 'balcony', 0)
  stage.accounts.add('nurse')
})

function on(flow: Flow, phase: Phase, handler: (e: never) => unknown): void {
  registrations.push({ module: 'play', flow, phase, handler: handler as never })
  stage.host.flows = compileFlows(registrations)
}

const sends = (text: string) => router.fromClient(romeo.session, stanza(text))
const refuse = (condition: 'forbidden') => () => {
  throw new StanzaError(condition)
}
const bug = () => {
  throw new TypeError('secret detail')
}

/** The condition of the error heard last, and that it answers the stanza with this id. */
function refusal(stream: StageStream, id?: string): string {
  const reply = stream.last()
  assert.equal(reply.attrs['type'], 'error')
  if (id !== undefined) assert.equal(reply.attrs['id'], id)
  return reply.getChild('error')!.getChildElements()[0]!.name
}

describe('a message', () => {
  test('reaches its addressee with the sender’s address, at once when nobody waits', () => {
    assert.equal(sends(`<message to='juliet@verona.example/balcony'><body>Hi</body></message>`), undefined)
    const { from, to } = juliet.last().attrs
    assert.deepEqual([from, to], ['romeo@verona.example/orchard', 'juliet@verona.example/balcony'])
    assert.equal(juliet.last().getChildText('body'), 'Hi')
    assert.deepEqual(romeo.heard, [])
  })

  test('passes the sender’s side, then the addressee’s, each told whose it is', async () => {
    const passed: string[] = []
    for (const side of ['leaving', 'arriving'] as const)
      on(flows.message[side], 'guard', (async (e: { user?: { jid: unknown } }) => {
        await null
        passed.push(`${side} ${e.user?.jid}`)
      }) as never)
    const pending = sends(`<message to='juliet@verona.example'/>`)
    assert.ok(pending instanceof Promise)
    assert.deepEqual(juliet.heard, [])
    await pending
    assert.deepEqual(passed, ['leaving romeo@verona.example', 'arriving juliet@verona.example'])
    assert.equal(juliet.heard.length, 1)
  })

  test('that a guard of either side refuses comes back, at once or late, and reaches nobody', async () => {
    for (const side of ['leaving', 'arriving'] as const)
      for (const handler of [refuse('forbidden'), async () => refuse('forbidden')()]) {
        registrations.length = 0
        on(flows.message[side], 'guard', handler)
        await sends(`<message id='7' to='juliet@verona.example'/>`)
        assert.equal(refusal(romeo, '7'), 'forbidden')
        assert.equal(romeo.last().attrs['from'], 'juliet@verona.example')
      }
    assert.equal(romeo.heard.length, 4)
    assert.deepEqual([juliet.heard, logged], [[], []])
  })

  test('that is dropped leaves no trace', async () => {
    for (const handler of [
      () => {
        throw drop
      },
      async () => {
        throw drop
      },
    ]) {
      registrations.length = 0
      on(flows.message.arriving, 'guard', handler)
      await sends(`<message to='juliet@verona.example'/>`)
    }
    assert.deepEqual([juliet.heard, romeo.heard, logged], [[], [], []])
  })

  test('that a bug stops is answered with an id and nothing of the reason; the log has both', async () => {
    for (const handler of [bug, async () => bug()]) {
      registrations.length = 0
      on(flows.message.arriving, 'record', handler)
      await sends(`<message to='juliet@verona.example'/>`)
      assert.equal(refusal(romeo), 'internal-server-error')
      const { id, err } = logged.pop()!
      assert.equal(err.message, 'secret detail')
      assert.ok(romeo.heard.at(-1)!.includes(id!))
      assert.ok(!romeo.heard.at(-1)!.includes('secret detail'))
      assert.equal(romeo.last().getChild('error')!.attrs['type'], 'wait')
    }
    assert.deepEqual([juliet.heard, logged], [[], []])
  })

  test('that somebody takes is not delivered otherwise', async () => {
    for (const take of [() => true, async () => true]) {
      registrations.length = 0
      on(flows.message.arriving, 'deliver', take)
      await sends(`<message to='juliet@verona.example'/>`)
    }
    assert.deepEqual([juliet.heard, romeo.heard], [[], []])
  })

  test('that strands is offered to who keeps such, else it bounces // RFC 6121 §8.5.2.2.1', async () => {
    await sends(`<message id='1' to='nurse@verona.example'/>`)
    assert.equal(refusal(romeo, '1'), 'service-unavailable')
    for (const take of [() => true, async () => true]) {
      romeo.heard.length = 0
      registrations.length = 0
      on(flows.message.stranded, 'deliver', take)
      await sends(`<message to='nurse@verona.example'/>`)
      assert.deepEqual(romeo.heard, [])
    }
    registrations.length = 0
    on(flows.message.stranded, 'deliver', async () => false)
    await sends(`<message id='2' to='nurse@verona.example'/>`)
    assert.equal(refusal(romeo, '2'), 'service-unavailable')
  })

  test('of type error is never answered // RFC 6120 §8.3.1', async () => {
    on(flows.message.arriving, 'guard', refuse('forbidden'))
    await sends(`<message type='error' to='juliet@verona.example'/>`)
    assert.deepEqual(romeo.heard, [])
  })

  test('to the server itself, to another domain, or to no address bounces', async () => {
    await sends(`<message id='1' to='verona.example'/>`)
    assert.equal(refusal(romeo, '1'), 'service-unavailable')
    await sends(`<message id='2' to='paris@mantua.example'/>`)
    // RFC 6120 §10.4
    assert.equal(refusal(romeo, '2'), 'remote-server-not-found')
    await sends(`<message id='3' to='@'/>`)
    assert.equal(refusal(romeo, '3'), 'jid-malformed')
  })
})

describe('a request', () => {
  const ask = (to: string, type = 'get') =>
    sends(`<iq type='${type}' id='7'${to === '' ? '' : ` to='${to}'`}><query xmlns='${NS}'/></iq>`)
  const answered = (): [string | undefined, string | undefined] => {
    const { type, from } = romeo.last().attrs
    return [type, from]
  }

  test('to the server is answered by it', async () => {
    stage.host.iq.add('get', 'host', 'query', NS, 'play', (_, { user }) =>
      xml('query', { xmlns: NS, user: String(user?.jid) }),
    )
    ask('verona.example')
    assert.deepEqual(answered(), ['result', 'verona.example'])
    // The user of a request is whom it is addressed to, and a server is nobody.
    assert.equal(romeo.last().getChild('query')?.attrs['user'], 'undefined')
    await ask('verona.example', 'set')
    assert.equal(refusal(romeo, '7'), 'service-unavailable')
  })

  test('to the own account is answered with its address, or without one when it had none // RFC 6120 §10.3.3', async () => {
    stage.host.iq.add('get', 'self', 'query', NS, 'play', async () => {})
    await ask('')
    assert.deepEqual(answered(), ['result', undefined])
    await ask('romeo@verona.example')
    assert.deepEqual(answered(), ['result', 'romeo@verona.example'])
    // What only the owner may ask is, for others, like what nobody answers.
    await ask('juliet@verona.example')
    assert.equal(refusal(romeo, '7'), 'service-unavailable')
  })

  test('to another account is answered whether somebody is online or not, and alike for unknown ones // RFC 6121 §8.5.1', async () => {
    stage.host.iq.add('get', 'account', 'query', NS, 'play', (_, { user, to }) => {
      asked.push(to)
      assert.equal(user?.jid.toString(), to.local === 'juliet' ? to.toString() : undefined)
    })
    const asked: Jid[] = []
    await ask('juliet@verona.example')
    assert.deepEqual(answered(), ['result', 'juliet@verona.example'])
    await ask('nurse@verona.example')
    assert.deepEqual(answered(), ['result', 'nurse@verona.example'])
    await ask('nobody@verona.example')
    const unknownAccount = romeo.heard.at(-1)!.replace('nobody', 'juliet')
    // RFC 6120 §13.10.2: the handler works as long for it, and on nothing of anybody's.
    assert.deepEqual(asked.at(-1), stage.host.nobody)
    await sends(`<iq type='get' id='7' to='juliet@verona.example'><query xmlns='urn:example:unknown'/></iq>`)
    assert.equal(unknownAccount, romeo.heard.at(-1))
  })

  test('that its handler refuses, or crashes on, is answered with that', async () => {
    let outcome: () => unknown = refuse('forbidden')
    stage.host.iq.add('get', 'host', 'query', NS, 'play', () => outcome() as never)
    for (const wrap of [(work: () => unknown) => work, (work: () => unknown) => async () => work()]) {
      outcome = wrap(refuse('forbidden'))
      await ask('verona.example')
      assert.equal(refusal(romeo, '7'), 'forbidden')
      outcome = wrap(bug)
      await ask('verona.example')
      assert.equal(refusal(romeo, '7'), 'internal-server-error')
    }
    assert.equal(logged.length, 2)
  })

  test('to a client goes to it, and its answer comes back // RFC 6121 §8.5.3.1', async () => {
    await ask('juliet@verona.example/balcony')
    assert.match(juliet.heard[0]!, /^<iq .*type="get"/)
    const bound = stage.host.user(juliet.session!.jid)!.sessions.get('balcony')!
    await router.fromClient(bound, stanza(`<iq type='result' id='7' to='romeo@verona.example/orchard'/>`))
    assert.deepEqual(answered(), ['result', 'juliet@verona.example/balcony'])
    await ask('juliet@verona.example/tomb')
    assert.equal(refusal(romeo, '7'), 'service-unavailable')
  })

  test('passes the guards of its addressee, but nobody guards against themselves', async () => {
    stage.host.iq.add('get', 'account', 'query', NS, 'play', () => {})
    on(flows.iq.arriving, 'guard', refuse('forbidden'))
    await ask('juliet@verona.example')
    assert.equal(refusal(romeo, '7'), 'forbidden')
    await ask('')
    assert.equal(answered()[0], 'result')
  })

  test('that was answered to nobody’s question ends here // RFC 6120 §8.2.3', async () => {
    for (const type of ['result', 'error'])
      for (const to of ['verona.example', 'romeo@verona.example', 'nobody@verona.example/x'])
        await sends(`<iq type='${type}' id='7' to='${to}'/>`)
    assert.deepEqual([romeo.heard, logged], [[], []])
  })
})

describe('a stanza of the server’s own', () => {
  test('goes through the addressee’s side only, and counts as nobody’s session', () => {
    const passed: unknown[] = []
    on(flows.message.leaving, 'copy', () => passed.push('leaving'))
    on(flows.message.arriving, 'copy', (e: { origin: unknown }) => passed.push(e.origin))
    stage.host.route(stanza(`<message from='verona.example' to='juliet@verona.example'/>`))
    assert.deepEqual(passed, [null])
    assert.equal(juliet.heard.length, 1)
  })

  test('that is refused goes back to whom it is from, and no further', async () => {
    on(flows.message.arriving, 'guard', async (e: { to: { local: string } }) => {
      if (e.to.local !== 'romeo') throw new StanzaError('forbidden')
    })
    stage.host.route(stanza(`<message from='romeo@verona.example/orchard' to='juliet@verona.example'/>`))
    stage.host.route(stanza(`<message from='verona.example' to='juliet@verona.example'/>`))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(refusal(romeo), 'forbidden')
    assert.equal(romeo.heard.length, 1)
    assert.deepEqual([juliet.heard, logged], [[], []])
  })

  test('that makes no sense is logged, and nothing is thrown', () => {
    stage.host.route(stanza('<message/>'))
    stage.host.route(stanza(`<iq to='juliet@verona.example'/>`))
    assert.equal(logged.length, 2)
  })
})

test('a crash where the flow goes on is logged with its module, flow and phase', () => {
  on(flows.message.arriving, 'copy', bug)
  sends(`<message to='juliet@verona.example'/>`)
  assert.equal(juliet.heard.length, 1)
  assert.deepEqual(
    logged.map(({ text, module }) => `${module}: ${text}`),
    ['play: a module crashed on a stanza'],
  )
})

test('presence that nobody consumes harms nobody', async () => {
  await sends('<presence/>')
  assert.deepEqual(logged, [])
  await sends(`<presence type='nonsense'/>`)
  assert.equal(refusal(romeo), 'bad-request')
})

test('what is sent to a session that has ended goes nowhere', async () => {
  stage.host.close(romeo.session)
  await sends(`<message to='@'/>`)
  assert.deepEqual(romeo.heard, [])
})
