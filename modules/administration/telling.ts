import { CommandError, type CommandReply, type CommandRun, type Element, type Host, Jid, toDatetime, xml } from '#api'
import { itemElement, NS_ROSTER, type RosterApi, type RosterItem } from '../roster/index.ts'
import type { Visits } from './visits.ts'

/** What telling works with. */
export interface TellingParts {
  readonly host: Host
  readonly visits: Visits
  readonly roster: RosterApi | undefined
  /** Bare JIDs. */
  readonly admins: readonly string[]
}

/** The work of the commands that tell of accounts, by name (XEP-0133 §4.8 to §4.10, §4.29). */
export function tellingRuns({ host, visits, roster, admins }: TellingParts): Record<string, CommandRun> {
  const rosterOf = (jid: Jid) => {
    if (roster === undefined)
      throw new CommandError('There are no rosters: that module is off.', 'feature-not-implemented')
    return roster.whole(jid)
  }
  return {
    'user roster': async (texts) => {
      const accounts = await existing(host, texts)
      const rosters = await Promise.all(accounts.map(rosterOf))
      const items = rosters.map((one) => [...one.items].filter(({ listed }) => listed))
      return {
        lines: items.flatMap((own, place) => [
          ...(accounts.length > 1 ? [`${accounts[place]}`] : []),
          ...own.map((item) => `  ${inWords(item)}`),
        ]),
        fields: [accountsField(accounts)],
        payload: items.map(rosterElement),
      }
    },
    'user last-login': async (texts) => {
      const accounts = await existing(host, texts)
      const known = await visits.find(accounts.map(({ local }) => local))
      const times = known.map(({ loginMs }) => (loginMs === 0 ? '' : toDatetime(loginMs)))
      return {
        lines: accounts.map((jid, place) => `${jid}  ${times[place] || 'never'}`),
        fields: [
          accountsField(accounts),
          { var: 'lastlogin', type: 'text-single', label: 'The last login time', values: times },
        ],
      }
    },
    'user statistics': async ([text = '']) => {
      const [jid] = await existing(host, [text])
      const sessions = [...(host.user(jid!)?.sessions.values() ?? [])]
      const addresses = [...new Set(sessions.map(({ stream }) => stream.remoteAddress))]
      const resources = sessions.map((session) => session.jid.resource)
      const size = roster === undefined ? undefined : String((await roster.whole(jid!)).size.listed)
      return statistics(addresses, size, resources)
    },
    'admin list': async () => ({
      lines: [...admins, 'To change this, edit admins in server.yaml and restart the server.'],
      fields: [
        { var: 'adminjids', type: 'jid-multi', label: 'The admin list', values: admins },
        {
          var: 'x-note',
          type: 'fixed',
          values: ['To change this, edit admins in server.yaml and restart the server.'],
        },
      ],
    }),
  }
}

function statistics(
  addresses: readonly string[],
  size: string | undefined,
  resources: readonly string[],
): CommandReply {
  const lists = (values: readonly string[]) => values.join(', ') || 'none'
  return {
    lines: [
      `contacts: ${size ?? 'unknown'}`,
      `online resources: ${lists(resources)}`,
      `network addresses: ${lists(addresses)}`,
    ],
    fields: [
      { var: 'ipaddresses', type: 'list-multi', label: 'Network addresses', values: addresses },
      ...(size === undefined
        ? []
        : [{ var: 'rostersize', type: 'text-single', label: 'Number of contacts', values: [size] } as const]),
      { var: 'onlineresources', type: 'text-multi', label: 'Online resources', values: resources },
    ],
  }
}

/** @throws CommandError when one of them is no account of the host. */
async function existing(host: Host, texts: readonly string[]): Promise<Jid[]> {
  const accounts = texts.map((text) => Jid.parse(text))
  for (const jid of accounts) {
    const isHere = jid.domain === host.domain && jid.local !== '' && jid.isBare
    if (!isHere || (await host.accounts.state(jid.local)) === undefined)
      throw new CommandError(`There is no account ${jid} on ${host.domain}.`, 'item-not-found')
  }
  return accounts
}

function accountsField(accounts: readonly Jid[]) {
  return { var: 'accountjids', type: 'jid-multi', label: 'The accounts', values: accounts.map(String) } as const
}

function rosterElement(items: readonly RosterItem[]): Element {
  return xml('query', { xmlns: NS_ROSTER }, ...items.map(itemElement))
}

function inWords({ jid, name, subscription, groups }: RosterItem): string {
  const called = name === '' ? '' : ` “${name}”`
  const inGroups = groups.length === 0 ? '' : `, in ${groups.join(', ')}`
  return `${jid}${called}, ${subscription}${inGroups}`
}
