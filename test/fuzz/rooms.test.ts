import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { it } from 'node:test'
import { run } from './rooms.ts'

const PLAYS = 5

for (const [title, seed] of [
  ['the same deeds every time', 1],
  ['deeds nobody has seen', randomInt(2 ** 32)],
] as const)
  it(`rooms stay what they must be, whatever comes together: ${title}`, async (t) => {
    t.diagnostic(`seed ${seed}`)
    const { accepted, refused } = await run(seed, (plays) => plays < PLAYS)
    // Neither all done nor all refused: otherwise the model says little.
    assert.ok(accepted > 50 * PLAYS && refused > 50 * PLAYS, `${accepted} done, ${refused} refused`)
  })
