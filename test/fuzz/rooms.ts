/**
 * Plays with rooms at random, with many things under way at once, and holds what each client hears against a model of the
 * rooms: `node test/fuzz/rooms.ts [seconds] [seed]`.
 */

import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../src/util/clock.ts'
import { type Bed, openBed } from '../support/bed.ts'
import type { Affiliation, Deed, Role, Settings } from '../support/room-model.ts'
import { RoomPlay } from '../support/room-play.ts'
import { slowArchive } from '../support/slow-archive.ts'
import { Dice } from './parser.ts'

/** Something somebody does in a room, or a cut of a connection, or the end of an act, and how long to wait after it. */
export type Step =
  | { readonly kind: 'cut'; readonly who: number; readonly pause: number }
  | { readonly kind: 'deed'; readonly who: number; readonly room: number; readonly deed: Deed; readonly pause: number }
  | { readonly kind: 'rest' }

const guests = ['ann/1', 'ann/2', 'bob/1', 'bob/2', 'cat/1', 'dan/1', 'eve/1']
const accounts = ['ann', 'bob', 'cat', 'dan', 'eve'].map((local) => `${local}@localhost`)
const nicks = ['red', 'green', 'blue', 'white', 'black', 'brown']
const roles: readonly Role[] = ['moderator', 'none', 'none', 'participant', 'visitor']
const affiliations: readonly Affiliation[] = ['admin', 'member', 'member', 'none', 'none', 'none', 'outcast', 'owner']
const ROOMS = 2
const ACTS = 8
const STEPS_OF_ACT = 40

/** How each play begins: there is a room in which something can happen. */
function openingOf(dice: Dice): Step[] {
  const settings: Settings = { persistentroom: true, moderated: dice.once(2), membersonly: false, whois: dice.once(4) }
  const deeds: (readonly [who: number, deed: Deed])[] = [
    [0, { kind: 'appear', nick: nicks[0]!, withX: true }],
    [0, { kind: 'configure', settings }],
  ]
  for (let who = 2; who < guests.length; who++)
    deeds.push([who, { kind: 'appear', nick: nicks[who - 1]!, withX: true }])
  return deeds.map(([who, deed]) => ({ kind: 'deed', who, room: 0, deed, pause: 0 }))
}

function settingsOf(dice: Dice): Partial<Settings> {
  const value = dice.once(2)
  switch (dice.roll(8)) {
    case 0:
      return { persistentroom: value }
    case 1:
      return { moderated: value }
    case 2:
    case 3:
      return { membersonly: value }
    case 4:
    case 5:
      return { whois: value }
    default:
      return {}
  }
}

function deedOf(dice: Dice): Deed {
  const lot = dice.roll(100)
  if (lot < 27) return { kind: 'appear', nick: dice.pick(nicks), withX: !dice.once(4) }
  if (lot < 31) return { kind: 'leave' }
  if (lot < 37) return { kind: 'nudge' }
  if (lot < 56) return { kind: 'say' }
  if (lot < 59) return { kind: 'subject' }
  if (lot < 65) return { kind: 'whisper', nick: dice.pick(nicks) }
  if (lot < 77) return { kind: 'assign', nick: dice.pick(nicks), role: dice.pick(roles) }
  if (lot < 88) return { kind: 'affiliate', account: dice.pick(accounts), affiliation: dice.pick(affiliations) }
  if (lot < 99 || !dice.once(3)) return { kind: 'configure', settings: settingsOf(dice) }
  return { kind: 'destroy' }
}

/** Those who do it: mostly who came first, and owns the room perhaps, does what is for owners. */
function doerOf(dice: Dice, { kind }: Deed): number {
  const isForOwners = kind === 'affiliate' || kind === 'assign' || kind === 'configure' || kind === 'destroy'
  return isForOwners && !dice.once(4) ? dice.roll(2) : dice.roll(guests.length)
}

