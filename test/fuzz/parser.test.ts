import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { it } from 'node:test'
import { run } from './parser.ts'

for (const [title, seed] of [
  ['the same streams every time', 1],
  ['streams nobody has seen', randomInt(2 ** 32)],
] as const)
  it(`two parsers agree on ${title}`, (t) => {
    t.diagnostic(`seed ${seed}`)
    const { accepted, refused } = run(seed, (count) => count < 3000)
    // Neither all good nor all broken: otherwise the comparison says little.
    assert.ok(accepted > 600 && refused > 600, `${accepted} accepted, ${refused} refused`)
  })
