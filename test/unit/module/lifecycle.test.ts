import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  defineCollection,
  defineModule,
  defineNotice,
  defineQuestion,
  flows,
  option,
  sessionOpened,
  soft,
  userLoading,
} from '../../../src/api.ts'
import { Commands } from '../../../src/module/command.ts'
import type { AnyModule, Context } from '../../../src/module/define.ts'
import { type EnabledModule, HostModules, type ModuleSurroundings } from '../../../src/module/lifecycle.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { surroundingsOf } from '../../support/surroundings.ts'
import { Stage } from '../session/stage.ts'

const NS = 'urn:example:play'
const heard = defineNotice<string>('test/lifecycle-notice', 'A test tells.')
const asked = defineQuestion<string, string>('test/lifecycle-question', 'nobody', 'A test asks.')
const gathered = defineCollection<string>('test/lifecycle-collection', 'A test gathers.')

let stage: Stage
let clock: FakeClock
let logged: string[]
let modules: HostModules
let surroundings: ModuleSurroundings

beforeEach(() => {
  stage = new Stage()
  clock = new FakeClock()
  logged = []
  const log = {
    error: (fields: { err: Error }, text: string) => logged.push(`${text}: ${fields.err.message}`),
    child: (fields: object) => fields,
  }
  surroundings = surroundingsOf({ clock, log })
  modules = new HostModules(stage.host, surroundings)
})

function on(module: object, config: Record<string, unknown> = {}): EnabledModule {
  return { module: module as AnyModule, config }
}

function module(name: string, setup: (ctx: Context) => unknown, depends = {}): EnabledModule {
  return on(defineModule({ name, summary: '', implements: [], depends, setup: setup as never }))
}

/** Attaches one of everything. */
function attachAll(ctx: Context, said: string[]): void {
  ctx.flow(flows.message.arriving, 'guard', () => void said.push('guard'))
  ctx.on(heard, (e) => said.push(`on ${e}`))
  ctx.gate(userLoading, () => void said.push('gate'))
  ctx.answer(asked, () => 'an answer')
  ctx.add(gathered, 'an item')
  ctx.iq('get', 'host', 'query', NS, () => {})
  ctx.after(1000, () => said.push('timer'))
}

/** Asserts that nothing of {@link attachAll} is left. */
async function nothingIsLeft(said: string[]): Promise<void> {
  const { host } = stage
  said.length = 0
  host.hooks.notify(heard, 'x')
  await stage.session('romeo', 'orchard')
  clock.advance(10_000)
  assert.deepEqual(said, [])
  assert.equal(host.hooks.ask(asked, 'x'), 'nobody')
  assert.deepEqual(host.hooks.all(gathered), [])
  assert.deepEqual(host.iq.describe(), [])
  assert.deepEqual(host.flows.flat(), [])
  assert.deepEqual([...host.features.host, ...host.features.account], [])
  assert.equal(clock.hasTimerWithin(1e9), false)
}

test('modules are set up in order, and each gets what its dependencies returned', async () => {
  const roster = defineModule({ name: 'roster', summary: '', implements: [], setup: async () => ({ size: 3 }) })
  const muc = defineModule({ name: 'muc', summary: '', implements: [], setup: () => ({ rooms: 1 }) })
  let got: { rooms: number | undefined } | undefined
  const user = defineModule({
    name: 'user',
    summary: '',
    implements: [],
    depends: { contacts: roster, muc: soft(muc) },
    options: { n: option.int().default(1) },
    setup(ctx) {
      const shown = { size: ctx.deps.contacts.size, rooms: ctx.deps.muc?.rooms, n: ctx.config.n, log: ctx.log }
      got = shown
    },
  })
  await modules.start([on(roster), on(user, { n: 7 })])
  assert.deepEqual(got, { size: 3, rooms: undefined, n: 7, log: { module: 'user', host: 'verona.example' } })
  await modules.stop()
  await modules.start([on(roster), on(muc), on(user, { n: 7 })])
  assert.equal(got?.rooms, 1)
})

test('a module’s commands are for its host, or for a domain that it serves beside it', async () => {
  const commands = new Commands()
  modules = new HostModules(stage.host, { ...surroundings, commands })
  const gardener = module('garden', (ctx) => {
    ctx.command('rose show', async () => ['of the host'])
    ctx.command('rose show', async () => ['of the garden'], 'garden.verona.example')
  })
  await modules.start([gardener])
  assert.deepEqual(await commands.run('rose show', ['verona.example']), ['of the host'])
  assert.deepEqual(await commands.run('rose show', ['bed@garden.verona.example']), ['of the garden'])
  await modules.stop()
  await assert.rejects(commands.run('rose show', ['garden.verona.example']), /There is no command rose show/)
})

test('a hard dependency that is off is refused with what to do', async () => {
  const needy = module('user', () => {}, { roster: { name: 'roster' } })
  await assert.rejects(
    modules.start([needy]),
    /module user needs module roster, which is turned off: turn it on, or user off/,
  )
})

