import { setTimeout as pause } from 'node:timers/promises'
import { Disconnected } from './connection.ts'
import type { Crowd, Person } from './crowd.ts'
import { type Outcome, type Setting, someMs, stage } from './setting.ts'

const cutAtOnce = 10
/** The ways a connection is lost in turn. */
export const ways = ['close', 'half-stanza', 'reset', 'silence', 'while-resuming'] as const
export type Way = (typeof ways)[number]

/** So many connections are lost in the middle of traffic, in all the ways there are, and resumed. */
export function cuts(setting: Setting, total: number, among: readonly Way[] = ways): Promise<Outcome> {
  return stage(setting, `${total} cut connections`, async ({ crowd }) => {
    crowd.writes()
    let made = 0
    const cutter = async (_: unknown, first: number) => {
      while (made < total) {
        // Each looks after people of its own, so that nobody is cut by two.
        const mine = crowd.people.filter((__, i) => i % Math.min(cutAtOnce, crowd.people.length) === first)
        await pause(someMs(0, 60))
        const number = ++made
        const way = among[number % among.length]!
        await cut(crowd, mine[Math.floor(Math.random() * mine.length)]!, way)
        if (number % 100 === 0)
          setting.say(`${number} cuts: ${crowd.figures.seen} seen, ${crowd.findings.faults.length} faults`)
      }
    }
    await Promise.all(Array.from({ length: Math.min(cutAtOnce, crowd.people.length) }, cutter))
    await crowd.rests(true)
    crowd.checksSeen(true)
    await crowd.checksArchives()
    return { cuts: made }
  })
}

async function cut(crowd: Crowd, person: Person, way: Way): Promise<void> {
  const { client } = person
  const halfway = way === 'half-stanza' ? person.begins() : undefined
  const closed = client.cut(way === 'while-resuming' ? 'close' : way, halfway)
  // Some come back at once, before the server has noticed anything; others when messages wait for them.
  await pause(Math.random() < 0.5 ? 0 : someMs(0, 150))
  if (way === 'while-resuming')
    await client.resumes(pause(someMs(0, 5))).catch((error: unknown) => {
      if (!(error instanceof Disconnected)) throw error
    })
  const { resumed, condition } = await client.resumes()
  if (!resumed) crowd.findings.blames('broken', `${client.jid} was not resumed after ${way}: ${condition}`)
  person.isBack(!resumed)
  // XEP-0198 §5: the server closes the connection that was replaced.
  await closed
}
