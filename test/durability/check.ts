import type { Lane } from './lane.ts'

/** What can be wrong with the messages of a conversation. */
export type Wrong =
  | 'lost'
  | 'doubled'
  | 'reordered'
  | 'changed'
  /** In the archive of one side only. */
  | 'halved'
  /** The id seen live is not the archive's. */
  | 'renamed'
  /** Nobody sent it, or it does not belong there. */
  | 'strange'
  /** A rule of a protocol was broken, or something took too long. */
  | 'broken'

/** One thing that is wrong. */
export interface Fault {
  readonly wrong: Wrong
  readonly where: string
}

/** A message found in an archive; `lane` is `undefined` when nobody here sent it. */
export interface Kept {
  readonly archiveId: string
  readonly lane: Lane | undefined
  readonly n: number
  readonly body: string
}

/** A conversation: both directions, and the archive of the account that each is sent by, oldest first. */
export interface Conversation {
  readonly lanes: readonly [Lane, Lane]
  readonly archives: readonly [readonly Kept[], readonly Kept[]]
}

/**
 * What is wrong with the archives of two accounts that talk to each other only: all that was acknowledged or seen must be
 * in both, nothing twice, in the order sent, unchanged, in both in one order, under the id that was seen live.
 */
export function checkArchives({ lanes, archives }: Conversation): Fault[] {
  const faults: Fault[] = []
  lanes.forEach((own, side) => {
    const archive = archives[side]!
    for (const { lane, n, archiveId } of archive)
      if (lane === undefined || !lanes.includes(lane))
        faults.push({ wrong: 'strange', where: `${archiveId} in the archive of ${own.from}` })
      else if (n >= lane.sent) faults.push({ wrong: 'strange', where: `${lane.name}-${n}, not sent yet` })
    for (const lane of lanes) faults.push(...checkLane(lane, own.from, archive))
  })
  return [...faults, ...checkOneOrder(lanes, archives)]
}

function checkLane(lane: Lane, owner: string, archive: readonly Kept[]): Fault[] {
  const faults: Fault[] = []
  const where = (n: number) => `${lane.name}-${n} in the archive of ${owner}`
  const kept = archive.filter((one) => one.lane === lane)
  const there = new Set(kept.map(({ n }) => n))
  for (const n of new Set([...lane.acknowledged, ...lane.seen]))
    if (!there.has(n)) faults.push({ wrong: 'lost', where: where(n) })
  faults.push(
    ...checkSequence(
      kept.map(({ n }) => n),
      where,
    ),
  )
  for (const { n, body, archiveId } of kept) {
    if (body !== lane.body(n)) faults.push({ wrong: 'changed', where: where(n) })
    const live = lane.stanzaIds.get(n)
    if (owner === lane.to && live !== undefined && live !== archiveId)
      faults.push({ wrong: 'renamed', where: `${where(n)}: ${archiveId}, seen as ${live}` })
  }
  return faults
}

/** Whether numbers come once each and grow. */
function checkSequence(numbers: readonly number[], where: (n: number) => string): Fault[] {
  const faults: Fault[] = []
  const before = new Set<number>()
  let highest = -1
  for (const n of numbers) {
    if (before.has(n)) faults.push({ wrong: 'doubled', where: where(n) })
    else if (n < highest) faults.push({ wrong: 'reordered', where: `${where(n)} after ${highest}` })
    before.add(n)
    highest = Math.max(highest, n)
  }
  return faults
}

function checkOneOrder(lanes: readonly [Lane, Lane], archives: Conversation['archives']): Fault[] {
  const names = archives.map((archive) => archive.map(({ lane, n }) => `${lane?.name}-${n}`))
  const [one, other] = [new Set(names[0]), new Set(names[1])]
  const faults: Fault[] = [
    ...names[0]!.filter((name) => !other.has(name)).map((name) => `${name} is only in the archive of ${lanes[0].from}`),
    ...names[1]!.filter((name) => !one.has(name)).map((name) => `${name} is only in the archive of ${lanes[1].from}`),
  ].map((where) => ({ wrong: 'halved', where }))
  const [shared, sharedToo] = [names[0]!.filter((name) => other.has(name)), names[1]!.filter((name) => one.has(name))]
  const at = shared.findIndex((name, i) => name !== sharedToo[i])
  if (at >= 0)
    faults.push({
      wrong: 'reordered',
      where: `${shared[at]} with ${lanes[0].from}, ${sharedToo[at]} with ${lanes[1].from}: the same place`,
    })
  return faults
}

/** What is wrong with what the receiver saw; when `whole`, all that was sent and not refused must have been seen. */
export function checkSeen(lane: Lane, whole: boolean): Fault[] {
  const where = (n: number) => `${lane.name}-${n}, live at ${lane.to}`
  const faults = checkSequence(lane.seen, where)
  const seen = new Set(lane.seen)
  if (whole)
    for (let n = 0; n < lane.sent; n++)
      if (!seen.has(n) && !lane.refused.has(n)) faults.push({ wrong: 'lost', where: where(n) })
  return faults
}

/** Counts the faults of each kind. */
export function tally(faults: readonly Fault[]): Map<Wrong, number> {
  const counts = new Map<Wrong, number>()
  for (const { wrong } of faults) counts.set(wrong, (counts.get(wrong) ?? 0) + 1)
  return counts
}
