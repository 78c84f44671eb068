import fs from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DiskFiles } from '../../modules/upload/disk-files.ts'
import { type FileRecord, UploadStore } from '../../modules/upload/store.ts'
import type { Wrong } from './check.ts'

// Loaded by a server before its own code and after the journal: has it do wrong what DURABILITY_FAULT names.

/** What a server may do wrong, and what is found then. */
export const faults = {
  /** Says that files are on disk which are not. */
  'no-sync': 'lost',
  /** The same of names. */
  'no-folder-sync': 'lost',
  /** Says that files are there before they are. */
  early: 'lost',
  /** Forgets that they are. */
  forget: 'lost',
  /** Hands out what is only announced, whatever there is of it. */
  hasty: 'strange',
  /** Keeps something else. */
  change: 'changed',
  /** Takes another file in place of the one that is there. */
  twice: 'doubled',
  /** Counts nothing. */
  uncounted: 'broken',
  /** Never removes what was left. */
  strays: 'strange',
  /** Removes nothing but what it knows of a file. */
  keep: 'strange',
} as const satisfies Readonly<Record<string, Wrong>>
export type FaultName = keyof typeof faults

type Method = (this: never, ...args: never[]) => Promise<unknown>
type Methods = Record<'sync' | 'writev', Method>

const some = await fs.open(import.meta.filename, 'r')
const handles = Object.getPrototypeOf(some) as Methods
await some.close()

const doings: Readonly<Record<FaultName, () => void>> = {
  'no-sync': () => syncsOnly((stat) => stat.isDirectory()),
  'no-folder-sync': () => syncsOnly((stat) => stat.isFile()),
  early: () => {
    const { write } = DiskFiles.prototype
    DiskFiles.prototype.write = async function (...args) {
      void write.apply(this, args).catch(() => {})
    }
  },
  forget: () => {
    UploadStore.prototype.settle = async () => true
  },
  hasty: () => {
    const { find } = UploadStore.prototype
    const { read } = DiskFiles.prototype
    UploadStore.prototype.find = async function (key) {
      const found = await find.call(this, key)
      return found && isAskedBy('serving.ts') ? { ...found, storedMs: found.storedMs ?? found.createdMs } : found
    }
    DiskFiles.prototype.read = async function (key, size, range) {
      const length = range === undefined ? size : range.end - range.start + 1
      return (await read.call(this, key, size, range)) ?? Readable.from([Buffer.alloc(length)])
    }
  },
  change: () => {
    const { writev } = handles as unknown as Record<'writev', (lot: Uint8Array[]) => Promise<unknown>>
    Object.assign(handles, {
      writev(this: unknown, lot: Uint8Array[]) {
        lot[0]![0]! ^= 1
        return writev.call(this, lot)
      },
    })
  },
  twice: () => {
    // To those who receive files none is there: its slot is what it was.
    const slots = new Map<string, number | null>()
    const { announce, find, settle } = UploadStore.prototype
    UploadStore.prototype.announce = async function (record, ...args) {
      await announce.call(this, record, ...args)
      slots.set(record.key, record.untilMs)
    }
    UploadStore.prototype.find = async function (key): Promise<FileRecord | undefined> {
      const found = await find.call(this, key)
      const untilMs = slots.get(key)
      if (found === undefined || untilMs === undefined || !isAskedBy('receiving.ts')) return found
      return { ...found, storedMs: null, untilMs }
    }
    UploadStore.prototype.settle = async function (...args) {
      await settle.apply(this, args)
      return true
    }
  },
  uncounted: () => {
    const { announce } = UploadStore.prototype
    UploadStore.prototype.announce = function (record, moment) {
      return announce.call(this, record, moment, () => {})
    }
  },
  keep: () => {
    DiskFiles.prototype.remove = async () => {}
  },
  strays: () => {
    DiskFiles.prototype.tidy = async () => {}
  },
}

const fault = process.env['DURABILITY_FAULT']
if (fault !== undefined) doings[fault as FaultName]()

function isAskedBy(file: string): boolean {
  return new Error().stack?.includes(file) === true
}

function syncsOnly(which: (stat: { isFile(): boolean; isDirectory(): boolean }) => boolean): void {
  const { sync } = handles as unknown as Record<'sync', () => Promise<void>>
  Object.assign(handles, {
    async sync(this: fs.FileHandle) {
      if (which(await this.stat())) await sync.call(this as never)
    },
  })
}
