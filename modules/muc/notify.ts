/** Of what a member wants to be told while not in a room (XEP-0492 §2.1). */
export type NotifyChoice = 'always' | 'never' | 'on-mention'

/** The field of the registration (XEP-0045 §7.10) in which it says so; named as XEP-0068 §3.4 wants. */
export const NOTIFY_FIELD = '{urn:xmpp:notification-settings:1}notify'

export function isChoice(text: unknown): text is NotifyChoice {
  return text === 'always' || text === 'never' || text === 'on-mention'
}