test('what was attached works until the module stops, and then nothing of it does', async () => {
  const said: string[] = []
  const spec = {
    ...module('play', (ctx) => attachAll(ctx, said)).module,
    features: { host: ['urn:example:h'], account: ['urn:example:a'] },
  }
  await modules.start([on(spec)])
  const { host } = stage
  assert.deepEqual([...host.features.host, ...host.features.account], ['urn:example:h', 'urn:example:a'])
  assert.deepEqual(host.iq.describe(), [`host get query ${NS}: play`])
  assert.equal(host.flows[flows.message.arriving.id]?.length, 1)
  assert.equal(host.hooks.ask(asked, 'x'), 'an answer')
  assert.deepEqual(host.hooks.all(gathered), ['an item'])
  host.hooks.notify(heard, 'x')
  await stage.session('juliet', 'balcony')
  assert.deepEqual(said, ['on x', 'gate'])
  await modules.stop()
  await nothingIsLeft(said)
  // Nor does anything come twice when the same modules are started again.
  await modules.start([on(spec)])
  assert.equal(host.flows[flows.message.arriving.id]?.length, 1)
})

test('a setup that throws is unwound: all modules, all that was attached, last first', async () => {
  const said: string[] = []
  const stopped: string[] = []
  await assert.rejects(
    modules.start([
      module('first', (ctx) => {
        ctx.onStop(() => void stopped.push('first 1'))
        attachAll(ctx, said)
        ctx.onStop(async () => {
          await null
          stopped.push('first 2')
        })
      }),
      module('second', (ctx) => {
        ctx.on(sessionOpened, () => said.push('second'))
        ctx.onStop(() => void stopped.push('second'))
        throw new Error('no such file')
      }),
      module('third', () => assert.fail('it was set up')),
    ]),
    (error: Error) =>
      /^module second could not start on verona\.example: Error: no such file$/.test(error.message) &&
      (error.cause as Error).message === 'no such file',
  )
  assert.deepEqual(stopped, ['second', 'first 2', 'first 1'])
  await nothingIsLeft(said)
})

test('two modules that answer one IQ are refused at load, both by name, and unwound', async () => {
  const said: string[] = []
  await assert.rejects(
    modules.start([
      module('first', (ctx) => attachAll(ctx, said)),
      module('rival', (ctx) => ctx.iq('get', 'host', 'query', NS, () => {})),
    ]),
    /modules first and rival both answer <query/,
  )
  await nothingIsLeft(said)
})

test('a contradictory order is refused at load and unwound', async () => {
  const said: string[] = []
  await assert.rejects(
    modules.start([
      module('first', (ctx) => {
        attachAll(ctx, said)
        ctx.flow(flows.message.arriving, 'copy', () => {}, { after: 'second' })
      }),
      module('second', (ctx) => ctx.flow(flows.message.arriving, 'copy', () => {}, { after: 'first' })),
    ]),
    /message\.arriving copy is contradictory among: first, second/,
  )
  await nothingIsLeft(said)
})

test('the order a module asks for is the order its handlers run in', async () => {
  await modules.start([
    module('first', (ctx) => ctx.flow(flows.message.arriving, 'copy', () => {}, { after: 'second' })),
    module('second', (ctx) => ctx.flow(flows.message.arriving, 'copy', () => {})),
  ])
  const steps = stage.host.flows[flows.message.arriving.id]!
  assert.deepEqual(
    steps.map((step) => step.module),
    ['second', 'first'],
  )
})

test('a module that cannot stop is logged, and the others stop', async () => {
  const stopped: string[] = []
  await modules.start([
    module('first', (ctx) => ctx.onStop(() => void stopped.push('first'))),
    module('second', (ctx) => ctx.onStop(() => Promise.reject(new Error('stuck')))),
  ])
  await modules.stop()
  assert.deepEqual(stopped, ['first'])
  assert.deepEqual(logged, ['a module could not stop cleanly: stuck'])
})

test('a timer runs once, can be cancelled, and leaves nothing to take back', async () => {
  const said: string[] = []
  await modules.start([
    module('play', (ctx) => {
      ctx.after(1000, () => said.push('runs'))
      const cancel = ctx.after(2000, () => said.push('cancelled'))
      cancel()
      cancel()
      ctx.after(3000, () => said.push('late'))
    }),
  ])
  clock.advance(2500)
  assert.deepEqual(said, ['runs'])
  await modules.stop()
  clock.advance(10_000)
  assert.deepEqual(said, ['runs'])
})

test('what is done every so often never runs twice at once, goes on after a failure, and has ended when the module stops', async () => {
  const said: string[] = []
  const rounds: PromiseWithResolvers<void>[] = []
  surroundings = {
    ...surroundings,
    log: { child: () => ({ warn: (_: object, text: string) => said.push(text) }) } as never,
  }
  modules = new HostModules(stage.host, surroundings)
  const sweeper = module('sweeper', (ctx) =>
    ctx.every(1000, 'nothing was swept', () => {
      const round = Promise.withResolvers<void>()
      rounds.push(round)
      return round.promise
    }),
  )
  await modules.start([sweeper])
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  clock.advance(999)
  await turn()
  assert.equal(rounds.length, 0)
  clock.advance(1)
  clock.advance(1000)
  await turn()
  assert.equal(rounds.length, 1)
  rounds[0]!.reject(new Error('no broom'))
  await turn()
  clock.advance(1000)
  await turn()
  assert.deepEqual([said, rounds.length], [['nothing was swept'], 2])
  let isStopped = false
  const stopping = modules.stop().then(() => {
    isStopped = true
  })
  await turn()
  assert.equal(isStopped, false)
  rounds[1]!.resolve()
  await stopping
  clock.advance(5000)
  await turn()
  assert.equal(rounds.length, 2)
})
