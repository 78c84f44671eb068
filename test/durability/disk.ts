import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Crowd } from './crowd.ts'
import { type Outcome, type Setting, stage } from './setting.ts'

const fileSystemBytes = 64 * 1024 * 1024
/** What is left when the disk is nearly full: a few seconds of writing at most. */
const leftBytes = 512 * 1024

/** A file system of its own that can be full. */
export interface SmallDisk {
  readonly folder: string
  /** Fills it up to so many bytes, by default what takes a while to write. */
  fill(left?: number): Promise<void>
  /** Makes room again. */
  free(): Promise<void>
  remove(): Promise<void>
}

/** Mounts a small file system in memory; resolves with why not where that is not allowed. */
export async function openSmallDisk(): Promise<SmallDisk | string> {
  const folder = await mkdtemp(join(tmpdir(), 'durability-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${fileSystemBytes},mode=700`, 'durability', folder])
  if (mounted.status !== 0) {
    await rm(folder, { recursive: true, force: true })
    return `no small file system can be mounted here (root may): ${String(mounted.stderr ?? mounted.error).trim()}`
  }
  const atExit = () => {
    if (spawnSync('umount', ['-l', folder]).status === 0) rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', atExit)
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill: async (left = leftBytes) => {
      const { bavail, bsize } = await statfs(folder)
      await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left))).catch((error: unknown) => {
        // The server writes at the same time and may have been first to the last byte.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      })
    },
    free: () => rm(ballast, { force: true }),
    remove: async () => {
      process.off('exit', atExit)
      spawnSync('umount', ['-l', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The disk of the database is full for a while: refusals, no acknowledgement of what was not kept, and then service again.
 * The disk stays full until everybody was refused so many times.
 */
export async function disk(setting: Setting, small: SmallDisk, refusals: number): Promise<Outcome> {
  const data = join(small.folder, 'data')
  const play = stage(
    setting,
    'a full disk',
    async ({ server, crowd }) => {
      // A server may try for a while before it refuses.
      crowd.findings.patienceMs = 60_000
      crowd.writes()
      await everybodyIs('served', crowd, (lane) => lane.acknowledged.size)
      await small.fill()
      for (let i = 0; i < refusals; i++) await everybodyIs('refused', crowd, (lane) => lane.refused.size)
      const refused = crowd.figures.refused
      await small.free()
      await everybodyIs('served', crowd, (lane) => lane.acknowledged.size)
      await crowd.rests(true)
      crowd.checksSeen(true)
      await crowd.checksArchives()
      // What is on the disk, not in memory, is what counts.
      crowd.findings.mayBeDropped = true
      await server.end('SIGKILL')
      await crowd.areDropped()
      await server.startAgain()
      crowd.findings.mayBeDropped = false
      for (const person of crowd.people) {
        await person.client.resumes()
        person.isBack(true)
      }
      await crowd.checksArchives()
      await crowd.checksArchivesAgain()
      return { 'refused while full': refused }
    },
    { data },
  )
  return await play.finally(() => small.remove())
}

/** Waits until a count of everybody's has grown. */
async function everybodyIs(
  what: string,
  crowd: Crowd,
  count: (lane: Crowd['people'][number]['out']) => number,
): Promise<void> {
  const before = crowd.people.map(({ out }) => count(out))
  await crowd.findings.until(`everybody is ${what}`, () => crowd.people.every(({ out }, i) => count(out) > before[i]!))
}
