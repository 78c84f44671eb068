import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { it } from 'node:test'
import type { Deed } from '../support/room-model.ts'
import { perform, run, type Step } from './rooms.ts'

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

const rest: Step = { kind: 'rest' }
const deed = (who: number, what: Deed, pause = 0): Step => ({ kind: 'deed', who, room: 0, deed: what, pause })
const appear = (who: number, nick: string, pause = 0) => deed(who, { kind: 'appear', nick, withX: true }, pause)

it('rooms: all go whose addresses are for all to see, and the room with them', async () => {
  const open = deed(0, { kind: 'configure', settings: { whois: true } })
  const leave = deed(0, { kind: 'leave' })
  const close = deed(1, { kind: 'configure', settings: { membersonly: true } })
  const come = [appear(4, 'white'), rest, appear(5, 'blue'), rest]
  const script = [appear(0, 'red'), open, rest, ...come, leave, rest, close]
  const { log } = await perform(1, script)
  assert.ok(log.some((line) => /^dan@localhost.1 < .* jid="cat@localhost.1".*<status code="322"/.test(line)))
})

it('rooms: somebody enters and is cut off, comes back under the same nick, and is shown what it sent before', async () => {
  const cut: Step = { kind: 'cut', who: 3, pause: 0 }
  const both = (pause: number) => [appear(3, 'green'), appear(2, 'green', pause), cut, rest]
  const leave = [deed(2, { kind: 'leave' }), deed(3, { kind: 'leave' }), rest]
  const script = [appear(0, 'red'), deed(0, { kind: 'configure', settings: {} }), rest]
  for (const pause of [2, 5]) script.push(...both(pause), appear(3, 'green'), rest, ...leave)
  const { log } = await perform(1, script)
  const own = log.filter((line) => /^bob@localhost.2 (> <presence|< .* code="110")/.test(line))
  const ids = own.map((line) => /<status>(.*?)<.status>/.exec(line)?.[1])
  // Sent, and seen after another was sent.
  assert.ok(ids.some((id, at) => id !== undefined && ids.lastIndexOf(id) > at + 1))
})
