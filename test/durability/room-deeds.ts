import { setTimeout as pause } from 'node:timers/promises'
import type { Element } from '../../src/api.ts'
import type { Fault } from './check.ts'
import type { Findings } from './findings.ts'
import { Register, RoomLedger, retraction } from './room-ledger.ts'
import { type Home, Refused, type RoomPerson } from './room-person.ts'

const MUC = 'http://jabber.org/protocol/muc'
const errorPauseMs = 50
/** Affiliations that the member is given in turn. */
const turns = ['member', 'admin', 'none'] as const
/** Addresses that are members and outcasts in turn. */
const strangers = 5

/** A room in which people talk, with all that its owner changes. */
export class HomeRoom extends RoomLedger implements Home {
  readonly subject: Register<string>
  readonly name: Register<string>
  readonly affiliation: Register<string>
  /** Affiliations of addresses that are nobody's here. */
  readonly others: ReadonlyMap<string, Register<string>>
  readonly member: string

  constructor(address: string, member: string) {
    super(address)
    this.member = member
    const register = (what: string, initial: string) => new Register(`${what} of ${address}`, initial)
    this.subject = register('the subject', '')
    this.name = register('the name', '')
    this.affiliation = register(`the affiliation of ${member}`, 'none')
    const names = Array.from({ length: strangers }, (_, n) => `stranger${n}@verona.example`)
    this.others = new Map(names.map((jid) => [jid, register(`the affiliation of ${jid}`, 'none')]))
  }
}

/** A room that is made on the way, and destroyed again perhaps. */
export class SideRoom extends RoomLedger {
  readonly isPersistent: boolean
  /** Whether it is one that stays. */
  readonly stays: Register<'no' | 'yes'>
  readonly affiliation: Register<string>

  constructor(address: string, isPersistent: boolean) {
    super(address)
    this.isPersistent = isPersistent
    this.stays = new Register(`that ${address} is there`, 'no')
    this.affiliation = new Register(`the affiliation of stranger0@verona.example with ${address}`, 'none')
  }
}

/** What those who do things need. */
export interface Stage {
  readonly findings: Findings
  readonly service: string
  /** By address. */
  readonly rooms: Map<string, RoomLedger>
  /** Whether to go on. */
  goesOn(): boolean
}

/** A request of an owner, or a form. */
export const configures = (fields: Readonly<Record<string, string>>): string => {
  const lines = Object.entries({ FORM_TYPE: `${MUC}#roomconfig`, ...fields }).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  )
  const form = Object.keys(fields).length === 0 ? '' : lines.join('')
  return `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'>${form}</x></query>`
}

const affiliates = (jid: string, affiliation: string): string =>
  `<query xmlns='${MUC}#admin'><item jid='${jid}' affiliation='${affiliation}'/></query>`

/** Has a register tried to be given another value; true when that was done. */
async function tries<T>(
  { findings }: Stage,
  register: Register<T>,
  value: T,
  deed: () => Promise<unknown>,
): Promise<boolean> {
  register.attempts(value)
  const note = (faults: readonly Fault[]) => findings.finds(faults)
  try {
    await deed()
    note(register.ends('made'))
    return true
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    note(register.ends('refused'))
    findings.changed()
    await pause(errorPauseMs)
    return false
  }
}

/** The owner of a room changes one thing after the other: subject, name, affiliations; and takes messages back. */
export async function rules(stage: Stage, owner: RoomPerson, home: HomeRoom, memberJid: string): Promise<void> {
  const set = (payload: string) => owner.asks(home, 'set', payload)
  const deeds: ((n: number) => Promise<unknown>)[] = [
    (n) => {
      const [key, text] = [`subject-${owner.nick}-${n}`, `Subject ${n} of ${owner.nick}`]
      return tries(stage, home.subject, text, () => owner.says(home, key, `<subject>${text}</subject>`, text))
    },
    (n) => tries(stage, home.name, `Name ${n}`, () => set(configures({ 'muc#roomconfig_roomname': `Name ${n}` }))),
    (n) => {
      const jid = `stranger${n % strangers}@verona.example`
      const register = home.others.get(jid)!
      const value = register.value === 'none' ? (n % 2 === 0 ? 'member' : 'outcast') : 'none'
      return tries(stage, register, value, () => set(affiliates(jid, value)))
    },
    (n) => {
      const value = turns[n % turns.length]!
      return tries(stage, home.affiliation, value, () => set(affiliates(memberJid, value)))
    },
    () => takesBack(stage, owner, home),
  ]
  while (stage.goesOn()) {
    owner.deeds++
    for (const deed of deeds) if (stage.goesOn()) await deed(owner.deeds)
    await pause(5)
  }
}

