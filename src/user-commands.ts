import { AccountError } from './auth/accounts.ts'
import { Jid, JidError } from './jid/jid.ts'
import { CommandError, type CommandSpec } from './module/command.ts'
import type { Host } from './session/host.ts'

const address = { name: 'jid', summary: 'The account, as user@domain.' }

/** The commands that look after accounts. */
export function userCommands(hosts: ReadonlyMap<string, Host>): CommandSpec[] {
  const find = (text: string | undefined): { host: Host; jid: Jid } => {
    const jid = parse(text)
    const host = hosts.get(jid.domain)
    if (host === undefined)
      throw new CommandError(
        `${jid.domain} is not a domain of this server; those are: ${[...hosts.keys()].join(', ')}.`,
      )
    return { host, jid }
  }
  const existing = async (text: string | undefined) => {
    const { host, jid } = find(text)
    const account = await host.accounts.get(jid.local)
    if (account === undefined) throw new CommandError(`There is no account ${jid}.`)
    return { host, jid, account }
  }
  return [
    {
      name: 'user add',
      summary: 'Adds an account; the password is asked for, or read from standard input.',
      args: [address],
      password: true,
      run: async ([text, password]) => {
        const { host, jid } = find(text)
        await refusable(() => host.accounts.create(jid.local, password ?? ''))
        return [`Added ${jid}.`]
      },
    },
    {
      name: 'user password',
      summary: 'Sets the password of an account and ends its sessions.',
      args: [address],
      password: true,
      run: async ([text, password]) => {
        const { host, jid } = await existing(text)
        await refusable(() => host.accounts.setPassword(jid.local, password ?? ''))
        host.disconnect(jid, 'The password was changed.')
        return [`Changed the password of ${jid}.`]
      },
    },
    {
      name: 'user delete',
      summary: 'Deletes an account and all that is kept of it.',
      args: [address],
      run: async ([text]) => {
        const { host, jid } = await existing(text)
        await host.deleteAccount(jid.local)
        return [`Deleted ${jid}.`]
      },
    },
    {
      name: 'user list',
      summary: 'Lists the accounts of a domain, or of all.',
      args: [{ name: 'domain?', summary: 'The domain.' }],
      run: async ([domain]) => {
        if (domain !== undefined) return await list(find(domain).host)
        return (await Promise.all([...hosts.values()].map(list))).flat()
      },
    },
    {
      name: 'user show',
      summary: 'Shows an account: when it was made, its password hashes, its sessions.',
      args: [address],
      run: async ([text]) => {
        const { host, jid, account } = await existing(text)
        const sessions = [...(host.user(jid)?.sessions.values() ?? [])]
        return [
          `${jid}`,
          `  created    ${new Date(account.createdMs).toISOString()}`,
          `  login      ${account.disabled ? 'disabled' : 'enabled'}`,
          `  passwords  ${account.hashes.join(', ')}`,
          `  sessions   ${sessions.length === 0 ? 'none' : ''}`.trimEnd(),
          ...sessions.map(
            (s) => `    ${s.jid.resource} from ${s.stream.remoteAddress}${s.stream.secure ? '' : ', not encrypted'}`,
          ),
        ]
      },
    },
  ]
}

async function list(host: Host): Promise<string[]> {
  const lines: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await host.accounts.list(after, 500)
    lines.push(...page.map((local) => `${local}@${host.domain}`))
    after = page.at(-1)
    if (page.length < 500) return lines
  }
}

function parse(text: string | undefined): Jid {
  try {
    const jid = Jid.parse(text ?? '')
    if (jid.resource === '') return jid
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new CommandError(`${text} is not an address: ${error.message}`)
  }
  throw new CommandError(`${text} has a resource; an account is user@domain.`)
}

async function refusable(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof AccountError) throw new CommandError(error.message)
    throw error
  }
}
