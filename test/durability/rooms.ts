import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { SmallDisk } from './disk.ts'
import { RoomCrowd } from './room-crowd.ts'
import { ServerProcess, stonechat } from './server.ts'
import { mortal, type Outcome, type Setting, someMs } from './setting.ts'

/** What may befall a server with rooms. */
export type Mishap = 'database' | 'disk' | 'kill' | 'term'

/** How a play with rooms is set up, beside the setting. */
export interface RoomsSetting {
  /** Rooms of four. */
  readonly rooms: number
  readonly awayMs?: number
  /** For the mishap of that name; it is removed at the end. */
  readonly small?: SmallDisk
  /** Called with the crowd once all are in their rooms. */
  readonly prepares?: (crowd: RoomCrowd) => void
}

const off = { rooms: 'off', entered: 'off', entries: 'off', messages: 'off', presences: 'off', nicks: 'off' }

interface Play {
  readonly server: ServerProcess
  readonly crowd: RoomCrowd
  readonly setting: Setting
  readonly rooms: RoomsSetting
}

/** People talk in rooms and change them while one mishap after the other happens; after each everything is looked at. */
export async function rooms(setting: Setting, mishaps: readonly Mishap[], how: RoomsSetting): Promise<Outcome> {
  const database = setting.dialect === 'sqlite' ? 'sqlite' : await setting.mysql!.createDatabase()
  const accounts = RoomCrowd.accounts(how.rooms)
  const data = how.small === undefined ? {} : { data: join(how.small.folder, 'data') }
  const server = await ServerProcess.start(stonechat, {
    accounts,
    database,
    modules: { muc: { limits: off } },
    ...data,
  })
  const crowd = new RoomCrowd(server.target, how.rooms)
  const { findings } = crowd
  try {
    await crowd.gathers()
    how.prepares?.(crowd)
    for (const [round, mishap] of mishaps.entries()) {
      crowd.begins()
      const before = crowd.figures.acknowledged
      await findings.until('somebody is served', () => crowd.figures.acknowledged > before)
      await pause(someMs(300, 1500))
      await plays[mishap]({ server, crowd, setting, rooms: how })
      setting.say(
        `rooms, round ${round + 1}, ${mishap}: ${JSON.stringify(crowd.figures)}, ${findings.faults.length} faults`,
      )
    }
  } catch (error) {
    findings.blames('broken', `${(error as Error).stack}\nThe server said:\n${server.said}`)
  } finally {
    findings.mayBeDropped = true
    await crowd.leaves()
    await server.remove()
    await how.small?.remove()
  }
  const title = `rooms: ${mishaps.join(', ')}, on ${setting.dialect}`
  return { title, faults: findings.faults, figures: crowd.figures }
}

const plays: Readonly<Record<Mishap, (play: Play) => Promise<void>>> = {
  kill: async (play) => {
    await killed(play)
    await play.crowd.checks(false)
  },

  term: async ({ server, crowd }) => {
    const { findings } = crowd
    findings.mayBeDropped = true
    const code = await server.end('SIGTERM')
    if (code !== 0) findings.blames('broken', `it ended with ${code}`)
    await crowd.areDropped()
    await server.startAgain()
    findings.mayBeDropped = false
    crowd.stops()
    await crowd.comesBack()
    // Who is put out by the stop is out, and rooms that do not stay are gone: what is said there is refused.
    crowd.checksRefusals(['not-acceptable', 'item-not-found'])
    await crowd.checks(true)
  },

  database: async ({ server, crowd, setting, rooms: { awayMs = 5000 } }) => {
    const mariadb = mortal(setting.mysql)
    await mariadb.kill()
    await pause(awayMs)
    await mariadb.start()
    await everybodyIsServed(crowd)
    await crowd.rests()
    if (!server.alive) throw new Error('the server did not survive')
    crowd.checksRefusals(['internal-server-error'])
    await crowd.checks(true)
    // What is on the disk, not in memory, is what counts.
    await killed({ server, crowd })
    await crowd.checks(false)
  },

  disk: async ({ server, crowd, rooms: { small } }) => {
    const { findings } = crowd
    await small!.fill()
    const refused = () => crowd.refusals.get('internal-server-error') ?? 0
    // A server may try for a while before it refuses.
    await findings.until('people are refused', () => refused() > crowd.people.length * 2, 60_000)
    await small!.free()
    await everybodyIsServed(crowd)
    await crowd.rests()
    crowd.checksRefusals(['internal-server-error'])
    await crowd.checks(true)
    await killed({ server, crowd })
    await crowd.checks(false)
  },
}

async function killed({ server, crowd }: Pick<Play, 'crowd' | 'server'>): Promise<void> {
  crowd.findings.mayBeDropped = true
  await server.end('SIGKILL')
  await crowd.areDropped()
  crowd.stops()
  await server.startAgain()
  await crowd.comesBackAnew()
  crowd.findings.mayBeDropped = false
}

/** Waits until something new is acknowledged in all rooms, and everything about them can be changed again. */
async function everybodyIsServed({ findings, homes }: RoomCrowd): Promise<void> {
  const served = () => homes.map((home) => Math.min(home.acknowledged.size, home.subject.made, home.name.made))
  const before = served()
  const is = () => served().every((count, i) => count > before[i]!)
  await findings.until('all rooms are served again', is, 20_000)
}
