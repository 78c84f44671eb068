import { accountFinder, type HostsByDomain } from './account-finder.ts'
import { AccountError, type AccountState } from './auth/accounts.ts'
import type { Jid } from './jid/jid.ts'
import { type CommandArgument, CommandError, type CommandForm, type CommandSpec } from './module/command.ts'
import { accountFacts } from './session/hooks.ts'

const account: CommandArgument = { name: 'jid', summary: 'The account, as user@domain.', kind: 'jid' }

/** The argument of commands that do something to several accounts. */
const accounts = (purpose: string): CommandArgument => ({
  name: 'jids',
  summary: 'The accounts, as user@domain.',
  kind: 'jids',
  field: 'accountjids',
  label: `The Jabber ID(s) ${purpose}`,
})

/** A form of XEP-0133, with its title and instructions. */
const form = (node: string, name: string, title: string, instructions: string): CommandForm => ({
  node: `http://jabber.org/protocol/admin#${node}`,
  name,
  title,
  instructions,
})

/** The commands that look after accounts. */
export function userCommands(hosts: HostsByDomain): CommandSpec[] {
  return [...makingAndChanging(hosts), ...deleting(hosts), ...lettingIn(hosts), showing(hosts)]
}

function makingAndChanging(hosts: HostsByDomain): CommandSpec[] {
  const { find, existing } = accountFinder(hosts)
  return [
    {
      name: 'user add',
      summary: 'Adds an account; the password is asked for, or read from standard input.',
      args: [{ ...account, field: 'accountjid', label: 'The Jabber ID for the account to be added' }],
      password: true,
      // XEP-0133 §4.1
      forms: [
        {
          ...form('add-user', 'Add User', 'Adding a User', 'Fill out this form to add a user.'),
          verify: true,
        },
      ],
      run: async ([text, password]) => {
        const { host, jid } = find(text)
        await refusable(() => host.accounts.create(jid.local, password ?? ''))
        return [`Added ${jid}.`]
      },
    },
    {
      name: 'user password',
      summary: 'Sets the password of an account and ends its sessions.',
      args: [{ ...account, field: 'accountjid', label: 'The Jabber ID for this account' }],
      password: true,
      // XEP-0133 §4.7
      forms: [
        form(
          'change-user-password',
          'Change User Password',
          'Changing a User Password',
          'Fill out this form to change a user’s password.',
        ),
      ],
      run: async ([text, password]) => {
        const { host, jid } = await existing(text)
        await refusable(() => host.accounts.setPassword(jid.local, password ?? ''))
        host.disconnect(jid, 'The password was changed.')
        return [`Changed the password of ${jid}.`]
      },
    },
  ]
}

function deleting(hosts: HostsByDomain): CommandSpec[] {
  const { existing, allExisting } = accountFinder(hosts)
  return [
    {
      name: 'user delete',
      summary: 'Deletes accounts and all that is kept of them, after the grace period if there is one.',
      args: [accounts('to delete')],
      // XEP-0133 §4.2
      forms: [form('delete-user', 'Delete User', 'Deleting a User', 'Fill out this form to delete a user.')],
      run: async (texts) => {
        const lines: string[] = []
        for (const { host, jid } of await allExisting(texts)) {
          const atMs = await host.deletions.request(jid.local)
          lines.push(
            atMs === undefined
              ? `Deleted ${jid}.`
              : `Closed ${jid}; it is deleted at ${iso(atMs)} unless you restore it.`,
          )
        }
        return lines
      },
    },
    {
      name: 'user erase',
      summary: 'Deletes accounts and all that is kept of them at once, past any grace period.',
      args: [accounts('to delete at once')],
      run: async (texts) => {
        const found = await allExisting(texts)
        for (const { host, jid } of found) await host.deleteAccount(jid.local)
        return found.map(({ jid }) => `Deleted ${jid}.`)
      },
    },
    {
      name: 'user restore',
      summary: 'Keeps an account that was to be deleted, as it was.',
      args: [account],
      run: async ([text]) => {
        const { host, jid } = await existing(text)
        if (!(await host.deletions.restore(jid.local)))
          throw new CommandError(`${jid} was not to be deleted, or it is too late.`)
        return [`Restored ${jid}.`]
      },
    },
  ]
}

function lettingIn(hosts: HostsByDomain): CommandSpec[] {
  const { allExisting } = accountFinder(hosts)
  const set = (disabled: boolean) => async (texts: readonly string[]) => {
    const found = await allExisting(texts)
    for (const { host, jid } of found) await host.accounts.setDisabled(jid.local, disabled)
    return found.map(({ jid }) => `${disabled ? 'Disabled' : 'Enabled'} ${jid}.`)
  }
  return [
    {
      name: 'user disable',
      summary: 'Ends the sessions of accounts and lets nobody log in to them.',
      args: [accounts('to disable')],
      // XEP-0133 §4.3
      forms: [form('disable-user', 'Disable User', 'Disabling a User', 'Fill out this form to disable a user.')],
      run: set(true),
    },
    {
      name: 'user enable',
      summary: 'Lets accounts that were disabled log in again.',
      args: [accounts('to re-enable')],
      // XEP-0133 §4.4
      forms: [form('reenable-user', 'Re-Enable User', 'Re-Enable a User', 'Fill out this form to re-enable a user.')],
      run: set(false),
    },
  ]
}

function showing(hosts: HostsByDomain): CommandSpec {
  const { existing } = accountFinder(hosts)
  return {
    name: 'user show',
    summary: 'Shows an account: when it was made, its password hashes, its sessions.',
    args: [account],
    role: 'observer',
    run: async ([text]) => {
      const { host, jid, account } = await existing(text)
      const sessions = [...(host.user(jid)?.sessions.values() ?? [])]
      const facts: string[] = []
      for (const { name, tell } of host.hooks.all(accountFacts)) facts.push(`  ${name.padEnd(9)}  ${await tell(jid)}`)
      return [
        `${jid}`,
        `  created    ${iso(account.createdMs)}`,
        `  login      ${stateInWords(account.state)}`,
        `  passwords  ${account.hashes.join(', ')}`,
        ...facts,
        `  sessions   ${sessions.length === 0 ? 'none' : ''}`.trimEnd(),
        ...sessions.map(
          (s) => `    ${s.jid.resource} from ${s.stream.remoteAddress}${s.stream.secure ? '' : ', not encrypted'}`,
        ),
      ]
    },
  }
}

function stateInWords(state: AccountState): string {
  if (state.kind === 'deleting') return `disabled; deleted at ${iso(state.atMs)}`
  return state.kind === 'active' ? 'enabled' : 'disabled'
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

async function refusable(work: () => Promise<Jid | void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AccountError)) throw error
    // XEP-0133 §5
    const isTaken = error.code === 'conflict' || error.code === 'look-alike'
    throw new CommandError(error.message, isTaken ? 'conflict' : 'not-acceptable')
  }
}
