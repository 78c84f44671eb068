import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Entry } from './disk-journal.ts'

/** What stands under a name. */
interface Thing {
  /** How often it was written, and how often it had been when it last was on disk. */
  written: number
  onDisk: number
}

interface Name {
  readonly thing: Thing
  onDisk: boolean
}

/**
 * What a loss of power does to a folder, for a server that keeps a journal (`disk-journal.ts`): a name is lost unless its folder was synced after
 * it was made, and comes back unless it was after it was removed; lost is, too, what was written to a file after that was last synced. SIGKILL alone loses none of it.
 */
export class PowerLoss {
  /** For the journal of the next server. */
  readonly journal: string
  readonly #folder: string
  #before = new Set<string>()

  constructor(folder: string, journal: string) {
    this.#folder = folder
    this.journal = journal
  }

  /** What is there now stays. To be called before a server starts. */
  begins(): void {
    rmSync(this.journal, { force: true })
    this.#before = new Set(this.#paths())
  }

  /** Loses what the server that was killed had not got onto the disk; returns how many files and folders that hit. */
  happens(): number {
    const lines = existsSync(this.journal) ? readFileSync(this.journal, 'utf8').split('\n').slice(0, -1) : []
    const entries = lines.map((line) => JSON.parse(line) as Entry)
    const { names, removed } = replay(entries, this.#before)
    const stays = (path: string): boolean =>
      path === dirname(this.#folder) || ((names.get(path)?.onDisk ?? this.#before.has(path)) && stays(dirname(path)))
    let hit = 0
    for (const path of this.#paths()) {
      if (!existsSync(path)) continue
      const thing = names.get(path)?.thing
      if (!stays(path)) rmSync(path, { recursive: true })
      else if (thing !== undefined && thing.onDisk < thing.written)
        truncateSync(path, Math.floor(Math.random() * statSync(path).size))
      else continue
      hit++
    }
    for (const [path, saved] of removed)
      if (stays(dirname(path)) && !existsSync(path)) {
        linkSync(saved, path)
        hit++
      }
    return hit
  }

  #paths(): string[] {
    if (!existsSync(this.#folder)) return []
    const inside = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' })
    return [this.#folder, ...inside.map((name) => join(this.#folder, name))]
  }
}

/** What a journal says of each name that was made while it was kept, and of names whose removal is not on disk, with where their files are. */
function replay(
  entries: readonly Entry[],
  before: ReadonlySet<string>,
): { names: Map<string, Name>; removed: Map<string, string> } {
  const names = new Map<string, Name>()
  const removed = new Map<string, string>()
  const syncs = new Map<unknown, () => void>()
  for (const [what, path, more] of entries) {
    const name = names.get(path)
    if (what === 'made' || what === 'moved') removed.delete(path)
    if (what === 'made') names.set(path, { thing: { written: 0, onDisk: 0 }, onDisk: false })
    else if (what === 'moved') {
      const from = names.get(String(more))
      names.delete(String(more))
      // Whatever was not seen being made was not seen to get onto the disk, either.
      names.set(path, { thing: from?.thing ?? { written: 1, onDisk: 0 }, onDisk: false })
    } else if (what === 'removed') {
      if (name?.onDisk ?? before.has(path)) removed.set(path, String(more))
      names.delete(path)
    } else if (what === 'written' && name !== undefined) name.thing.written++
    else if (what === 'syncs') {
      const inside = [...names].filter(([one]) => dirname(one) === path).map(([, one]) => one)
      const outside = [...removed.keys()].filter((one) => dirname(one) === path)
      const written = name?.thing.written ?? 0
      syncs.set(more, () => {
        for (const one of inside) one.onDisk = true
        for (const one of outside) removed.delete(one)
        if (name !== undefined) name.thing.onDisk = written
      })
    } else if (what === 'synced') syncs.get(more)?.()
  }
  return { names, removed }
}
