import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drop, Jid, StanzaDrop, StanzaError } from '../../../src/api.ts'
import { compileFlows, type Step } from '../../../src/pipeline/compile.ts'
import { flows, type Phase, phases } from '../../../src/pipeline/flow.ts'
import { runFlow } from '../../../src/pipeline/run.ts'
import { StanzaEvent } from '../../../src/pipeline/stanza-event.ts'
import { Stage, stanza } from '../session/stage.ts'

const { host } = new Stage()

function event(): StanzaEvent {
  const [from, to] = [Jid.parse('romeo@verona.example/orchard'), Jid.parse('juliet@verona.example')]
  return new StanzaEvent(stanza(`<message to='${to}'/>`), 'message', 'normal', from, to, true, null, host, undefined)
}

type Run = (e: unknown) => unknown

/** Steps from `[phase, module, handler]`. */
function steps(...list: readonly [Phase, string, Run][]): readonly Step[] {
  const registrations = list.map(([phase, module, handler]) => ({
    module,
    flow: flows.message.arriving,
    phase,
    handler: handler as never,
  }))
  return compileFlows(registrations)[flows.message.arriving.id]!
}

const noCrash = (step: Step, error: unknown) => assert.fail(`${step.module} crashed: ${error}`)
const bug = () => {
  throw new TypeError('a bug')
}
const lateBug = async () => {
  await null
  throw new TypeError('a bug')
}
const isBug = { name: 'TypeError', message: 'a bug' }

test('a flow without promises gives its answer at once', () => {
  const ran: string[] = []
  const note = (name: string, answer?: boolean) => () => {
    ran.push(name)
    return answer
  }
  const all: [Phase, string, Run][] = phases.map((phase) => [
    phase,
    phase,
    note(phase, phase === 'deliver' ? false : undefined),
  ])
  assert.equal(runFlow(steps(...all), event(), noCrash), false)
  assert.deepEqual(ran, [...phases])
  assert.equal(runFlow(steps(['deliver', 'a', () => true]), event(), noCrash), true)
  assert.equal(runFlow([], event(), noCrash), false)
})

test('whoever delivers takes the stanza, and nobody after is asked', async () => {
  for (const take of [() => true, async () => true]) {
    const asked: string[] = []
    const flow = steps(
      ['deliver', 'a', () => false],
      ['deliver', 'b', take],
      ['deliver', 'c', () => asked.push('c') > 0],
    )
    assert.equal(await runFlow(flow, event(), noCrash), true)
    assert.deepEqual(asked, [])
  }
})

test('a promise holds back all that follows, in order, and what follows it stays in order', async () => {
  const ran: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const outcome = runFlow(
    steps(
      ['guard', 'a', () => void ran.push('a')],
      [
        'record',
        'b',
        async () => {
          ran.push('b begins')
          await promise
          ran.push('b ends')
        },
      ],
      [
        'record',
        'c',
        async () => {
          await null
          ran.push('c')
        },
      ],
      ['copy', 'd', () => void ran.push('d')],
      [
        'deliver',
        'e',
        async () => {
          ran.push('e')
          return false
        },
      ],
      ['deliver', 'f', () => ran.push('f') > 0],
    ),
    event(),
    noCrash,
  )
  assert.ok(outcome instanceof Promise)
  await null
  assert.deepEqual(ran, ['a', 'b begins'])
  resolve()
  assert.equal(await outcome, true)
  assert.deepEqual(ran, ['a', 'b begins', 'b ends', 'c', 'd', 'e', 'f'])
})

test('only a deliver step can take a stanza: what others happen to return means nothing', async () => {
  for (const phase of ['guard', 'shape', 'record', 'copy'] as const)
    for (const value of [true, 1, 'sent', {}, null]) {
      // An arrow function such as `(e) => session.send(e.wire)` returns what nobody asked for.
      assert.equal(runFlow(steps([phase, 'a', () => value]), event(), noCrash), false, `${phase} ${value}`)
      const late = runFlow(steps([phase, 'a', async () => value], [phase, 'b', () => value]), event(), noCrash)
      assert.equal(await late, false, `${phase} promise of ${value}`)
    }
})

for (const phase of ['guard', 'shape', 'record'] as const)
  describe(`a crash in ${phase} fails closed`, () => {
    const delivered: string[] = []
    const after: [Phase, string, Run] = ['deliver', 'delivery', () => delivered.push('delivered') > 0]
    test('at once', () => {
      assert.throws(() => runFlow(steps([phase, 'a', bug], after), event(), noCrash), isBug)
      assert.deepEqual(delivered, [])
    })
    test('in a promise', async () => {
      await assert.rejects(async () => runFlow(steps([phase, 'a', lateBug], after), event(), noCrash), isBug)
      assert.deepEqual(delivered, [])
    })
    test('at once, after a promise', async () => {
      const flow = steps(['guard', 'slow', async () => {}], [phase, 'a', bug], after)
      await assert.rejects(async () => runFlow(flow, event(), noCrash), isBug)
      assert.deepEqual(delivered, [])
    })
  })

for (const phase of ['copy', 'deliver'] as const)
  test(`a crash in ${phase} is reported once, and the flow goes on`, async () => {
    for (const crash of [bug, lateBug])
      for (const before of [[], [['guard', 'slow', async () => {}]]] as [Phase, string, Run][][]) {
        const crashes: string[] = []
        const flow = steps(...before, [phase, 'a', crash], ['deliver', 'b', () => true])
        const taken = await runFlow(flow, event(), (step, error) =>
          crashes.push(`${step.flow} ${step.phase} ${step.module}: ${(error as Error).message}`),
        )
        assert.equal(taken, true)
        assert.deepEqual(crashes, [`message.arriving ${phase} a: a bug`])
      }
  })

test('a refusal or drop by a deliver step is an answer, no crash', async () => {
  const refuse = () => {
    throw new StanzaError('forbidden')
  }
  const next: [Phase, string, Run] = ['deliver', 'next', () => assert.fail('the next was asked')]
  assert.throws(() => runFlow(steps(['deliver', 'a', refuse], next), event(), noCrash), StanzaError)
  await assert.rejects(
    async () => runFlow(steps(['deliver', 'a', async () => refuse()], next), event(), noCrash),
    StanzaError,
  )
  const silence = () => {
    throw drop
  }
  assert.throws(() => runFlow(steps(['deliver', 'a', silence], next), event(), noCrash), StanzaDrop)
})

test('a refusal by a copy step is a crash: copies refuse nothing', () => {
  const crashes: string[] = []
  const refuse = () => {
    throw new StanzaError('forbidden')
  }
  const flow = steps(['copy', 'a', refuse], ['deliver', 'b', () => true])
  assert.equal(
    runFlow(flow, event(), (step) => crashes.push(step.module)),
    true,
  )
  assert.deepEqual(crashes, ['a'])
})

test('the wire of an event is made once, after the last edit', () => {
  const e = event()
  const edit = () => {
    e.stanza.attrs['id'] = 'x'
  }
  runFlow(steps(['shape', 'a', edit]), e, noCrash)
  assert.equal(e.wire, e.wire)
  assert.match(e.wire.text(), /id="x"/)
})
