import { StanzaError } from '#api'
import type { Entry, RoomAspect } from '../hooks.ts'
import { isAtLeast } from '../roles.ts'
import type { RoomService } from '../service.ts'
import { type Setting, unacceptable } from '../setting.ts'

const NAME = 'muc#roomconfig_maxusers'
/** What the form offers; other numbers are taken as well. */
const OFFERS = [10, 20, 30, 50, 100, 200, 500, 1000]
/** Owners and admins come in past the bound, but no more than so many in all (XEP-0045 §7.2.9). */
const RESERVE = 50

/** How many occupants a room may have; 0 for as many as the service lets it have. */
export const maxUsers: Setting<number> = {
  key: 'maxUsers',
  field: {
    var: NAME,
    type: 'list-single',
    label: 'Most occupants',
    options: [
      ...OFFERS.map((offer) => ({ label: String(offer), value: String(offer) })),
      { label: 'As many as like', value: 'none' },
    ],
  },
  initial: 0,
  read([text = '', ...more]) {
    if (more.length > 0) throw unacceptable(`${NAME} takes one value.`)
    if (text === 'none' || text === '') return 0
    if (!/^[1-9]\d{0,5}$/.test(text)) throw unacceptable(`${NAME} is a number or none.`)
    return Number(text)
  },
  write: (value) => [value === 0 ? 'none' : String(value)],
}

/** Rooms that are full (XEP-0045 §7.2.9). */
export function occupancy({ settings }: Pick<RoomService, 'settings'>): RoomAspect {
  return {
    name: 'max-users',
    settings: [maxUsers],
    entering(entry) {
      const { room, affiliation } = entry
      if (!isAddition(entry)) return
      const own = room.get(maxUsers)
      const most = settings.limits.occupants
      const bound = own === 0 ? most : most === 0 ? own : Math.min(own, most)
      const reserve = isAtLeast(affiliation, 'admin') ? RESERVE : 0
      if (bound !== 0 && room.occupants.size >= bound + reserve)
        throw new StanzaError('service-unavailable', 'This room is full.', { type: 'wait' })
    },
  }
}

/** Whether there would be an occupant more: not when a client joins another of the same account, or only changes its nick. */
function isAddition({ room, nick, seat }: Entry): boolean {
  return !room.occupants.has(nick) && seat?.occupant.seats.length !== 1
}
