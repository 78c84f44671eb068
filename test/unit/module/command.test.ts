import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError, defineModule } from '../../../src/api.ts'
import { type CommandSpec, Commands } from '../../../src/module/command.ts'
import type { AnyModule, Context } from '../../../src/module/define.ts'
import { HostModules } from '../../../src/module/lifecycle.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { surroundingsOf } from '../../support/surroundings.ts'
import { folder, serve, stonechat } from '../cli/program.ts'
import { Stage } from '../session/stage.ts'

const saying = (word: string) => async (args: readonly string[]) => [`${word}: ${args.join(' ')}`]
const spec = (name: string, run = saying(name)): CommandSpec => ({ name, summary: 'A test.', run })
const refusedWith = (pattern: RegExp) => (error: unknown) =>
  error instanceof CommandError && pattern.test(error.message)

test('a command of the server gets what was typed; there is one of each name', async () => {
  const commands = new Commands()
  const remove = commands.add(spec('user list'))
  assert.deepEqual(await commands.run('user list', ['a', 'b']), ['user list: a b'])
  assert.throws(() => commands.add(spec('user list')), /two commands are called user list/)
  remove()
  await assert.rejects(commands.run('user list', []), refusedWith(/There is no command user list/))
})

test('a module’s command runs on the host of its first argument, an account or a domain, however it is written', async () => {
  const commands = new Commands()
  commands.addFor('verona.example', 'rose show', saying('verona'))
  commands.addFor('mantua.example', 'rose show', saying('mantua'))
  for (const [address, host] of [
    ['romeo@verona.example', 'verona'],
    ['Romeo@MANTUA.example', 'mantua'],
    ['mantua.example', 'mantua'],
    ['romeo@verona.example/orchard', 'verona'],
  ] as const)
    assert.deepEqual(await commands.run('rose show', [address, 'x']), [`${host}: ${address} x`])
})

test('an address of nowhere, or none, is refused with what to do', async () => {
  const commands = new Commands()
  commands.addFor('verona.example', 'rose show', saying('verona'))
  await assert.rejects(
    commands.run('rose show', ['romeo@padua.example']),
    refusedWith(/padua\.example is not a domain .* those are: verona\.example/),
  )
  await assert.rejects(commands.run('rose show', ['@']), refusedWith(/@ is not an address/))
  await assert.rejects(commands.run('rose show', []), refusedWith(/is not an address/))
})

test('a module’s command goes with it, on its host only; when it is on nowhere there is none', async () => {
  const commands = new Commands()
  const removals = ['verona.example', 'mantua.example'].map((domain) =>
    commands.addFor(domain, 'rose show', saying(domain)),
  )
  removals[0]!()
  await assert.rejects(
    commands.run('rose show', ['verona.example']),
    refusedWith(/not a domain .* those are: mantua\.example/),
  )
  removals[1]!()
  await assert.rejects(commands.run('rose show', ['verona.example']), refusedWith(/There is no command rose show/))
})

test('two modules with one command on one host are refused', () => {
  const commands = new Commands()
  commands.addFor('verona.example', 'rose show', saying('one'))
  assert.throws(
    () => commands.addFor('verona.example', 'rose show', saying('other')),
    /two commands are called rose show/,
  )
})

test('a host has the commands of the server and those of its own modules, wherever they act', () => {
  const commands = new Commands()
  const owner = (host: string, name: string) => ({ host, declaration: { name, summary: '' } })
  commands.add(spec('user list'))
  commands.addFor('garden.verona.example', 'rose show', saying('x'), owner('verona.example', 'rose show'))
  commands.addFor('mantua.example', 'fish show', saying('x'), owner('mantua.example', 'fish show'))
  commands.addFor('verona.example', 'undeclared', saying('x'))
  assert.deepEqual(
    commands.of('verona.example').map(({ name }) => name),
    ['rose show', 'user list'],
  )
})

test('whoever has a say about one host only is told nothing of another', async () => {
  const commands = new Commands()
  const owner = (host: string) => ({ host, declaration: { name: 'rose show', summary: '' } })
  const args = [{ name: 'jids', summary: '', kind: 'jids' }] as const
  commands.add({ ...spec('user show'), args })
  commands.addFor('garden.verona.example', 'rose show', saying('verona'), owner('verona.example'))
  commands.addFor('mantua.example', 'rose show', saying('mantua'), owner('mantua.example'))
  const ask = (name: string, ...given: string[]) => commands.perform(name, given, 'verona.example')
  const isForbidden = (error: unknown) => error instanceof CommandError && error.condition === 'forbidden'
  await assert.rejects(ask('user show', 'romeo@mantua.example'), isForbidden)
  await assert.rejects(ask('user show', 'juliet@verona.example', 'romeo@Mantua.example'), isForbidden)
  await assert.rejects(ask('rose show', 'red@mantua.example'), isForbidden)
  assert.deepEqual((await ask('user show', 'juliet@verona.example')).lines, ['user show: juliet@verona.example'])
  assert.deepEqual((await ask('rose show', 'red@garden.verona.example')).lines, ['verona: red@garden.verona.example'])
})

