import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import type { RoomService } from '../service.ts'

/** Who may create rooms (XEP-0045 §10.1.1). */
export function creation({ settings, host, isAdmin }: Pick<RoomService, 'host' | 'isAdmin' | 'settings'>): RoomAspect {
  return {
    name: 'creation',
    entering({ creates, from }) {
      if (!creates || settings.creation === 'anyone' || isAdmin(from)) return
      if (settings.creation === 'local' && host.serves(from.domain) && !host.isGuest(from)) return
      // §7.2: whoever may not create a room is told so.
      throw new StanzaError('not-allowed', 'You cannot create rooms here.')
    },
  }
}
