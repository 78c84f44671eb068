import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname } from 'node:path'

// Loaded by a server before its own code: what that does with files goes into the journal that DURABILITY_JOURNAL names. Only what
// node:fs/promises does is known here, and of how to get things onto the disk only `sync`: the rest counts as not on disk.

/**
 * What was done: a name was made, moved from another, or removed, and its file has another name outside; a file was written; a file or folder
 * is about to be, or is, on disk.
 */
export type Entry = readonly [
  what: 'made' | 'moved' | 'removed' | 'synced' | 'syncs' | 'written',
  path: string,
  fromOrSerial?: number | string,
]

const journal = process.env['DURABILITY_JOURNAL']
if (journal !== undefined) await watch((...entry) => appendFileSync(journal, `${JSON.stringify(entry)}\n`))

async function watch(note: (...entry: Entry) => void): Promise<void> {
  const { link, open, mkdir, rename, rm } = fs
  const paths = new WeakMap<FileHandle, string>()
  Object.assign(fs, {
    open: async (path: string, flags: string, mode?: number) => {
      const handle = await open(path, flags, mode)
      paths.set(handle, path)
      if (/^[wa]/.test(flags)) note('made', path)
      return handle
    },
    rename: async (from: string, to: string) => {
      await rename(from, to)
      note('moved', to, from)
    },
    rm: async (path: string, options?: object) => {
      const saved = `${journal}-removed-${randomUUID()}`
      const isSaved = await link(path, saved).then(
        () => true,
        () => false,
      )
      await rm(path, options)
      if (isSaved) note('removed', path, saved)
    },
    mkdir: async (path: string, options: { recursive: true }) => {
      const first = await mkdir(path, options)
      if (first !== undefined)
        for (let made = path; made.length >= first.length; made = dirname(made)) note('made', made)
      return first
    },
  })
  syncBuiltinESMExports()
  const some = await open(import.meta.filename, 'r')
  const methods = Object.getPrototypeOf(some) as Record<'sync' | 'write' | 'writev', (...args: unknown[]) => unknown>
  await some.close()
  const { sync, write, writev } = methods
  const pathOf = (handle: unknown) => paths.get(handle as FileHandle) ?? ''
  const noting = (way: typeof write): typeof write =>
    function (this: unknown, ...args) {
      note('written', pathOf(this))
      return way.apply(this, args)
    }
  let serial = 0
  Object.assign(methods, {
    write: noting(write),
    writev: noting(writev),
    async sync(this: unknown) {
      const [path, id] = [pathOf(this), serial++]
      note('syncs', path, id)
      await sync.call(this)
      note('synced', path, id)
    },
  })
}
