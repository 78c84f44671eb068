import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FaultName } from './faulty-server.ts'
import { Findings } from './findings.ts'
import { PowerLoss } from './power-loss.ts'
import { quotaBytes, Sender, type SenderFigures } from './sender.ts'
import { ServerProcess, stonechat } from './server.ts'
import { type Outcome, type Setting, someMs } from './setting.ts'

/** What may befall a server that takes files. With `power` it is killed, and what it had not got onto the disk is lost. */
export type UploadMishap = 'kill' | 'power' | 'term'

/** How a play with files is set up, beside the setting. */
export interface UploadsSetting {
  readonly senders: number
  /** What the server does wrong. */
  readonly fault?: FaultName
}

/** A slot is as good after a start as it was before. */
const modules = {
  upload: {
    limits: { fileSize: quotaBytes, quota: quotaBytes, files: 'off', openSlots: 'off', perMinute: 'off' },
    slotTime: '1d',
  },
}
/** Of the files that are known, so many are looked at after each mishap. */
const share = 0.2

/** Files are sent, several at the same time, while one mishap after the other happens; after each it is seen what is there. */
export async function uploads(
  setting: Setting,
  mishaps: readonly UploadMishap[],
  how: UploadsSetting,
): Promise<Outcome> {
  const play = await Play.begin(setting, how)
  const { findings } = play
  try {
    for (const [round, mishap] of mishaps.entries()) {
      await play.round(mishap)
      const figures = JSON.stringify(play.figures)
      setting.say(`uploads, round ${round + 1}, ${mishap}: ${figures}, ${findings.faults.length} faults`)
    }
    await play.looks(1)
    for (const sender of play.senders) await sender.checksQuota()
  } catch (error) {
    findings.blames('broken', `${(error as Error).stack}\nThe server said:\n${play.server.said}`)
  } finally {
    await play.ends()
  }
  return {
    title: `uploads: ${mishaps.join(', ')}, on ${setting.dialect}`,
    faults: findings.faults,
    figures: play.figures,
  }
}

class Play {
  readonly findings: Findings = new Findings()
  readonly server: ServerProcess
  readonly senders: readonly Sender[]
  readonly #folder: string
  readonly #power: PowerLoss
  #hit = 0

  private constructor(server: ServerProcess, folder: string, power: PowerLoss, count: number) {
    this.server = server
    this.#folder = folder
    this.#power = power
    this.senders = Array.from(
      { length: count },
      (_, i) => new Sender(server, join(folder, 'data'), this.findings, `user${i}`),
    )
  }

  static async begin({ dialect, mysql }: Setting, { senders: accounts, fault }: UploadsSetting): Promise<Play> {
    const folder = await mkdtemp(join(tmpdir(), 'durability-uploads-'))
    const data = join(folder, 'data')
    const power = new PowerLoss(join(data, 'upload'), join(folder, 'journal'))
    const database = dialect === 'sqlite' ? 'sqlite' : await mysql!.createDatabase()
    const preload = ['disk-journal.ts', ...(fault === undefined ? [] : ['faulty-server.ts'])]
    const env = {
      NODE_OPTIONS: preload.map((name) => `--import=${fileURLToPath(new URL(name, import.meta.url))}`).join(' '),
      DURABILITY_JOURNAL: power.journal,
      ...(fault !== undefined && { DURABILITY_FAULT: fault }),
    }
    power.begins()
    const server = await ServerProcess.start(stonechat, { accounts, database, data, modules, web: true, env })
    const play = new Play(server, folder, power, accounts)
    for (const sender of play.senders) await sender.comes()
    return play
  }

  get figures(): Readonly<Record<string, number>> {
    const sum: SenderFigures & { hit: number } = {
      acknowledged: 0,
      unanswered: 0,
      kept: 0,
      again: 0,
      looks: 0,
      removed: 0,
      hit: this.#hit,
    }
    for (const { figures } of this.senders)
      for (const [name, count] of Object.entries(figures)) sum[name as keyof SenderFigures] += count
    return { ...sum }
  }

  async round(mishap: UploadMishap): Promise<void> {
    const { findings, senders, server } = this
    const before = this.figures['acknowledged']!
    for (const sender of senders) sender.begins()
    await findings.until('files are taken', () => this.figures['acknowledged']! > before)
    await pause(someMs(0, 1000))
    findings.mayBeDropped = true
    const code = await server.end(mishap === 'term' ? 'SIGTERM' : 'SIGKILL')
    if (mishap === 'term' && code !== 0) findings.blames('broken', `it ended with ${code}`)
    await Promise.all(senders.map((sender) => sender.rests()))
    if (mishap === 'power') this.#hit += this.#power.happens()
    this.#power.begins()
    await server.startAgain()
    const left = await this.#drafts()
    if (left.length > 0)
      findings.blames('strange', `after a start there is ${left.length} times what did not come whole`)
    for (const sender of senders) await sender.comes()
    findings.mayBeDropped = false
    await this.looks(share)
  }

  /** Looks at files over HTTP, and at all of them on the disk of the server: what is there is what is known, and nothing else. */
  async looks(of: number): Promise<void> {
    const { findings, senders } = this
    await Promise.all(senders.map((sender) => sender.checks(of)))
    const known = new Set(senders.flatMap(({ keys }) => keys))
    const files = await this.#files()
    for (const file of files) if (!known.has(file)) findings.blames('strange', `${file} is a file of nobody`)
    const there = new Set(files)
    for (const key of known) if (!there.has(key)) findings.blames('lost', `${key} is on no disk`)
    const coming = await this.#drafts()
    if (coming.length > 0) findings.blames('strange', `${coming.join(', ')}: nothing is coming`)
  }

  async ends(): Promise<void> {
    this.findings.mayBeDropped = true
    for (const sender of this.senders) sender.leaves()
    await this.server.remove()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #place(): string {
    return join(this.#folder, 'data', 'upload', 'localhost')
  }

  async #drafts(): Promise<string[]> {
    return await readdir(join(this.#place, 'incoming')).catch(() => [])
  }

  async #files(): Promise<string[]> {
    const all = await readdir(this.#place, { recursive: true, withFileTypes: true })
    return all.filter((one) => one.isFile() && basename(one.parentPath) !== 'incoming').map(({ name }) => name)
  }
}