/** What is played for a seed. */
export function scriptOf(seed: number): Step[] {
  const dice = new Dice(seed)
  const script: Step[] = openingOf(dice)
  for (let act = 0; act < ACTS; act++) {
    // How much is under way at once is different from act to act.
    const haste = dice.pick([1, 3, 10, 40])
    const pause = () => (dice.once(haste) ? dice.roll(8) : 0)
    for (let count = 0; count < STEPS_OF_ACT; count++) {
      const deed = deedOf(dice)
      const who = doerOf(dice, deed)
      const room = dice.once(4) ? dice.roll(ROOMS) : 0
      if (dice.once(60)) script.push({ kind: 'cut', who, pause: pause() })
      script.push({ kind: 'deed', who, room, deed, pause: pause() })
      // Some say much at once.
      for (let more = deed.kind === 'say' && dice.once(3) ? dice.roll(5) : 0; more > 0; more--)
        script.push({ kind: 'deed', who, room, deed: { kind: dice.pick(['nudge', 'say']) }, pause: 0 })
      const isToOpen = deed.kind === 'appear' && deed.withX && dice.once(2)
      if (isToOpen) script.push({ kind: 'deed', who, room, deed: { kind: 'configure', settings: {} }, pause: pause() })
    }
    script.push({ kind: 'rest' })
  }
  return script
}

/** A server for plays, and whether its database takes its time: not while clients connect, which is never the same twice. */
interface Stage {
  readonly bed: Bed
  isSlow: boolean
}

/** Opens a server without limits on how much one does, whose database takes its time as the dice say. */
async function openStage(dice: Dice): Promise<Stage> {
  const off = { rooms: 0, entered: 0, entries: 0, messages: 0, presences: 0, nicks: 0 }
  const wait = async () => {
    if (!stage.isSlow) return
    for (let turns = dice.once(2) ? dice.roll(12) : 0; turns > 0; turns--) await setImmediate()
  }
  const hasOwnArchive = dice.once(2)
  const modules = { muc: { limits: off }, ...(hasOwnArchive && { 'muc-archive': { enabled: false } }) }
  const extra = hasOwnArchive ? [slowArchive(wait)] : []
  const bed = await openBed({ server: { admins: ['root@localhost'] }, modules, extra })
  const stage: Stage = { bed, isSlow: false }
  const client = bed.database.knex.client as { acquireConnection(): Promise<unknown> }
  const acquire = client.acquireConnection.bind(client)
  client.acquireConnection = async () => {
    await wait()
    return await acquire()
  }
  return stage
}

/** How much of what was sent and heard last is told of a failure, and of each line of it; of the server's own errors, too. */
const LINES = 25
const ERRORS = 5
const LINE_LENGTH = 300
/** How many lines of what is wrong are told, and how many steps. */
const WRONG_LINES = 12
const STEPS = 40

/** What is wrong, with what came before it, and the step of the script that was under way. */
class PlayError extends Error {
  readonly step: number

  constructor(play: RoomPlay, errors: readonly string[], cause: unknown, step: number) {
    const { message, stack = '' } = rootOf(cause)
    const place = stack.split('\n').filter((line) => line.startsWith('    at ') && !line.includes('node:'))
    const wrong = cause instanceof Error ? cause.message : message
    const told = [...cutOff(wrong.trimEnd().split('\n'), WRONG_LINES), ...place.slice(0, 3)]
    super([...told, `The last of ${play.log.length} stanzas:`, ...play.log.slice(-LINES).map(short)].join('\n'))
    if (errors.length > 0) this.message += `\nErrors of the server:\n${errors.slice(-ERRORS).map(short).join('\n')}`
    this.step = step
  }
}

function rootOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

