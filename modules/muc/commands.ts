import { type CommandDeclaration, CommandError, Jid, readAddress, StanzaError, toDatetime } from '#api'
import { change, mustBeAccount } from './changing.ts'
import { pagesOf } from './features/affiliation-lists.ts'
import { configure, readValues } from './features/configuration.ts'
import { destroy } from './features/destroying.ts'
import { persistent } from './features/persistence.ts'
import { create } from './joining.ts'
import { type Affiliation, MAX_PAGE } from './records.ts'
import { isAffiliation } from './roles.ts'
import type { Room } from './room.ts'
import type { RoomService } from './service.ts'

const room = { name: 'room', summary: 'The room, as room@service.', kind: 'jid' } as const
const FIELDS = 'muc#roomconfig_'

/** What an admin can do about rooms. */
export const roomCommands: readonly CommandDeclaration[] = [
  {
    name: 'room list',
    summary: 'Lists all rooms of a service, or of a host, public or not.',
    args: [{ name: 'domain', summary: 'The domain of the rooms, or of the host.', kind: 'host' }],
    role: 'observer',
  },
  { name: 'room show', summary: 'Says what a room is like and who is in it.', args: [room], role: 'observer' },
  {
    name: 'room create',
    summary: 'Creates a room that stays when nobody is in it.',
    args: [room, { name: 'owner', summary: 'Who owns it, as user@domain.', kind: 'jid' }],
  },
  {
    name: 'room configure',
    summary: 'Says how a room is configured, or changes one field of that.',
    args: [
      room,
      { name: 'field?', summary: 'Such as membersonly: the name of the field without muc#roomconfig_.' },
      { name: 'value?', summary: 'The new value; 1 or 0 for yes or no, several with commas between them.' },
    ],
  },
  {
    name: 'room destroy',
    summary: 'Destroys a room with all that is kept of it.',
    args: [room, { name: 'reason?', summary: 'What those who are in it are told.' }],
  },
  {
    name: 'room affiliations',
    summary: 'Lists who is owner, admin, member or outcast of a room.',
    args: [room, { name: 'affiliation?', summary: 'One of these, when not all are wanted.' }],
    role: 'observer',
  },
  {
    name: 'room affiliate',
    summary: 'Gives an account, or a whole domain, an affiliation with a room; none takes it away.',
    args: [
      room,
      { name: 'jid', summary: 'The account, as user@domain, or a domain.', kind: 'jid' },
      { name: 'affiliation', summary: 'owner, admin, member, none or outcast.' },
      { name: 'reason?', summary: 'What those who are in the room are told.' },
    ],
  },
]

/** Does what a command asks for and returns what to print. */
export type CommandRun = (args: readonly string[]) => Promise<readonly string[]>

/** The work of the commands that are about one service, by name. They act on rooms as they are, so whoever is in one sees it. */
export function roomRuns(service: RoomService): Record<string, CommandRun> {
  const existing = (text: string | undefined, work: (here: Room) => Promise<readonly string[]>) =>
    inRoom(service, text, async (here) => {
      if (here.record === undefined) throw new CommandError(`There is no room ${here.address}.`)
      return await work(here)
    })
  return {
    'room list': () => listRooms([service]),
    'room show': ([text]) => existing(text, show),
    'room create': ([text, owner]) => inRoom(service, text, (here) => createFor(here, owner)),
    'room configure': ([text, field, value]) => existing(text, (here) => configureField(here, field, value)),
    'room destroy': ([text, reason]) =>
      existing(text, async (here) => {
        await destroy(here, { reason })
        return [`Destroyed ${here.address}.`]
      }),
    'room affiliations': ([text, affiliation]) => existing(text, (here) => listAffiliations(here, affiliation)),
    'room affiliate': ([text, jid, affiliation, reason]) =>
      existing(text, (here) => affiliate(here, jid, affiliation, reason)),
  }
}

/** All rooms of services, by address. */
export async function listRooms(services: readonly RoomService[]): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { store, domain } of services) {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const locals: string[] = await store.locals(after, MAX_PAGE)
      lines.push(...locals.map((local) => `${local}@${domain}`))
      after = locals.length < MAX_PAGE ? undefined : locals.at(-1)
    }
  }
  return lines
}

