import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { BookmarkLife } from './bookmark-life.ts'
import { each } from './crowd.ts'
import type { SmallDisk } from './disk.ts'
import { Doer } from './doer.ts'
import { Findings } from './findings.ts'
import { InviterLife } from './inviter-life.ts'
import { NodeLife } from './node-life.ts'
import { PasswordLife } from './password-life.ts'
import { ProfileLife } from './profile-life.ts'
import type { Mishap } from './rooms.ts'
import { ServerProcess, stonechat } from './server.ts'
import { mortal, type Outcome, type Setting, someMs } from './setting.ts'
import { TokenLife } from './token-life.ts'

const loginsAtOnce = 8
/** The longest until everybody is served again once the database is there. */
const recoveryMs = 20_000

/** The lives that one group leads. */
const lives = {
  'nodes of accounts': (doer) => new NodeLife(doer, 'urn:example:n', doer.bare),
  'nodes of the service': (doer) => new NodeLife(doer, `node of ${doer.local}`, `pubsub.${doer.target.domain}`),
  profiles: (doer) => new ProfileLife(doer),
  bookmarks: (doer) => new BookmarkLife(doer),
  invitations: (doer) => new InviterLife(doer),
  passwords: (doer) => new PasswordLife(doer),
  tokens: (doer) => new TokenLife(doer),
} as const satisfies Record<string, (doer: Doer) => Parameters<Doer['leads']>[0]>

/** How a play is set up, beside the setting. */
export interface PublishSetting {
  /** Groups of one of each kind of people. */
  readonly groups: number
  readonly awayMs?: number
  /** For the mishap of that name; it is removed at the end. */
  readonly small?: SmallDisk
  /** Called with the people once they are there. */
  readonly prepares?: (crowd: PublishingCrowd) => void
}

/** Limits that people who never rest would meet. */
const modules = {
  registration: { enabled: true, requireTls: false, limits: { perAddress: 'off', total: 'off' } },
  invitations: { limits: { open: 'off', perDay: 'off' } },
}

/** All who lead a life. */
export class PublishingCrowd {
  readonly findings: Findings = new Findings()
  readonly #doers: readonly (readonly [kind: keyof typeof lives, doer: Doer])[]

  constructor(server: ServerProcess, groups: number) {
    const kinds = Object.keys(lives) as (keyof typeof lives)[]
    this.#doers = Array.from({ length: groups }, (_, group) =>
      kinds.map((kind, n) => {
        const doer = new Doer(this.findings, server.target, `user${group * kinds.length + n}`)
        return [kind, doer.leads(lives[kind](doer))] as const
      }),
    ).flat()
  }

  static accounts(groups: number): number {
    return groups * Object.keys(lives).length
  }

  get doers(): readonly Doer[] {
    return this.#doers.map(([, doer]) => doer)
  }

  /** How many changes were acknowledged, in all and by kind; looks at everything of somebody; refusals. */
  get figures(): Readonly<Record<string, number>> {
    const kinds: Record<string, number> = {}
    for (const [kind, { acknowledged }] of this.#doers) kinds[kind] = (kinds[kind] ?? 0) + acknowledged
    const sum = (count: (doer: Doer) => number) => this.doers.reduce((total, doer) => total + count(doer), 0)
    return {
      acknowledged: sum(({ acknowledged }) => acknowledged),
      ...kinds,
      looks: sum(({ checked }) => checked),
      refused: sum(({ refusals }) => [...refusals.values()].reduce((total, count) => total + count, 0)),
    }
  }

  /** All refusals, for a person to read. */
  get refusals(): string {
    return this.doers.flatMap(({ local, refusals }) => [...refusals].map((one) => `${local} ${one}`)).join(', ')
  }

  come(): Promise<void> {
    return each(this.doers, loginsAtOnce, (doer) => doer.comes())
  }

  begin(): void {
    for (const doer of this.doers) doer.begins()
  }

  async rest(): Promise<void> {
    await Promise.all(this.doers.map((doer) => doer.rests()))
  }

  /** Everybody looks at everything. */
  checks(): Promise<void> {
    return each(this.doers, loginsAtOnce, (doer) => doer.checks())
  }

  /** Waits until something of everybody is acknowledged that was not before. */
  async isServed(what: string): Promise<void> {
    const before = new Map(this.doers.map((doer) => [doer, doer.acknowledged]))
    const waiting = () => this.#doers.filter(([, doer]) => doer.acknowledged <= before.get(doer)!)
    if (await this.findings.until(what, () => waiting().length === 0, recoveryMs)) return
    for (const [kind, { local }] of waiting()) this.findings.blames('broken', `${what}, but not ${local} (${kind})`)
  }

  leave(): void {
    for (const doer of this.doers) doer.leaves()
  }
}

