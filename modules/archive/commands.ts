import { isAbsolute } from 'node:path'
import { CommandError, type Host, Jid, toDatetime } from '#api'
import { durationText, readDuration } from './duration.ts'
import { eraseArchive } from './erasure.ts'
import { exportArchive } from './export.ts'
import { timeOf } from './ids.ts'
import { defaultPreferences } from './preferences.ts'
import type { SettingsStore } from './settings-store.ts'
import type { ArchiveStore } from './store.ts'

const account = { name: 'jid', summary: 'The account, as user@domain.' }

/** What an admin can do about an archive. */
export const archiveCommands = [
  { name: 'archive show', summary: 'Says what is in the archive of an account.', args: [account] },
  {
    name: 'archive retention',
    summary: 'Says or sets how long the messages of an account are kept.',
    args: [account, { name: 'duration?', summary: 'Such as 90d; "forever"; "default" for what the host says.' }],
  },
  {
    name: 'archive export',
    summary: 'Writes the archive of an account to a new file on the server, as XML (XEP-0227).',
    args: [account, { name: 'file', summary: 'The file, from the root folder on.' }],
  },
  { name: 'archive erase', summary: 'Removes all messages from the archive of an account.', args: [account] },
]

/** What the commands work with. */
export interface CommandParts {
  readonly host: Host
  readonly store: ArchiveStore
  readonly accounts: SettingsStore
  /** What the host says, in ms; 0 is for ever. */
  readonly retention: number
}

/** Does what a command asks for and returns what to print. */
type CommandRun = (args: readonly string[]) => Promise<readonly string[]>

/** The commands' work, by name. An account that was deleted may still have an archive to look after, so it need not exist. */
export function archiveRuns({ host, store, accounts, retention }: CommandParts): Record<string, CommandRun> {
  const kept = (ms: number | undefined): string => {
    const effective = ms ?? retention
    return `${effective === 0 ? 'for ever' : durationText(effective)}${ms === undefined ? ' (as the host says)' : ''}`
  }
  return {
    'archive show': async ([text]) => {
      const owner = find(text, host).toString()
      const ends = await store.ends(owner)
      const settings = await accounts.find(owner)
      const { policy, always, never } = settings.preferences ?? defaultPreferences
      const readers = (await accounts.readers(owner)).map(([resource]) => resource)
      return [
        `${await store.count(owner, {}, 0)} messages in the archive of ${owner}`,
        ...(ends === undefined
          ? []
          : [`oldest: ${toDatetime(timeOf(ends.first))}`, `newest: ${toDatetime(timeOf(ends.last))}`]),
        `kept: ${kept(settings.retention)}`,
        `archived: ${policy}; always: ${[...always].join(', ') || 'nobody'}; never: ${[...never].join(', ') || 'nobody'}`,
        `clients that read it: ${readers.join(', ') || 'none'}`,
      ]
    },
    'archive retention': async ([text, duration]) => {
      const owner = find(text, host)
      if (duration !== undefined) {
        if (!(await host.accounts.exists(owner.local))) throw new CommandError(`There is no account ${owner}.`)
        const ms = duration === 'forever' ? 0 : duration === 'default' ? undefined : readDuration(duration)
        await accounts.setRetention(owner.toString(), ms)
      }
      const settings = await accounts.find(owner.toString())
      return [`Messages of ${owner} are kept: ${kept(settings.retention)}.`]
    },
    'archive export': async ([text, file]) => {
      const owner = find(text, host)
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
      const owner = find(text, host)
      return [`Removed ${await eraseArchive(store, owner.toString())} messages from the archive of ${owner}.`]
    },
  }
}

function find(text: string | undefined, host: Host): Jid {
  // The command came here because of the address, so it is one.
  const jid = Jid.parse(text ?? '')
  if (jid.local === '' || !jid.isBare || jid.domain !== host.domain)
    throw new CommandError(`${jid} is not an account: name one as user@${host.domain}.`)
  return jid
}
