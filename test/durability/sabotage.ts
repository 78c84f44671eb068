import type { Element } from '../../src/api.ts'
import { tally, type Wrong } from './check.ts'
import type { Client } from './client.ts'
import { kill } from './crashes.ts'
import type { Crowd } from './crowd.ts'
import { cuts } from './cuts.ts'
import { type FaultName, faults as serverFaults } from './faulty-server.ts'
import type { Findings } from './findings.ts'
import { rooms } from './rooms.ts'
import type { Outcome, Setting } from './setting.ts'
import { uploads } from './uploads.ts'

/** What a faulty server may do with what it owes a client. */
const deeds = {
  lose: () => [],
  double: (one: Element) => [one, one],
  swap: (one: Element, other: Element) => [other, one],
  change: (one: Element) => {
    one.getChild('body')?.append('!')
    return [one]
  },
} as const
type Deed = keyof typeof deeds

const expected: Readonly<Record<Deed, Wrong>> = {
  lose: 'lost',
  double: 'doubled',
  swap: 'reordered',
  change: 'changed',
}

/** Does a deed, once, to the third and fourth of the messages that a test picks out. */
export function tampering(deed: Deed, picks: (element: Element) => boolean): (element: Element) => readonly Element[] {
  let count = 0
  let held: Element | undefined
  return (element) => {
    if (!picks(element)) return [element]
    count++
    if (count === 3 && deed === 'swap') {
      held = element
      return []
    }
    if (count === 4 && held !== undefined) return deeds.swap(held, element)
    if (count === 3) return deed === 'change' ? deeds.change(element) : deeds[deed as 'lose' | 'double'](element)
    return [element]
  }
}

const isSaid = (element: Element): boolean => element.attrs['type'] === 'groupchat' && isLive(element)
const isLive = (element: Element): boolean => element.name === 'message' && element.getChild('body') !== undefined
const isKept = (element: Element): boolean => element.getChild('result', 'urn:xmpp:mam:2') !== undefined

/** Has one client hear something else. */
type Arms = (client: Client, findings: Findings) => void
interface Sabotaged {
  readonly what: string
  readonly picks: (element: Element) => boolean
  readonly play: (setting: Setting, arms: Arms) => Promise<Outcome>
  readonly of: readonly Deed[]
}

const ofPairs = (setting: Setting, arms: Arms): Setting => ({
  ...setting,
  prepares: ({ people, findings }: Crowd) => arms(people[0]!.client, findings),
})
const inRooms = (setting: Setting, arms: Arms, mishap: 'kill' | 'term'): Promise<Outcome> =>
  rooms(setting, [mishap], { rooms: 1, prepares: ({ people, findings }) => arms(people[0]!.client, findings) })

const plays: readonly Sabotaged[] = [
  {
    what: 'of the archive',
    picks: isKept,
    play: (to, arms) => kill(ofPairs(to, arms), 1),
    of: ['lose', 'double', 'swap'],
  },
  {
    what: 'live',
    picks: isLive,
    play: (to, arms) => cuts(ofPairs(to, arms), 20, ['close', 'silence']),
    of: ['lose', 'double', 'swap', 'change'],
  },
  {
    what: 'of the archive of a room',
    picks: isKept,
    play: (to, arms) => inRooms(to, arms, 'kill'),
    of: ['lose', 'double', 'swap'],
  },
  {
    what: 'in a room',
    picks: isSaid,
    play: (to, arms) => inRooms(to, arms, 'term'),
    of: ['lose', 'double', 'swap', 'change'],
  },
]

/** Plays with servers that do one thing wrong with files; resolves with whether each was noticed, and nothing where nothing is wrong. */
export async function sabotageUploads(setting: Setting): Promise<boolean> {
  let sound = true
  for (const fault of [undefined, ...(Object.keys(serverFaults) as FaultName[])]) {
    const how = { senders: 2, ...(fault !== undefined && { fault }) }
    const { faults } = await uploads({ ...setting, say: () => {} }, ['power', 'kill'], how)
    const found = tally(faults)
    const isSound = fault === undefined ? faults.length === 0 : found.has(serverFaults[fault])
    sound &&= isSound
    setting.say(
      `files, with a server that does ${fault === undefined ? 'nothing wrong' : `this wrong: ${fault}`}: ${isSound ? 'as it should be' : 'NOT NOTICED'}, found ${[...found].map((one) => one.join(' ')).join(', ') || 'nothing'}`,
    )
    if (!isSound) for (const { wrong, where } of faults.slice(0, 5)) setting.say(`    ${wrong}: ${where}`)
  }
  return sound
}

/**
 * Plays with one client that hears what a faulty server would say; resolves with whether each deed was noticed. Without a
 * deed nothing may be found: a check that cries always notices nothing.
 */
export async function sabotage(setting: Setting): Promise<boolean> {
  let sound = true
  for (const { what, picks, play, of } of plays)
    for (const deed of [undefined, ...of]) {
      const arms: Arms = (client, findings) => {
        findings.patienceMs = 5000
        if (deed !== undefined) client.tamper = tampering(deed, picks)
      }
      const { faults } = await play({ ...setting, pairs: 4, say: () => {} }, arms)
      const found = tally(faults)
      const told = deed === undefined ? 'nothing is done to' : `${deed} one of`
      const isSound =
        deed === undefined ? ![...Object.values(expected)].some((wrong) => found.has(wrong)) : found.has(expected[deed])
      sound &&= isSound
      setting.say(
        `${told} the messages ${what}: ${isSound ? 'as it should be' : 'NOT NOTICED'}, found ${[...found].map((one) => one.join(' ')).join(', ') || 'nothing'}`,
      )
      if (!isSound) for (const { wrong, where } of faults.slice(0, 5)) setting.say(`    ${wrong}: ${where}`)
    }
  return sound
}
