import type { AdHoc } from '../ad-hoc/index.ts'
import { activity } from './features/activity.ts'
import { administration } from './features/administration.ts'
import { affiliationLists } from './features/affiliation-lists.ts'
import { affiliationVersions } from './features/affiliation-versions.ts'
import { anonymity } from './features/anonymity.ts'
import { away, type Outlets } from './features/away.ts'
import { channelSearch } from './features/channel-search.ts'
import { configuration } from './features/configuration.ts'
import { creation } from './features/creation.ts'
import { delays } from './features/delays.ts'
import { discovery } from './features/discovery.ts'
import { hats } from './features/hats.ts'
import { identity } from './features/identity.ts'
import { invitations } from './features/invitations.ts'
import { limits } from './features/limits.ts'
import { listing } from './features/listing.ts'
import { occupancy } from './features/max-users.ts'
import { membership } from './features/members-only.ts'
import { mentionNotification } from './features/mention-notification.ts'
import { moderation } from './features/moderation.ts'
import { nicks } from './features/nicks.ts'
import { passwords } from './features/password.ts'
import { persistence } from './features/persistence.ts'
import { presenceBroadcasting } from './features/presence-broadcast.ts'
import { privateMessages } from './features/private-messages.ts'
import { registration } from './features/registration.ts'
import { relaying } from './features/relay.ts'
import { stanzaIds } from './features/stanza-ids.ts'
import { subject } from './features/subject.ts'
import { vcards } from './features/vcard.ts'
import { voice } from './features/voice.ts'
import { voiceRequests } from './features/voice-requests.ts'
import type { RoomAspect } from './hooks.ts'
import { ownPayload } from './joining.ts'
import type { RoomService } from './service.ts'

/**
 * The capabilities of the rooms of a service. The order is that of the fields of the configuration form, and that in which
 * an entry is looked at.
 */
export function aspectsOf(service: RoomService, outlets: Outlets, adHoc: AdHoc | undefined): readonly RoomAspect[] {
  return [
    { name: 'core', forbidden: ownPayload },
    nicks,
    limits(service),
    creation(service),
    identity,
    persistence,
    listing,
    membership,
    passwords,
    occupancy(service),
    voice,
    anonymity,
    presenceBroadcasting,
    delays,
    stanzaIds(service),
    subject,
    privateMessages(service),
    invitations,
    registration,
    discovery(service),
    relaying(service),
    configuration,
    administration,
    affiliationLists,
    affiliationVersions,
    voiceRequests,
    moderation,
    hats(service, adHoc),
    vcards(service),
    channelSearch(service),
    activity(service),
    mentionNotification,
    ...(outlets.push === undefined && outlets.offline === undefined ? [] : [away(outlets)]),
  ]
}
