import { CommandError, type Host, readAddress, StanzaError, toDatetime } from '#api'
import { accountsByInvitation } from './hooks.ts'
import type { Invitations, InvitationWish, Issued } from './invitations.ts'
import type { StoredInvitation } from './store.ts'

/** Most people whom one invitation may be for. */
export const MAX_USES = 1000

const domain = { name: 'domain', summary: 'The domain.', kind: 'host' } as const

/** What an admin can do about invitations. */
export const invitationCommands = [
  {
    name: 'invitation create',
    summary: 'Invites somebody to make an account and prints the link.',
    args: [
      {
        name: 'account',
        summary: 'The account to be made, as user@domain, or a domain: then the name is free.',
        kind: 'jid',
      },
      { name: 'uses?', summary: `How many may use it, at most ${MAX_USES}; 1 unless told.` },
    ],
  },
  {
    name: 'invitation list',
    summary: 'Lists the invitations of a domain that can be used still.',
    args: [domain],
    role: 'observer',
  },
  {
    name: 'invitation revoke',
    summary: 'Lets an invitation be used no more.',
    args: [domain, { name: 'id', summary: 'Its number, as `invitation list` shows it.' }],
  },
] as const

/** Makes an invitation and says what whoever is invited needs. */
export type Invite = (wish: InvitationWish) => Promise<{ readonly issued: Issued; readonly links: readonly string[] }>

/** Does what an admin's command asks for on a host. */
export function runCommand(host: Host, invitations: Invitations, invite: Invite) {
  return {
    async 'invitation create'([account = '', uses = '1']: readonly string[]): Promise<readonly string[]> {
      if (host.hooks.ask(accountsByInvitation, host) === undefined)
        throw new CommandError('No account can be made with an invitation: turn the module registration on.')
      const { local } = readAddress(account)
      const count = numberOf(uses)
      if (count > MAX_USES) throw new CommandError(`An invitation is for ${MAX_USES} at most.`)
      if (local !== '' && count > 1) throw new CommandError('One name is for one account.')
      const wish = { accounts: true, uses: count, unlimited: true, ...(local !== '' && { username: local }) }
      const { issued, links } = await invite(wish).catch(refuse)
      return [...links, `Number ${issued.id}, until ${toDatetime(issued.expiresMs)}.`]
    },

    async 'invitation list'(): Promise<readonly string[]> {
      return (await invitations.open()).map((one) => describe(one, host.domain))
    },

    async 'invitation revoke'([, id = '']: readonly string[]): Promise<readonly string[]> {
      if (!(await invitations.revoke(numberOf(id)))) throw new CommandError(`There is no invitation ${id} to be used.`)
      return [`Revoked invitation ${id}.`]
    },
  }
}

/** An invitation in one line: its number, who made it, for whom, until when. */
export function describe({ id, inviter, username, usesLeft, expiresMs }: StoredInvitation, host: string): string {
  const from = inviter === '' ? host : `${inviter}@${host}`
  const name = username === null ? '' : ` as ${username}@${host}`
  const uses = usesLeft === 1 ? '' : `, ${usesLeft} times`
  return `${id}  from ${from}${name}${uses}, until ${toDatetime(expiresMs)}`
}

function numberOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new CommandError(`${text} is not a number.`)
  return Number(text)
}

function refuse(error: unknown): never {
  if (error instanceof StanzaError) throw new CommandError(error.message)
  throw error
}
