import { type Entry, possible, start, versions } from './contender.ts'
import { named } from './conversation.ts'
import { Load } from './load.ts'
import { settledKiB } from './process-figures.ts'
import { type PartReport, type Row, round } from './report.ts'
import { roomService } from './server-kind.ts'

/** Rooms that are opened and given up before anything is measured. */
const warmUpRooms = 2_000
const features = { archive: true, rooms: true }
/** The goal for a room at rest, in KiB. */
const goalKiB = 4

/** How rooms at rest are measured. */
export interface IdleRoomsSettings {
  readonly rooms: number
  /** Accounts among which the rooms are divided. */
  readonly accounts: number
  /** Longest time to wait for memory to come to rest. */
  readonly settleSeconds: number
}

interface Finding {
  readonly emptyKiB: number
  readonly residentKiB: number
  /** What live memory grew by, where that can be said. */
  readonly liveKiB: number | undefined
  readonly version: string
}

/** Measures what rooms at rest add to the memory of each server: those with one occupant, and persistent ones with none. */
export async function measureIdleRooms(entries: readonly Entry[], settings: IdleRoomsSettings): Promise<PartReport> {
  const rows: Row[] = []
  const servers = new Set<string>()
  const found = possible(entries, features)
  for (const occupied of [true, false]) {
    for (const entry of found) {
      const { emptyKiB, residentKiB, liveKiB, version } = await measure(entry, occupied, settings)
      const each = (residentKiB - emptyKiB) / settings.rooms
      const live = liveKiB === undefined ? undefined : liveKiB / settings.rooms
      servers.add(version)
      rows.push({
        server: entry.kind.name,
        storage: entry.onMariadb ? 'MariaDB' : entry.kind.ownStorage,
        rooms: occupied ? 'one occupant' : 'persistent, empty',
        count: settings.rooms,
        'KiB/room': round(each, 2),
        'live KiB/room': live === undefined ? '' : round(live, 2),
        'RSS empty MiB': round(emptyKiB / 1024, 1),
        'RSS MiB': round(residentKiB / 1024, 1),
        goal: live === undefined ? '' : `live < ${goalKiB} KiB: ${live < goalKiB ? 'met' : 'missed'}`,
      })
    }
  }
  return { part: 'rooms-idle', settings: { ...settings, warmUpRooms, features, servers: [...servers] }, rows }
}

async function measure(entry: Entry, occupied: boolean, settings: IdleRoomsSettings): Promise<Finding> {
  const { rooms, accounts, settleSeconds } = settings
  const contender = await start(entry, accounts, features)
  const { server } = contender
  const load = new Load()
  const open = (prefix: string, count: number, persistent: boolean, leave: boolean) =>
    load.openRooms({ service: roomService, prefix, each: Math.ceil(count / accounts), persistent, leave })
  try {
    return await named(contender, async () => {
      await load.open(server.target(false), accounts, accounts)
      await open('warm', Math.min(rooms, warmUpRooms), false, true)
      const live = await server.launch.liveKiB?.(server.pid)
      const emptyKiB = await settledKiB(server.pid, settleSeconds)
      await open('r', rooms, !occupied, !occupied)
      const liveKiB = live === undefined ? undefined : (await server.launch.liveKiB!(server.pid)) - live
      const residentKiB = await settledKiB(server.pid, settleSeconds)
      return { emptyKiB, residentKiB, liveKiB, version: versions([contender])[0]! }
    })
  } finally {
    load.stop()
    await contender.stop()
  }
}
