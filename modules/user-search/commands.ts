import { type CommandDeclaration, CommandError, type CommandRun, type Host, readAddress } from '#api'
import type { Directory } from './directory.ts'

const account = { name: 'jid', kind: 'jid', summary: 'The account, as user@domain.' } as const

/** What an admin can do about the user directory. */
export const directoryCommands: readonly CommandDeclaration[] = [
  {
    name: 'directory hide',
    summary: 'Takes an account out of the user directory, whatever it says itself.',
    args: [account],
  },
  {
    name: 'directory show',
    summary: 'Leaves it to an account whether it is in the user directory.',
    args: [account],
  },
  {
    name: 'directory rebuild',
    summary: 'Makes the user directory anew, as is needed when the module was off for a time.',
    args: [{ name: 'domain', kind: 'host', summary: 'The domain.' }],
  },
]

/** The commands' work, by name. */
export function directoryRuns(host: Host, directory: Directory): Record<string, CommandRun> {
  const bar =
    (barred: boolean) =>
    async ([text]: readonly string[]) => {
      const jid = readAddress(text).bare
      if (!(await host.accounts.exists(jid.local))) throw new CommandError(`There is no account ${jid}.`)
      await directory.choose(jid.toString(), (was) => ({ ...was, barred }))
      return [barred ? `${jid} is not in the directory any more.` : `${jid} decides for itself.`]
    }
  return {
    'directory hide': bar(true),
    'directory show': bar(false),
    'directory rebuild': async () => [`${await directory.rebuild(host.domain)} vCards were looked at.`],
  }
}
