import { setTimeout as pause } from 'node:timers/promises'
import { type Crowd, each } from './crowd.ts'
import { mortal, type Outcome, type Setting, type Stage, someMs, stage } from './setting.ts'

const loginsAtOnce = 16
/** The longest that service may take to return once the database is there. */
const recoveryMs = 10_000

/** The server is ended with SIGKILL under load, so many times; after each, both archives of every pair are read. */
export function kill(setting: Setting, rounds: number): Promise<Outcome> {
  return stage(setting, `kill -9 of the server, ${rounds} times`, async ({ server, crowd }) => {
    for (let round = 1; round <= rounds; round++) {
      const before = crowd.figures.acknowledged
      crowd.writes()
      await crowd.findings.until('somebody is served', () => crowd.figures.acknowledged > before)
      await pause(someMs(0, 1500))
      crowd.findings.mayBeDropped = true
      await server.end('SIGKILL')
      await crowd.areDropped()
      for (const person of crowd.people) person.rests()
      await server.startAgain()
      crowd.findings.mayBeDropped = false
      await comesBackAnew(crowd, server.kind.tellsHandled)
      crowd.checksSeen(false)
      await crowd.checksArchives()
      setting.say(`round ${round}: ${crowd.figures.acknowledged} acknowledged, ${crowd.findings.faults.length} faults`)
    }
    await crowd.checksArchivesAgain()
    return { rounds }
  })
}

/** Whoever lost the server for good is told so when resuming, and goes on in a new session (XEP-0198 §5). */
async function comesBackAnew(crowd: Crowd, tellsHandled: boolean): Promise<void> {
  await each(crowd.people, loginsAtOnce, async (person) => {
    const { resumed, h, condition } = await person.client.resumes()
    const { jid } = person.client
    if (resumed) crowd.findings.blames('broken', `${jid} resumed what the server cannot know`)
    else if (condition !== 'item-not-found') crowd.findings.blames('broken', `${jid} was refused with ${condition}`)
    else if (h === undefined && tellsHandled) crowd.findings.blames('broken', `${jid} was not told what was handled`)
    person.isBack(true)
  })
}

/** The database server is ended with SIGKILL under load and started again five seconds later, so many times. */
export function database(setting: Setting, rounds: number, awayMs = 5000): Promise<Outcome> {
  const title = `kill -9 of the database, away for ${awayMs / 1000} s, ${rounds} times`
  return stage(setting, title, async ({ server, crowd }) => {
    const mariadb = mortal(setting.mysql)
    let [slowestFirstMs, slowestAllMs] = [0, 0]
    for (let round = 1; round <= rounds; round++) {
      crowd.writes()
      await pause(someMs(300, 1500))
      await mariadb.kill()
      await pause(awayMs)
      await mariadb.start()
      const [firstMs, allMs] = await serviceReturns(crowd)
      slowestFirstMs = Math.max(slowestFirstMs, firstMs)
      slowestAllMs = Math.max(slowestAllMs, allMs)
      await pause(someMs(100, 500))
      await crowd.rests(true)
      if (!server.alive) throw new Error('the server did not survive')
      crowd.checksSeen(true)
      await crowd.checksArchives()
      setting.say(
        `round ${round}: the first was served ${firstMs} ms after the database was back, all after ${allMs} ms; ${crowd.figures.refused} refused, ${crowd.findings.faults.length} faults`,
      )
    }
    await crowd.checksArchivesAgain()
    return { rounds, 'first served, ms': slowestFirstMs, 'all served, ms': slowestAllMs }
  })
}

/** Waits until something new of everybody is acknowledged; resolves with how long the first and the last waited, in ms. */
async function serviceReturns(crowd: Crowd): Promise<[number, number]> {
  const start = performance.now()
  const waiting = new Map(crowd.people.map(({ out }) => [out, out.sent]))
  let firstMs = 0
  const served = () => {
    for (const [lane, from] of waiting)
      for (let n = from; n < lane.sent; n++)
        if (lane.acknowledged.has(n)) {
          waiting.delete(lane)
          firstMs ||= performance.now() - start
          break
        }
    return waiting.size === 0
  }
  await crowd.findings.until('everybody is served again', served, recoveryMs)
  return [Math.round(firstMs), Math.round(performance.now() - start)]
}

/** The server is told to stop under load and started again, so many times; everybody resumes, and nobody misses a thing. */
export function term(setting: Setting, rounds: number): Promise<Outcome> {
  return stage(setting, `SIGTERM, ${rounds} times`, async ({ server, crowd }) => {
    let slowestMs = 0
    for (let round = 1; round <= rounds; round++) {
      crowd.writes()
      await pause(someMs(200, 1500))
      crowd.findings.mayBeDropped = true
      const start = performance.now()
      const code = await server.end('SIGTERM')
      slowestMs = Math.max(slowestMs, Math.round(performance.now() - start))
      if (code !== 0) crowd.findings.blames('broken', `it ended with ${code}`)
      await crowd.areDropped()
      await server.startAgain()
      crowd.findings.mayBeDropped = false
      await comesBack(crowd)
      await pause(someMs(100, 500))
      await crowd.rests(true)
      crowd.checksSeen(true)
      await crowd.checksArchives()
      setting.say(`round ${round}: ${crowd.figures.seen} seen, ${crowd.findings.faults.length} faults`)
    }
    return { rounds, 'stopped within, ms': slowestMs }
  })
}

async function comesBack(crowd: Crowd): Promise<void> {
  await each(crowd.people, loginsAtOnce, async (person) => {
    const { resumed, condition } = await person.client.resumes()
    if (!resumed) crowd.findings.blames('broken', `${person.client.jid} was not resumed: ${condition}`)
    person.isBack(!resumed)
  })
}

export type { Stage }
