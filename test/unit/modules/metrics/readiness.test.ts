import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATIENCE_MS, Readiness } from '../../../../modules/metrics/readiness.ts'
import { FakeClock } from '../../../support/fake-clock.ts'

const AWAY = 'The database does not answer.'
const STOPPING = 'The server is being stopped.'

function stage() {
  const clock = new FakeClock()
  const state = { health: 'up' as 'down' | 'up', isStopping: false, asked: 0 }
  const answers: ((error?: Error) => void)[] = []
  const readiness = new Readiness({
    store: {
      ask: () => {
        state.asked++
        return new Promise((resolve, reject) =>
          answers.push((error) => (error === undefined ? resolve() : reject(error))),
        )
      },
    },
    db: {
      get health() {
        return state.health
      },
    },
    isStopping: () => state.isStopping,
    after: (ms, fn) => clock.after(ms, fn),
  })
  return { clock, state, answers, readiness }
}

test('a server whose database answers is ready, unless it is being stopped', async () => {
  const { answers, readiness, state } = stage()
  const asked = readiness.problems()
  answers.shift()!()
  assert.deepEqual(await asked, [])
  state.isStopping = true
  const again = readiness.problems()
  answers.shift()!()
  assert.deepEqual(await again, [STOPPING])
})

test('a database that fails, or is known to be away, makes it not ready', async () => {
  const { answers, readiness, state } = stage()
  const asked = readiness.problems()
  answers.shift()!(new Error('away'))
  assert.deepEqual(await asked, [AWAY])
  state.health = 'down'
  state.isStopping = true
  assert.deepEqual(await readiness.problems(), [STOPPING, AWAY])
  assert.equal(state.asked, 1)
})

test('one that does not answer in time does so too, and is asked once, however many want to know', async () => {
  const { answers, clock, readiness, state } = stage()
  const asked = Array.from({ length: 5 }, () => readiness.problems())
  clock.advance(PATIENCE_MS)
  assert.deepEqual(await Promise.all(asked), Array(5).fill([AWAY]))
  const later = readiness.problems()
  assert.equal(state.asked, 1)
  answers.shift()!()
  assert.deepEqual(await later, [])
  const next = readiness.problems()
  assert.equal(state.asked, 2)
  answers.shift()!()
  assert.deepEqual(await next, [])
})
