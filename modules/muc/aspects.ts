import { anonymity } from './features/anonymity.ts'
import { configuration } from './features/configuration.ts'
import { creation } from './features/creation.ts'
import { identity } from './features/identity.ts'
import { listing } from './features/listing.ts'
import { membership } from './features/members-only.ts'
import { passwords } from './features/password.ts'
import { persistence } from './features/persistence.ts'
import { presenceBroadcasting } from './features/presence-broadcast.ts'
import { voice } from './features/voice.ts'
import type { RoomAspect } from './hooks.ts'
import { ownPayload } from './joining.ts'
import type { RoomService } from './service.ts'

/**
 * The capabilities of the rooms of a service. The order is that of the fields of the configuration form, and that in which
 * an entry is looked at.
 */
export function aspectsOf(service: RoomService): readonly RoomAspect[] {
  return [
    { name: 'core', forbidden: ownPayload },
    creation(service),
    identity,
    persistence,
    listing,
    membership,
    passwords,
    voice,
    anonymity,
    presenceBroadcasting,
    configuration,
  ]
}
