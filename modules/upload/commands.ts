import { type Clock, CommandError, type Host, type Jid, readAddress } from '#api'
import type { Clearing } from './clearing.ts'
import type { UploadConfig } from './options.ts'
import type { Receiving } from './receiving.ts'
import { keyOf } from './slot-key.ts'
import { PATH } from './slots.ts'
import type { Total, UploadStore } from './store.ts'

/** Accounts that are listed for a domain. */
const MOST = 20
const AGE_MS = { h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

const whose = { name: 'account-or-domain', summary: 'An account, as user@domain, or a domain.', kind: 'jid' } as const

/** What an admin can do about files. */
export const uploadCommands = [
  {
    name: 'upload usage',
    summary: 'Says what the files of an account take up, or those of a domain and whose are most.',
    args: [whose],
    role: 'observer',
  },
  {
    name: 'upload purge',
    summary: 'Removes files of an account, or of all of a domain, that are older than so long.',
    args: [
      whose,
      { name: 'age?', summary: 'Such as 12h, 7d or 4w, or 0h for all; what is over by the retention unless told.' },
    ],
  },
  {
    name: 'upload delete',
    summary: 'Removes one file.',
    args: [
      { name: 'domain', summary: 'The domain.', kind: 'host' },
      { name: 'url', summary: 'The address of the file, as it was sent.' },
    ],
  },
] as const

/** What commands are done with. */
export interface CommandParts extends UsageParts {
  readonly host: Host
  readonly clearing: Clearing
}

/** What it takes to say what somebody has. */
export interface UsageParts {
  readonly store: UploadStore
  readonly clock: Clock
  readonly config: Pick<UploadConfig, 'limits'>
  readonly receiving: Pick<Receiving, 'of'>
}

/** Does what an admin's command asks for on a host. */
export function runCommand(parts: CommandParts) {
  const { host, store, clearing, clock } = parts
  return {
    async 'upload usage'([text = '']: readonly string[]): Promise<readonly string[]> {
      const jid = readAddress(text)
      if (jid.local !== '') return [`${jid.bare}: ${await usageOf(parts, await existing(host, jid))}`]
      const { all, most } = await store.totals(MOST)
      return [`${host.domain}: ${inWords(all)}`, ...most.map((one) => `  ${one.account}: ${inWords(one)}`)]
    },

    async 'upload purge'([text = '', age]: readonly string[]): Promise<readonly string[]> {
      const jid = readAddress(text)
      if (age === undefined) {
        if (jid.local !== '') throw new CommandError('Say how old the files of the account have to be, such as 7d.')
        return [`Removed ${await clearing.purge()} files and slots that were over.`]
      }
      const storedMs = clock.now() - ageMs(age)
      const count =
        jid.local === ''
          ? await clearing.removeOlder(storedMs)
          : await clearing.removeOlderOf(await existing(host, jid), storedMs)
      return [`Removed ${count} files.`]
    },

    async 'upload delete'([, url = '']: readonly string[]): Promise<readonly string[]> {
      const key = keyOfUrl(url)
      if (key === undefined || !(await clearing.remove(key))) throw new CommandError(`There is no file ${url}.`)
      return ['Removed the file. Whoever has fetched it has it still.']
    },
  }
}

/** In words, what the files of an account take up. */
export async function usageOf({ store, clock, config, receiving }: UsageParts, account: Jid): Promise<string> {
  const nowMs = clock.now()
  const owner = account.toString()
  const usage = await store.usage(owner, { nowMs, sinceMs: nowMs, coming: receiving.of(owner) })
  const sum = (of: (one: (typeof usage)[number]) => number) => usage.reduce((total, one) => total + of(one), 0)
  const words = inWords({ files: sum((one) => one.files), bytes: sum((one) => one.bytes) })
  const open = sum((one) => one.open)
  const of = config.limits.quota > 0 ? ` of ${inMebibytes(config.limits.quota)}` : ''
  return `${words}${of}${open > 0 ? `, ${open} of the files announced only` : ''}`
}

function inWords({ files, bytes }: Total): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${inMebibytes(bytes)}`
}

function inMebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`
}

async function existing(host: Host, jid: Jid): Promise<Jid> {
  if (!(await host.accounts.exists(jid.local)))
    throw new CommandError(`There is no account ${jid.bare}.`, 'item-not-found')
  return jid.bare
}

function ageMs(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([hdw])$/.exec(text) ?? []
  if (unit === undefined) throw new CommandError(`${text} is no age: 12h, 7d or 4w are.`)
  return Number(amount) * AGE_MS[unit as keyof typeof AGE_MS]
}

function keyOfUrl(url: string): string | undefined {
  const [, slot, name] = new RegExp(`${PATH}/([\\w-]+)/([^/?#]+)$`).exec(url) ?? []
  if (slot === undefined || name === undefined) return undefined
  try {
    return keyOf(slot, decodeURIComponent(name))
  } catch {
    // Not percent-encoded as it should be.
    return undefined
  }
}
