import type { Element } from '#api'
import { NS_STORAGE } from './bookmark.ts'

/** Of what somebody wants to be told while away from a room (XEP-0492 §2.1). */
export type NotifyChoice = 'always' | 'never' | 'on-mention'

const NS_NOTIFY = 'urn:xmpp:notification-settings:1'
const CHOICES: readonly string[] = ['always', 'never', 'on-mention'] satisfies NotifyChoice[]

/** The choices in an older form, by the address of the room. */
export function choicesIn(storage: Element): Map<string, NotifyChoice> {
  const choices = new Map<string, NotifyChoice>()
  for (const conference of storage.getChildren('conference', NS_STORAGE)) {
    const notify = conference.getChild('extensions', NS_STORAGE)?.getChild('notify', NS_NOTIFY)
    const choice = notify && choiceIn(notify)
    if (choice !== undefined) choices.set(conference.attrs['jid']!, choice)
  }
  return choices
}

/** XEP-0492 §3: what is most specific; what the server wakes are phones. */
export function choiceIn(notify: Element): NotifyChoice | undefined {
  const settings = notify.getChildElements().filter(({ name }) => CHOICES.includes(name))
  const of = (category: string | undefined, type: string | undefined) =>
    settings.find(({ attrs }) => attrs['identity-category'] === category && attrs['identity-type'] === type)
  const setting = of('client', 'phone') ?? of('client', undefined) ?? of(undefined, undefined)
  return setting?.name as NotifyChoice | undefined
}
