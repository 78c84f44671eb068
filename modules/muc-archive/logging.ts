import { flagSetting, type Reconfiguration, type Room } from '../muc/hooks.ts'

/** Whether what is said in the room is kept (XEP-0045 §16.5.3). */
export const logging = flagSetting('logging', 'muc#roomconfig_enablelogging', 'What is said is kept', true)

/** XEP-0045 §7.2.12: whoever enters learns whether it is. */
export function loggingCodes(room: Room): readonly number[] {
  return room.get(logging) ? [170] : []
}

/** XEP-0045 §10.2.1 */
export function tellLogging(change: Reconfiguration): void {
  const now = change.room.get(logging)
  if (now !== change.was(logging)) change.codes.add(now ? 170 : 171)
}
