import { delayElement, type Element, xml } from '#api'
import { type NamedAbsentee, namedAbsentees } from '../absent.ts'
import type { RoomAspect, Speech } from '../hooks.ts'
import { NOTIFY_FIELD } from '../notify.ts'
import { readdressed } from '../room.ts'
import { flagSetting } from '../setting.ts'

const NS_MENTIONS = 'urn:xmpp:mmn:0'
const NS_FORWARD = 'urn:xmpp:forward:0'

/** XEP-0452 §3.1 */
export const forwardMentions = flagSetting(
  'forwardMentions',
  'muc#roomconfig_forwardmentions',
  'Messages are forwarded to members who are mentioned and not there',
  false,
)

/** Members who are mentioned while they are away get the message, if a nick is reserved for them (XEP-0452). */
export const mentionNotification: RoomAspect = {
  name: 'mention-notification',
  settings: [forwardMentions],
  forbidden: [`mentions ${NS_MENTIONS}`],
  features: (room) => (room.get(forwardMentions) ? [NS_MENTIONS] : []),
  said(speech) {
    const { room } = speech
    if (!room.get(forwardMentions)) return
    const { clock, log } = room.service
    const ms = clock.now()
    forward(speech, ms)?.catch((err) => log.warn({ err, room: room.address }, 'mentions were not forwarded'))
  },
}

function forward(speech: Speech, ms: number): Promise<void> | undefined {
  return namedAbsentees(speech)?.then((absentees) => {
    for (const absentee of absentees)
      if (isForwarded(absentee)) speech.room.service.host.route(forwarded(speech, absentee.record.jid, ms))
  })
}

/** Whether a room that forwards mentions does so for somebody: it "opts in" by its nick (XEP-0452 §2), and has not opted out. */
export function isForwarded({ record, isMentioned }: NamedAbsentee): boolean {
  return isMentioned && record.nick !== undefined && record.registration?.[NOTIFY_FIELD] !== 'never'
}

/** XEP-0452 §3.2: the message as all have got it, with what the room has added. */
function forwarded({ room, stanza }: Speech, to: string, ms: number): Element {
  const copy = readdressed(stanza, room.address)
  copy.attrs['xmlns'] = 'jabber:client'
  const forward = xml('forwarded', { xmlns: NS_FORWARD }, delayElement(room.address, ms), copy)
  return xml('message', { from: room.address, to }, xml('mentions', { xmlns: NS_MENTIONS }, forward))
}