function short(line: string): string {
  const text = line.replaceAll(/<x xmlns=(["'])jabber:x:data\1.*?<\/x>/g, '<x xmlns="jabber:x:data">…</x>')
  return text.length > LINE_LENGTH ? `${text.slice(0, LINE_LENGTH)}…` : text
}

function cutOff(lines: readonly string[], most: number): string[] {
  const shown = lines.slice(0, most).map(short)
  return lines.length > most ? [...shown, `… and ${lines.length - most} more`] : shown
}

/** Plays what is written; throws a {@link PlayError} at the first thing that is wrong. */
export async function perform(seed: number, script: readonly Step[]): Promise<RoomPlay> {
  const stage = await openStage(new Dice(seed))
  const { bed } = stage
  const play = new RoomPlay(bed, guests, ROOMS)
  const connects = async () => {
    stage.isSlow = false
    await play.connects()
    stage.isSlow = true
  }
  // A database that has been busy for long lets others have their turn: that must not depend on the machine.
  const { now } = systemClock
  systemClock.now = () => bed.clock.now()
  let at = 0
  try {
    await play.begin()
    await connects()
    for (const step of script) {
      if (step.kind === 'rest') {
        await play.rests()
        await connects()
      } else if (step.kind === 'cut') play.cuts(step.who)
      else play.does(step.who, step.room, step.deed)
      if (step.kind !== 'rest') for (let turns = step.pause; turns > 0; turns--) await setImmediate()
      at++
    }
    await play.rests()
    return play
  } catch (error) {
    throw new PlayError(play, bed.errors, error, at)
  } finally {
    systemClock.now = now
    await play.end().finally(() => bed.close())
  }
}

/** What is left of a script that fails when all is taken out without which it fails still, and how it fails; after `ms` at most. */
async function shrunk(
  seed: number,
  script: readonly Step[],
  first: PlayError,
  ms: number,
): Promise<[left: readonly Step[], error: PlayError]> {
  const until = performance.now() + ms
  let left = script
  let failure = first
  const fails = async (steps: readonly Step[]): Promise<boolean> => {
    try {
      await perform(seed, steps)
      return false
    } catch (error) {
      if (!(error instanceof PlayError)) throw error
      left = steps
      failure = error
      return true
    }
  }
  // What was to come after it is not needed.
  await fails(script.slice(0, first.step + 1))
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < left.length; ) {
      if (performance.now() > until) return [left, failure]
      if (!(await fails([...left.slice(0, at), ...left.slice(at + size)]))) at += size
    }
  return [left, failure]
}

/** How long a script that fails is shrunk. */
const SHRINK_MS = 20_000

/** What has happened in some plays. */
export interface Tally {
  plays: number
  accepted: number
  refused: number
}

/** Plays for a number of seeds or until a time; throws, naming the seed, when something is wrong. */
export async function run(first: number, goOn: (plays: number) => boolean): Promise<Tally> {
  const tally: Tally = { plays: 0, accepted: 0, refused: 0 }
  for (; goOn(tally.plays); tally.plays++) {
    const seed = (first + tally.plays) >>> 0
    const script = scriptOf(seed)
    try {
      const { accepted, refused } = await perform(seed, script)
      tally.accepted += accepted
      tally.refused += refused
    } catch (error) {
      if (!(error instanceof PlayError)) throw error
      const [left, { message }] = await shrunk(seed, script, error, SHRINK_MS)
      const again = `Play it again: node test/fuzz/rooms.ts 1 ${seed}`
      const steps = cutOff(
        left.map((step) => JSON.stringify(step)),
        STEPS,
      )
      throw new Error(
        [`seed ${seed}: ${message}`, again, `${left.length} of ${script.length} steps:`, ...steps].join('\n'),
      )
    }
  }
  return tally
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const seconds = Number(process.argv[2] ?? 60)
  const seed = Number(process.argv[3] ?? process.hrtime.bigint() % 4_294_967_296n)
  console.log(`rooms for ${seconds} s, from seed ${seed}`)
  const until = performance.now() + seconds * 1000
  try {
    const { plays, accepted, refused } = await run(seed, () => performance.now() < until)
    console.log(`${plays} plays: ${accepted} deeds done, ${refused} refused`)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
