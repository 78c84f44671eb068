import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Visit, VisitStore } from '../../../../modules/administration/store.ts'
import { Visits } from '../../../../modules/administration/visits.ts'

/** A store in memory that can fail, and what the visits have asked to be run later. */
function stage() {
  const rows = new Map<string, Visit>()
  const later: (() => void)[] = []
  const failures: unknown[] = []
  const state = { down: false, saves: 0, meanwhile: () => {} }
  const store = {
    async save(visits: readonly Visit[]) {
      if (state.down) throw new Error('down')
      state.saves++
      state.meanwhile()
      for (const visit of visits) rows.set(visit.local, visit)
    },
    find: async (locals: readonly string[]) => locals.flatMap((local) => rows.get(local) ?? []),
    remove: async (local: string) => void rows.delete(local),
  } as unknown as VisitStore
  const visits = new Visits(
    store,
    (write) => void later.push(write),
    (error) => void failures.push(error),
  )
  /** Lets the time come that the next write was put off to. */
  const write = async () => {
    later.shift()!()
    await visits.find([])
  }
  return { visits, rows, later, failures, state, write }
}

const nothing = { loginMs: 0, motdMs: 0, welcomed: false }

test('changes are seen at once and written together later', async () => {
  const { visits, rows, later, state, write } = stage()
  rows.set('romeo', { ...nothing, local: 'romeo', loginMs: 1, motdMs: 5 })
  visits.note('romeo', { loginMs: 2 })
  visits.note('juliet', { loginMs: 3 })
  visits.note('juliet', { welcomed: true })
  assert.equal(later.length, 1)
  assert.deepEqual(await visits.find(['juliet', 'romeo', 'nobody']), [
    { local: 'juliet', loginMs: 3, motdMs: 0, welcomed: true },
    { local: 'romeo', loginMs: 2, motdMs: 5, welcomed: false },
    { ...nothing, local: 'nobody' },
  ])
  assert.equal(rows.get('romeo')!.loginMs, 1)
  await write()
  assert.deepEqual(rows.get('romeo'), { local: 'romeo', loginMs: 2, motdMs: 5, welcomed: false })
  assert.deepEqual([state.saves, later.length], [1, 0])
  visits.note('romeo', { loginMs: 4 })
  assert.equal(later.length, 1)
  await visits.close()
  assert.equal(rows.get('romeo')!.loginMs, 4)
  visits.note('romeo', { loginMs: 5 })
  assert.equal(later.length, 1, 'nothing is put off any more')
})

test('what changes while it is being written is written afterwards', async () => {
  const { visits, rows, state, write } = stage()
  visits.note('romeo', { loginMs: 1 })
  state.meanwhile = () => visits.note('romeo', { motdMs: 9 })
  await write()
  state.meanwhile = () => {}
  await write()
  assert.deepEqual(rows.get('romeo'), { local: 'romeo', loginMs: 1, motdMs: 9, welcomed: false })
})

test('what could not be written is tried again, and an account that is deleted leaves nothing', async () => {
  const { visits, rows, failures, state, write } = stage()
  visits.note('romeo', { loginMs: 1 })
  state.down = true
  await write()
  assert.equal(failures.length, 1)
  state.down = false
  await write()
  assert.deepEqual([...rows.keys()], ['romeo'])
  visits.note('romeo', { loginMs: 3 })
  await visits.forget('romeo')
  await write()
  assert.equal(rows.has('romeo'), false)
})