interface Play {
  readonly server: ServerProcess
  readonly crowd: PublishingCrowd
  readonly setting: Setting
  readonly how: PublishSetting
}

/**
 * People publish, take back, set up nodes, change profiles, bookmarks and passwords, invite others, and log in with tokens,
 * while one mishap after the other happens; after each everything is looked at.
 */
export async function publish(setting: Setting, mishaps: readonly Mishap[], how: PublishSetting): Promise<Outcome> {
  const database = setting.dialect === 'sqlite' ? 'sqlite' : await setting.mysql!.createDatabase()
  const data = how.small === undefined ? {} : { data: join(how.small.folder, 'data') }
  const accounts = PublishingCrowd.accounts(how.groups)
  const server = await ServerProcess.start(stonechat, { accounts, database, modules, ...data })
  const crowd = new PublishingCrowd(server, how.groups)
  const { findings } = crowd
  try {
    await crowd.come()
    how.prepares?.(crowd)
    for (const [round, mishap] of mishaps.entries()) {
      const refused = crowd.figures['refused']
      crowd.begin()
      await crowd.isServed('everybody is served')
      await pause(someMs(0, 1500))
      await plays[mishap]({ server, crowd, setting, how })
      if (mishap === 'kill' && crowd.figures['refused'] !== refused)
        findings.blames('broken', `people were refused: ${crowd.refusals}`)
      const figures = JSON.stringify(crowd.figures)
      setting.say(`publish, round ${round + 1}, ${mishap}: ${figures}, ${findings.faults.length} faults`)
    }
  } catch (error) {
    findings.blames('broken', `${(error as Error).stack}\nThe server said:\n${server.said}`)
  } finally {
    findings.mayBeDropped = true
    crowd.leave()
    await server.remove()
    await how.small?.remove()
  }
  return {
    title: `publish: ${mishaps.join(', ')}, on ${setting.dialect}`,
    faults: findings.faults,
    figures: crowd.figures,
  }
}

const plays: Readonly<Record<Mishap, (play: Play) => Promise<void>>> = {
  kill: (play) => isEnded(play, 'SIGKILL'),
  term: (play) => isEnded(play, 'SIGTERM'),

  database: async (play) => {
    const mariadb = mortal(play.setting.mysql)
    await mariadb.kill()
    await pause(play.how.awayMs ?? 5000)
    await mariadb.start()
    await goesOn(play)
  },

  disk: async (play) => {
    const { crowd, how } = play
    const before = crowd.figures['refused']!
    // What is written takes the place of what was there before, by and large: only who adds something is refused.
    await how.small!.fill(16 * 1024)
    const isRefused = () => crowd.figures['refused']! > before + crowd.doers.length
    await crowd.findings.until('people are refused', isRefused, 60_000)
    await how.small!.free()
    await goesOn(play)
  },
}

/** What the server has in memory is looked at, and, when it was killed, what it has on disk. */
async function goesOn(play: Play): Promise<void> {
  const { crowd, server } = play
  await crowd.isServed('everybody is served again')
  await crowd.rest()
  if (!server.alive) throw new Error('the server did not survive')
  await crowd.checks()
  await isEnded(play, 'SIGKILL')
}

async function isEnded({ crowd, server }: Play, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { findings } = crowd
  findings.mayBeDropped = true
  const code = await server.end(signal)
  if (signal === 'SIGTERM' && code !== 0) findings.blames('broken', `it ended with ${code}`)
  await crowd.rest()
  await server.startAgain()
  await crowd.come()
  findings.mayBeDropped = false
  await crowd.checks()
}
