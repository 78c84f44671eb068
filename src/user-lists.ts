import { accountFinder, type HostsByDomain } from './account-finder.ts'
import {
  type CommandArgument,
  CommandError,
  type CommandForm,
  type CommandReply,
  type CommandSpec,
} from './module/command.ts'
import type { Host } from './session/host.ts'
import type { User } from './session/user.ts'

/** Names a query fetches at once. */
const PAGE = 500
/** Accounts in one answer to a client that asks for all. */
const MOST = 5000

/** The kinds of accounts that XEP-0133 counts and lists: `nodes` as it calls what does so. */
const kinds = {
  registered: { label: 'The list of all users', listNode: 'get-registered-users-list' },
  disabled: { label: 'The list of all disabled users', listNode: 'get-disabled-users-list' },
  online: { label: 'The list of all online users', listNode: 'get-online-users-list' },
  // XEP-0133 §4.21, §4.22: these two are called otherwise.
  active: { label: 'The list of active users', listNode: 'get-active-users' },
  idle: { label: 'The list of idle users', listNode: 'get-idle-users' },
} as const
type Kind = keyof typeof kinds

const names = Object.keys(kinds) as Kind[]
const domain: CommandArgument = { name: 'domain?', summary: 'The domain.', kind: 'host' }
const which: CommandArgument = {
  name: 'which?',
  summary: `Which of them: ${names.join(', ')}. Active is whoever is online and not away; idle, whoever is online and is.`,
}
const max: CommandArgument = {
  name: 'max?',
  summary: 'How many of them at most, or none for all.',
  field: 'max_items',
  label: 'Maximum number of items to show',
  choices: [
    ...['25', '50', '75', '100', '150', '200'].map((value) => ({ value, label: value })),
    { value: 'none', label: 'None' },
  ],
  proposed: '100',
}
const after: CommandArgument = {
  name: 'after?',
  summary: 'The account after which the list goes on.',
  kind: 'jid',
  // XEP-0068 §3.4: a field that is not registered.
  field: 'x-after',
  label: 'Go on after this account',
}

/** The commands that count and list accounts (XEP-0133 §4.13 to §4.22). */
export function userLists(hosts: HostsByDomain): CommandSpec[] {
  const { host, find } = accountFinder(hosts)
  return [
    {
      name: 'user list',
      summary: 'Lists the accounts of a domain, or of all.',
      args: [domain, which, max, after],
      role: 'observer',
      forms: names.map(listForm),
      run: async ([name, kind, most, last]) => {
        const list = listOf(readKind(kind))
        const asked = name === undefined ? [...hosts.values()] : [host(name)]
        const limit = readMax(most)
        const start = last === undefined ? '' : find(last).jid.local
        const found: string[] = []
        for (const one of asked) found.push(...(await upTo(limit, start, one, list)))
        return replyOf(readKind(kind), found, limit)
      },
    },
    {
      name: 'user count',
      summary: 'Says how many accounts a domain has.',
      args: [{ ...domain, name: 'domain' }, which],
      role: 'observer',
      forms: names.map((kind) => ({
        node: `http://jabber.org/protocol/admin#get-${kind}-users-num`,
        name: `Get Number of ${capital(kind)} Users`,
        preset: { 'which?': kind },
      })),
      run: async ([name = '', text]) => {
        const kind = readKind(text)
        const number = String(await countOf(host(name), kind))
        const label = `The number of ${kind} users`
        return { lines: [number], fields: [{ var: `${kind}usersnum`, type: 'text-single', label, values: [number] }] }
      },
    },
  ]
}

function listForm(kind: Kind): CommandForm {
  return {
    node: `http://jabber.org/protocol/admin#${kinds[kind].listNode}`,
    name: `Get List of ${capital(kind)} Users`,
    title: `Requesting List of ${capital(kind)} Users`,
    instructions: `Fill out this form to request the ${kind} users of this service.`,
    preset: { 'which?': kind },
  }
}

function replyOf(kind: Kind, found: readonly string[], limit: number | undefined): CommandReply {
  const values = limit === undefined ? found : found.slice(0, limit)
  const more = found.length > values.length ? [values.at(-1)!] : []
  return {
    lines: [...values, ...more.map((last) => `There are more, after ${last}.`)],
    fields: [
      { var: `${kind}userjids`, type: 'jid-multi', label: kinds[kind].label, values },
      ...more.map((last) => ({
        var: 'x-after',
        type: 'jid-single' as const,
        label: 'There are more, after this account',
        values: [last],
      })),
    ],
  }
}

/** Names of a host after another, in order. */
type List = (host: Host, after: string, limit: number) => readonly string[] | Promise<readonly string[]>

function listOf(kind: Kind): List {
  if (kind === 'registered') return (host, after, limit) => host.accounts.list(after, limit)
  if (kind === 'disabled') return (host, after, limit) => host.accounts.list(after, limit, { disabled: true })
  return (host, after, limit) =>
    [...host.users()]
      .filter((user) => isOf(kind, user))
      .map(({ jid }) => jid.local)
      .filter((local) => local > after)
      .sort()
      .slice(0, limit)
}

/** One more than the limit when there are more. */
async function upTo(limit: number | undefined, start: string, host: Host, list: List): Promise<string[]> {
  const wanted = limit === undefined ? Infinity : limit + 1
  const found: string[] = []
  for (let after = start; found.length < wanted; ) {
    const size = Math.min(PAGE, wanted - found.length)
    const page = await list(host, after, size)
    found.push(...page.map((local) => `${local}@${host.domain}`))
    if (page.length < size) break
    after = page.at(-1)!
  }
  return found
}

async function countOf(host: Host, kind: Kind): Promise<number> {
  if (kind === 'registered') return await host.accounts.count()
  if (kind === 'disabled') return await host.accounts.count({ disabled: true })
  return [...host.users()].filter((user) => isOf(kind, user)).length
}

/** Whether an online user counts as such: active is who has a client that is there and says neither `away` nor `xa`. */
function isOf(kind: Exclude<Kind, 'disabled' | 'registered'>, user: User): boolean {
  if (user.sessions.size === 0) return false
  if (kind === 'online') return true
  const isActive = [...user.available()].some(({ presence }) => {
    const show = presence?.getChildText('show') ?? ''
    return show !== 'away' && show !== 'xa'
  })
  return isActive === (kind === 'active')
}

function readKind(text: string | undefined): Kind {
  const kind = names.find((name) => name === (text ?? 'registered'))
  if (kind === undefined) throw new CommandError(`${text} is none of ${names.join(', ')}.`)
  return kind
}

/** `undefined` when nothing was said: on the command line, that is all. */
function readMax(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (text === 'none') return MOST
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CommandError(`${text} is not a number of accounts.`)
  return Number(text)
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
