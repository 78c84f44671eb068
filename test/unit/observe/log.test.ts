import assert from 'node:assert/strict'
import { test } from 'node:test'
import bunyan from 'bunyan'
import { levelOf, shareLevel } from '../../../src/observe/log.ts'

function stage() {
  const said: string[] = []
  const stream = { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) }
  const log = bunyan.createLogger({ name: 'test', streams: [{ level: 'info', stream: stream as never }] })
  shareLevel(log)
  shareLevel(log)
  return { log, said }
}

test('children and theirs go by the level of the log, whenever it changes', () => {
  const { log, said } = stage()
  const child = log.child({ module: 'push' })
  const grandchild = child.child({ service: 'rooms' })
  for (const level of ['warn', 'debug'] as const) {
    log.level(level)
    for (const [name, one] of Object.entries({ log, child, grandchild })) {
      assert.equal(levelOf(one), level)
      assert.equal(one.debug(), level === 'debug')
      one.debug(`${name} at ${level}`)
    }
  }
  assert.deepEqual(said, ['log at debug', 'child at debug', 'grandchild at debug'])
})

test('a level set by a child is that of all', () => {
  const { log } = stage()
  const child = log.child({})
  child.level('error')
  assert.deepEqual([levelOf(log), levelOf(child)], ['error', 'error'])
})

test('fields of children stay theirs', () => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) } as never
  const log = bunyan.createLogger({ name: 'test', streams: [{ level: 'info', stream }] })
  shareLevel(log)
  log.child({ module: 'push' }).child({ room: 'x' }).info('said')
  log.info('said')
  const [inner, outer] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual([inner!['module'], inner!['room'], outer!['module']], ['push', 'x', undefined])
})