/** Does something with a room, alone; what it refuses becomes a sentence for the admin. */
async function inRoom(
  service: RoomService,
  text: string | undefined,
  work: (here: Room) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  // The command came here because of the address, so it is one.
  const jid = Jid.parse(text ?? '')
  if (jid.local === '' || !jid.isBare)
    throw new CommandError(`${jid} is not a room: name one as room@${service.domain}.`)
  let lines: readonly string[] = []
  try {
    await service.with(jid.local, false, async (here) => {
      lines = await work(here)
    })
  } catch (error) {
    if (error instanceof StanzaError) throw new CommandError(error.message)
    throw error
  }
  return lines
}

async function show(here: Room): Promise<readonly string[]> {
  const { creator, createdMs, locked, id } = here.known
  const counts = await here.service.store.counts(id)
  return [
    here.address,
    `created: ${toDatetime(createdMs)}${creator === '' ? '' : ` by ${creator}`}${locked ? '; not configured yet' : ''}`,
    `owners: ${counts.owner}; admins: ${counts.admin}; members: ${counts.member}; outcasts: ${counts.outcast}`,
    `subject: ${here.subject?.text ?? ''}`,
    `in it: ${here.occupants.size}`,
    ...[...here.occupants.values()].map(
      ({ nick, account, role, affiliation }) => `  ${nick}: ${account}, ${role}, ${affiliation}`,
    ),
  ]
}

async function createFor(here: Room, owner: string | undefined): Promise<readonly string[]> {
  if (here.record !== undefined) throw new CommandError(`${here.address} is there already.`)
  const jid = readAddress(owner)
  if (jid.local === '') throw new CommandError(`${jid} is not an account: name one as user@domain.`)
  await create(here, jid, true)
  await configure(here, { [persistent.key]: true })
  return [`Created ${here.address}, owned by ${jid.bare}.`]
}

async function configureField(
  here: Room,
  name: string | undefined,
  value: string | undefined,
): Promise<readonly string[]> {
  const { roomSettings } = here.service
  const shortOf = ({ field }: (typeof roomSettings)[number]) => field.var.replace(FIELDS, '')
  const say = (setting: (typeof roomSettings)[number]) =>
    `${shortOf(setting)}: ${setting.write(here.get(setting)).join(', ')}`
  if (name === undefined) return roomSettings.map(say)
  const setting = roomSettings.find((one) => one.field.var === name || shortOf(one) === name)
  if (setting === undefined)
    throw new CommandError(`There is no field ${name}; there are: ${roomSettings.map(shortOf).join(', ')}.`)
  if (value === undefined) return [say(setting)]
  const isList = setting.field.type === 'list-multi' || setting.field.type === 'jid-multi'
  const values = isList ? value.split(',').map((one) => one.trim()) : [value]
  const given = values.filter((one) => !isList || one !== '')
  await configure(here, readValues(here, new Map([[setting.field.var, given]])))
  // A temporary room ends when nobody is in it (XEP-0045 §4.2).
  if (here.record === undefined) return [say(setting), `Nobody was in ${here.address}, so it is no more.`]
  return [say(setting)]
}

async function listAffiliations(here: Room, which: string | undefined): Promise<readonly string[]> {
  const all: readonly Affiliation[] = ['owner', 'admin', 'member', 'outcast']
  const wanted = which === undefined ? all : all.filter((one) => one === which)
  if (wanted.length === 0) throw new CommandError(`${which} is none of ${all.join(', ')}.`)
  const lines: string[] = []
  for (const affiliation of wanted)
    for await (const records of pagesOf(here, affiliation))
      for (const { jid, nick, reason } of records)
        lines.push(
          `${affiliation} ${jid}${nick === undefined ? '' : ` (${nick})`}${reason === undefined ? '' : `: ${reason}`}`,
        )
  return lines
}

async function affiliate(
  here: Room,
  text: string | undefined,
  affiliation = '',
  reason: string | undefined,
): Promise<readonly string[]> {
  if (!isAffiliation(affiliation))
    throw new CommandError(`${affiliation} is not an affiliation: owner, admin, member, none or outcast.`)
  const jid = readAddress(text).bare.toString()
  mustBeAccount(jid, affiliation)
  const tell = await change(here, { affiliations: [{ jid, affiliation, ...(reason !== undefined && { reason }) }] })
  await tell()
  return [`${jid} is ${affiliation === 'none' ? 'nothing in particular' : affiliation} in ${here.address}.`]
}
