import { type ConfigOf, type OptionComplaint, option } from '#api'
import type { GroupSpec } from './groups.ts'

const group = option.group({
  everybody: option.bool().default(false).describe('Whether every account of the host is in it.'),
  members: option.list(option.jid()).distinct().default([]).describe('Who is in it otherwise.'),
  sees: option
    .list(option.string().min(1))
    .distinct()
    .optional()
    .describe('The groups whose members these have in their rosters; this group itself unless given.'),
})

/** The groups there are, by the name that people see. */
export const groupsOption = option
  .record(group, option.string().min(1).max(256))
  .default({})
  .describe('Groups that stand in the rosters of accounts, by name: everybody or members, and sees.')
  .example("{ Colleagues: { everybody: true }, 'Front desk': { members: [ann@example.org], sees: [] } }")

type Groups = ConfigOf<{ groups: typeof groupsOption }>['groups']

/** What is wrong with groups: a member of another domain, a group to see that is not there, members beside everybody. */
export function complaints(groups: Groups, domain: string): OptionComplaint[] {
  return Object.entries(groups).flatMap(([name, { everybody, members, sees = [] }]) => {
    const option = `groups.${name}`
    const stranger = members.find((member) => member.domain !== domain)
    const unknown = sees.find((seen) => !Object.hasOwn(groups, seen))
    const found: OptionComplaint[] = []
    if (stranger !== undefined) {
      const cure = `Take it out, or put the group into hosts/${stranger.domain}/shared-groups.yaml.`
      found.push({ option, message: `has ${stranger}, which is no account of ${domain}`, cure })
    }
    if (everybody && members.length > 0)
      found.push({ option, message: 'has everybody, and members as well', cure: 'Take one of the two away.' })
    if (unknown !== undefined)
      found.push({ option, message: `sees ${unknown}, which is no group`, cure: suggestion(Object.keys(groups)) })
    return found
  })
}

function suggestion(names: readonly string[]): string {
  return `The groups are: ${names.join(', ')}.`
}

/** The groups of a host. */
export function groupsOf(groups: Groups): ReadonlyMap<string, GroupSpec> {
  return new Map(
    Object.entries(groups).map(([name, { everybody, members, sees = [name] }]) => [
      name,
      { everybody, members: new Set(members.map(({ local }) => local)), sees },
    ]),
  )
}
