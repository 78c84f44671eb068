import { isAbsolute } from 'node:path'
import { type CommandDeclaration, CommandError, Jid, toDatetime } from '#api'
import { durationText, readDuration } from './duration.ts'
import { eraseArchive } from './erasure.ts'
import { exportArchive } from './export.ts'
import { timeOf } from './ids.ts'
import { defaultPreferences } from './preferences.ts'
import type { SettingsStore } from './settings-store.ts'
import type { ArchiveStore } from './store.ts'

const owner = { name: 'jid', summary: 'The account, as user@domain, or the room.', kind: 'jid' } as const

/** What an admin can do about an archive. */
export const archiveCommands: readonly CommandDeclaration[] = [
  {
    name: 'archive show',
    summary: 'Says what is in the archive of an account or room.',
    args: [owner],
    role: 'observer',
  },
  {
    name: 'archive retention',
    summary: 'Says or sets how long the messages of an account or room are kept.',
    args: [owner, { name: 'duration?', summary: 'Such as 90d; "forever"; "default" for what the host says.' }],
  },
  {
    name: 'archive export',
    summary: 'Writes the archive of an account or room to a new file on the server, as XML (XEP-0227).',
    args: [owner, { name: 'file', summary: 'The file, from the root folder on.' }],
    // It is for whoever has an account on the machine.
    role: 'nobody',
  },
  { name: 'archive erase', summary: 'Removes all messages from the archive of an account or room.', args: [owner] },
]

/** What the commands work with. */
export interface CommandParts {
  /** What the addresses of the domain are. */
  readonly kind: 'account' | 'room'
  readonly domain: string
  readonly store: ArchiveStore
  readonly accounts: SettingsStore
  /** What the host says, in ms; 0 is for ever. */
  readonly retention: number
  exists(local: string): Promise<boolean>
}

/** Does what a command asks for and returns what to print. */
export type CommandRun = (args: readonly string[]) => Promise<readonly string[]>

/** The commands' work, by name. What was deleted may still have an archive to look after, so it need not exist. */
export function archiveRuns(parts: CommandParts): Record<string, CommandRun> {
  const { kind, store, accounts, retention } = parts
  const kept = (ms: number | undefined): string => {
    const effective = ms ?? retention
    return `${effective === 0 ? 'for ever' : durationText(effective)}${ms === undefined ? ' (as the host says)' : ''}`
  }
  return {
    'archive show': async ([text]) => {
      const owner = find(text, parts).toString()
      const ends = await store.ends(owner)
      const settings = await accounts.find(owner)
      const { policy, always, never } = settings.preferences ?? defaultPreferences
      const readers = [...settings.readers.keys()]
      return [
        `${await store.count(owner, {}, 0)} messages in the archive of ${owner}`,
        ...(ends === undefined
          ? []
          : [`oldest: ${toDatetime(timeOf(ends.first))}`, `newest: ${toDatetime(timeOf(ends.last))}`]),
        `kept: ${kept(settings.retention)}`,
        `archived: ${policy}; always: ${[...always].join(', ') || 'nobody'}; never: ${[...never].join(', ') || 'nobody'}`,
        ...(kind === 'account' ? [`clients that read it: ${readers.join(', ') || 'none'}`] : []),
      ]
    },
    'archive retention': async ([text, duration]) => {
      const owner = find(text, parts)
      if (duration !== undefined) {
        if (!(await parts.exists(owner.local))) throw new CommandError(`There is no ${kind} ${owner}.`)
        const ms = duration === 'forever' ? 0 : duration === 'default' ? undefined : readDuration(duration)
        await accounts.setRetention(owner.toString(), ms)
      }
      const settings = await accounts.find(owner.toString())
      return [`Messages of ${owner} are kept: ${kept(settings.retention)}.`]
    },
    'archive export': async ([text, file]) => {
      const owner = find(text, parts)
      if (file === undefined || !isAbsolute(file))
        throw new CommandError(
          'Give the file from the root folder on, such as /var/tmp/archive.xml: the server writes it.',
        )
      try {
        return [`Wrote ${await exportArchive(store, owner, file)} messages to ${file}.`]
      } catch (error) {
        const { code, message } = error as { code?: string; message: string }
        if (code === 'EEXIST') throw new CommandError(`${file} is there already; name a file that is not.`)
        if (code?.startsWith('E') === true) throw new CommandError(`${file} could not be written: ${message}`)
        throw error
      }
    },
    'archive erase': async ([text]) => {
      const owner = find(text, parts)
      return [`Removed ${await eraseArchive(store, owner.toString())} messages from the archive of ${owner}.`]
    },
  }
}

function find(text: string | undefined, { kind, domain }: CommandParts): Jid {
  // The command came here because of the address, so it is one.
  const jid = Jid.parse(text ?? '')
  if (jid.local === '' || !jid.isBare || jid.domain !== domain)
    throw new CommandError(
      kind === 'account'
        ? `${jid} is not an account: name one as user@${domain}.`
        : `${jid} is not a room: name one as room@${domain}.`,
    )
  return jid
}
