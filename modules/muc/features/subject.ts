import { StanzaError } from '#api'
import type { RoomAspect } from '../hooks.ts'
import { flagSetting } from '../setting.ts'

/** Whether all who may speak may change the subject (XEP-0045 §8.1). */
export const changeSubject = flagSetting(
  'changeSubject',
  'muc#roomconfig_changesubject',
  'All who may speak may change the subject',
  false,
)

/** Who may change the subject, and what it is. */
export const subject: RoomAspect = {
  name: 'subject',
  settings: [changeSubject],
  info(room, isInside) {
    const mayChange = room.get(changeSubject) ? '1' : '0'
    const fields = [
      { var: 'muc#roominfo_subjectmod', label: 'The subject can be changed by all who may speak', values: [mayChange] },
    ]
    if (!isInside) return fields
    return [{ var: 'muc#roominfo_subject', label: 'Subject', values: [room.subject?.text ?? ''] }, ...fields]
  },
  // XEP-0045 §8.1
  speaking({ room, occupant, isSubject }) {
    if (isSubject && occupant.role !== 'moderator' && !room.get(changeSubject))
      throw new StanzaError('forbidden', 'Only moderators change the subject of this room.')
  },
}
