import { accountFinder, type HostsByDomain } from './account-finder.ts'
import { CommandError, type CommandSpec, readAddress } from './module/command.ts'
import type { Session } from './session/session.ts'
import { StreamError } from './stanza/stream-error.ts'

/** The commands that look after sessions. */
export function sessionCommands(hosts: HostsByDomain): CommandSpec[] {
  const { host } = accountFinder(hosts)
  return [
    {
      name: 'session list',
      summary: 'Lists the sessions of a domain, or of all.',
      args: [{ name: 'domain?', summary: 'The domain.', kind: 'host' }],
      role: 'observer',
      run: async ([domain]) => {
        const asked = domain === undefined ? [...hosts.values()] : [host(domain)]
        const sessions = asked.flatMap((one) => [...one.users()].flatMap((user) => [...user.sessions.values()]))
        return sessions.map(inWords).sort()
      },
    },
    {
      name: 'session end',
      summary: 'Ends sessions: all of an account, or the one of a full address.',
      args: [
        {
          name: 'jids',
          summary: 'Accounts as user@domain, or sessions as user@domain/resource.',
          kind: 'jids',
          field: 'accountjids',
          label: 'The Jabber ID(s) for which to end sessions',
        },
      ],
      // XEP-0133 §4.5
      forms: [
        {
          node: 'http://jabber.org/protocol/admin#end-user-session',
          name: 'End User Session',
          title: 'Ending a User Session',
          instructions: 'Fill out this form to end a user’s session.',
        },
      ],
      run: async (texts) => {
        const found = texts.map((text) => {
          const jid = readAddress(text)
          const sessions = [...(host(jid.domain).user(jid)?.sessions.values() ?? [])]
          return sessions.filter((session) => jid.resource === '' || session.jid.equals(jid))
        })
        const none = texts.filter((_, place) => found[place]!.length === 0)
        if (none.length > 0) throw new CommandError(`${none.join(', ')}: there is no such session.`, 'item-not-found')
        const error = () => new StreamError('policy-violation', 'An administrator has ended the session.')
        for (const session of new Set(found.flat())) session.close(error())
        return found.flat().map((session) => `Ended ${session.jid}.`)
      },
    },
  ]
}

function inWords({ address, resting, presence, stream }: Session): string {
  const state = resting ? 'without a connection' : presence === null ? 'not available' : 'available'
  return `${address}  from ${stream.remoteAddress}${stream.secure ? '' : ', not encrypted'}; ${state}`
}