test('a command may have more to say than lines', async () => {
  const commands = new Commands()
  const reply = { lines: ['1'], fields: [{ var: 'n', values: ['1'] }] }
  commands.add({ ...spec('user count'), run: async () => reply })
  commands.add(spec('user list'))
  assert.deepEqual(await commands.perform('user count', []), reply)
  assert.deepEqual(await commands.run('user count', []), ['1'])
  assert.deepEqual(await commands.perform('user list', ['x']), { lines: ['user list: x'] })
})

/** The modules of a host that is started with these, and what they attach to. */
function stage() {
  const { host } = new Stage()
  const commands = new Commands()
  const log = { error() {}, child: () => log }
  const modules = new HostModules(host, surroundingsOf({ clock: new FakeClock(), log, commands }))
  const start = async (...setups: ((ctx: Context) => void)[]) => {
    await modules.start(
      setups.map((setup, n) => ({
        module: defineModule({ name: `test-${n}`, summary: '', implements: [], setup }) as AnyModule,
        config: {},
      })),
    )
    await modules.begin()
  }
  return { host, commands, modules, start }
}

test('what a module lends its commands is taken back when it stops', async () => {
  const { commands, modules, start } = stage()
  await start((ctx) => ctx.command('rose show', saying('rose')))
  assert.deepEqual(await commands.run('rose show', ['verona.example']), ['rose: verona.example'])
  await modules.stop()
  await assert.rejects(commands.run('rose show', ['verona.example']), refusedWith(/There is no command/))
})

test('modules begin when all of them are set up and the flows are compiled, one after the other', async () => {
  const { host, start } = stage()
  const order: string[] = []
  const { flows } = host
  await start(
    (ctx) => {
      ctx.onReady(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        order.push(`first begins, flows compiled: ${host.flows !== flows}`)
      })
      order.push('first')
    },
    (ctx) => {
      ctx.onReady(() => void order.push('second begins'))
      order.push('second')
    },
  )
  assert.deepEqual(order, ['first', 'second', 'first begins, flows compiled: true', 'second begins'])
})

test('when one cannot begin, all are stopped and those after it never begin', async () => {
  const { commands, modules, start } = stage()
  const order: string[] = []
  await assert.rejects(
    start(
      (ctx) => {
        ctx.command('rose show', saying('rose'))
        ctx.onReady(() => void order.push('first begins'))
        ctx.onStop(() => void order.push('first stops'))
      },
      (ctx) => ctx.onReady(() => Promise.reject(new Error('not today'))),
      (ctx) => ctx.onReady(() => void order.push('third begins')),
    ),
    /not today/,
  )
  assert.deepEqual(order, ['first begins', 'first stops'])
  await assert.rejects(commands.run('rose show', ['verona.example']), refusedWith(/There is no command/))
  // Started anew, nothing of the first attempt is left.
  await start((ctx) => ctx.onReady(() => void order.push('anew')))
  assert.deepEqual(order.slice(2), ['anew'])
  await modules.stop()
})

test('a module’s commands stand beside those of the server, whether it runs or not', async () => {
  const { config } = await folder()
  const archive = (...args: string[]) => stonechat(['archive', ...args, '--config', config])
  assert.match((await stonechat(['--help'])).out, /^ {2}archive /m)
  await stonechat(['user', 'add', 'romeo@localhost', '--config', config], 'pencil\n')
  const elsewhere =
    /^stonechat: padua\.example is not a domain with this command; those are: localhost, conference\.localhost\.$/m
  const { out } = await archive('show', 'romeo@localhost')
  assert.notEqual(out, '')
  assert.match((await archive('show', 'romeo@padua.example')).err, elsewhere)
  const server = await serve(config)
  assert.equal((await archive('show', 'romeo@localhost')).out, out)
  assert.match((await archive('show', 'romeo@padua.example')).err, elsewhere)
  assert.equal(await server.stop(), 0)
})
