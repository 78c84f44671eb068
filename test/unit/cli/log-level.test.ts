import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import bunyan from 'bunyan'
import { logCommands } from '../../../src/log-commands.ts'
import { CommandError } from '../../../src/module/command.ts'
import { Stopping } from '../../../src/stopping.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { folder, serve, stonechat } from './program.ts'

test('the level of the log is told and changed, on a server that runs', async () => {
  const stopping = new Stopping(new FakeClock())
  const log = bunyan.createLogger({ name: 'test', streams: [{ level: 'warn', stream: process.stderr }] })
  const level = async (...args: string[]) => await logCommands(stopping, log)[0]!.run(args)
  const refuses = (message: RegExp) => (error: unknown) => error instanceof CommandError && message.test(error.message)
  await assert.rejects(level('debug'), refuses(/^No server is running/))
  assert.equal(log.level(), bunyan.WARN)
  stopping.runner = { mayRestart: async () => {}, end() {} }
  assert.deepEqual(await level(), ['Lines are logged from level warn on.'])
  await assert.rejects(level('loud'), refuses(/^loud is no level; those are trace, debug, info, warn, error, fatal\.$/))
  // What a form has for a field that is left empty.
  assert.deepEqual(await level(''), ['Lines are logged from level warn on.'])
  assert.deepEqual(await level('debug'), ['Lines are logged from level debug on; it was warn before.'])
  assert.equal(log.level(), bunyan.DEBUG)
})

test('a running server changes its level by command, and reads it again at SIGHUP', async () => {
  const { config } = await folder('log: { level: warn, file: server.log }\n')
  const server = await serve(config)
  const changed = await stonechat(['log', 'level', 'error', '--config', config])
  assert.equal(changed.out, 'Lines are logged from level error on; it was warn before.\n', changed.err)
  const file = join(config, 'server.yaml')
  const yaml = await readFile(file, 'utf8')
  const hears = async (level: string, line: string) => {
    await writeFile(file, yaml.replace('level: warn', `level: ${level}`))
    server.child.kill('SIGHUP')
    for (let tries = 0; ; tries++) {
      const log = await readFile(join(config, 'server.log'), 'utf8').catch(() => '')
      if (log.includes(line)) return
      assert.ok(tries < 500, `${line} is not in ${log}`)
      await sleep(10)
    }
  }
  await hears('info', 'the level of the log was read')
  await hears('loud', 'the level of the log stays, since the configuration is not right')
  await server.stop()
})
