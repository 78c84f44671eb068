import type { Element } from '../../src/api.ts'
import { tally, type Wrong } from './check.ts'
import { kill } from './crashes.ts'
import type { Crowd } from './crowd.ts'
import { cuts } from './cuts.ts'
import type { Setting } from './setting.ts'

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

const isLive = (element: Element): boolean => element.name === 'message' && element.getChild('body') !== undefined
const isKept = (element: Element): boolean => element.getChild('result', 'urn:xmpp:mam:2') !== undefined

const plays = [
  { what: 'of the archive', picks: isKept, play: (to: Setting) => kill(to, 1), of: ['lose', 'double', 'swap'] },
  {
    what: 'live',
    picks: isLive,
    play: (to: Setting) => cuts(to, 20, ['close', 'silence']),
    of: ['lose', 'double', 'swap', 'change'],
  },
] as const

/**
 * Plays with one client that hears what a faulty server would say; resolves with whether each deed was noticed. Without a
 * deed nothing may be found: a check that cries always notices nothing.
 */
export async function sabotage(setting: Setting): Promise<boolean> {
  let sound = true
  for (const { what, picks, play, of } of plays)
    for (const deed of [undefined, ...of]) {
      const prepares = (crowd: Crowd) => {
        crowd.patienceMs = 5000
        if (deed !== undefined) crowd.people[0]!.client.tamper = tampering(deed, picks)
      }
      const { faults } = await play({ ...setting, pairs: 4, prepares, say: () => {} })
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