/** A moderator takes back what was said last (XEP-0425). */
async function takesBack({ findings }: Stage, owner: RoomPerson, home: HomeRoom): Promise<void> {
  const id = lastHeard(owner, home, /^r\d+-/)
  if (id === undefined) return
  home.takenBack.set(id, 'open')
  const moderate = `<moderate xmlns='urn:xmpp:message-moderate:1' id='${id}'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`
  try {
    await owner.asks(home, 'set', moderate)
    home.takenBack.set(id, 'made')
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    if (home.takenBack.get(id) === 'made') findings.blames('broken', `${id} was taken back, then that was refused`)
    home.takenBack.set(id, 'refused')
    findings.changed()
    await pause(errorPauseMs)
  }
}

/** Somebody takes back what they have said (XEP-0424), again and again. */
export async function regrets(stage: Stage, person: RoomPerson, home: HomeRoom): Promise<void> {
  while (stage.goesOn()) {
    const id = lastHeard(person, home, new RegExp(`^${person.lane.name}-`))
    if (id !== undefined) {
      home.takenBack.set(id, 'open')
      const payload = `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/><body>Sorry</body>`
      try {
        await person.says(home, `sorry-${person.nick}-${++person.deeds}`, payload, retraction(id))
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        if (home.takenBack.get(id) === 'made')
          stage.findings.blames('broken', `${id} was taken back, then that was refused`)
        home.takenBack.set(id, 'refused')
      }
    }
    await pause(errorPauseMs)
  }
}

/** The id of the last message that somebody has heard and that is of these, and was not taken back. */
function lastHeard({ nick }: RoomPerson, { stretches, takenBack }: RoomLedger, keys: RegExp): string | undefined {
  const heard = stretches.findLast(({ who, isHistory }) => who === nick && !isHistory)?.heard ?? []
  return heard.findLast(({ archiveId, key }) => keys.test(key) && archiveId !== undefined && !takenBack.has(archiveId))
    ?.archiveId
}

/** Somebody makes one room after the other, talks in it, and destroys most of them again. */
export async function builds(stage: Stage, builder: RoomPerson): Promise<void> {
  while (stage.goesOn()) {
    const n = ++builder.deeds
    const room = new SideRoom(`side-${builder.nick}-${n}@${stage.service}`, n % 3 !== 0)
    stage.rooms.set(room.address, room)
    try {
      await build(stage, builder, room, n)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      stage.findings.changed()
      await pause(errorPauseMs)
    }
    await pause(5)
  }
}

async function build(stage: Stage, builder: RoomPerson, room: SideRoom, n: number): Promise<void> {
  const { codes } = await builder.enters(room)
  if (!codes.includes(201)) stage.findings.blames('broken', `${room.address} was there before it was made`)
  const set = (payload: string) => builder.asks(room, 'set', payload)
  if (!room.isPersistent) await set(configures({}))
  else {
    const form = configures({ 'muc#roomconfig_persistentroom': '1' })
    if (!(await tries(stage, room.stays, 'yes', () => set(form)))) return
  }
  await tries(stage, room.affiliation, 'member', () => set(affiliates('stranger0@verona.example', 'member')))
  for (let i = 0; i < 3; i++) {
    const text = `Message ${i} in ${room.address}`
    await builder.says(room, `side-${builder.nick}-${n}-${i}`, `<body>${text}</body>`, text)
  }
  if (n % 4 === 0) return
  const farewell = `<query xmlns='${MUC}#owner'><destroy/></query>`
  await tries(stage, room.stays, 'no', () => set(farewell))
}

/** The affiliations of a room that is there, by address. @throws Refused */
export async function readAffiliations(person: RoomPerson, room: RoomLedger): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const affiliation of ['owner', 'admin', 'member', 'outcast']) {
    const list = `<query xmlns='${MUC}#admin'><item affiliation='${affiliation}'/></query>`
    const answer = await person.asks(room, 'get', list)
    for (const { attrs } of answer.getChild('query')!.getChildren('item')) found.set(attrs['jid']!, affiliation)
  }
  return found
}

/** The value of a field of a room's configuration. @throws Refused */
export async function readField(person: RoomPerson, room: RoomLedger, name: string): Promise<string> {
  const answer: Element = await person.asks(room, 'get', `<query xmlns='${MUC}#owner'/>`)
  const fields = answer.getChild('query')!.getChild('x', 'jabber:x:data')!.getChildren('field')
  return fields.find(({ attrs }) => attrs['var'] === name)?.getChildText('value') ?? ''
}
