import { type ConfigOf, option } from '#api'
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

/**
 * The groups of a host.
 *
 * @throws Error for a member of another domain, a group that sees one that is not there, or one of everybody with members.
 */
export function groupsOf(
  options: ConfigOf<{ groups: typeof groupsOption }>['groups'],
  domain: string,
): ReadonlyMap<string, GroupSpec> {
  return new Map(
    Object.entries(options).map(([name, { everybody, members, sees = [name] }]) => {
      const stranger = members.find((member) => member.domain !== domain)
      if (stranger !== undefined) throw new Error(`group ${name}: ${stranger} is no account of ${domain}`)
      if (everybody && members.length > 0) throw new Error(`group ${name}: everybody is in it, so it needs no members`)
      const unknown = sees.find((seen) => !Object.hasOwn(options, seen))
      if (unknown !== undefined) throw new Error(`group ${name} sees ${unknown}, which is no group`)
      return [name, { everybody, members: new Set(members.map(({ local }) => local)), sees }]
    }),
  )
}
