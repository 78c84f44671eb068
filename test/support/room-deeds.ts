import { FORM, MUC, MUC_ADMIN, MUC_OWNER, submission } from './room.ts'
import type { Deed, Settings } from './room-model.ts'

const CHAT_STATES = 'http://jabber.org/protocol/chatstates'

/** The name of the field of each setting. */
const fields: Readonly<Record<keyof Settings, string>> = {
  moderated: 'moderatedroom',
  membersonly: 'membersonly',
  persistentroom: 'persistentroom',
  whois: 'whois',
}

/** The stanza by which somebody, who has this nick there or none, does something in a room. */
export function stanzaOf(id: string, room: string, deed: Deed, nick: string): string {
  const iq = (xmlns: string, payload: string) =>
    `<iq type='set' id='${id}' to='${room}'><query xmlns='${xmlns}'>${payload}</query></iq>`
  const item = (attributes: string) => iq(MUC_ADMIN, `<item ${attributes}><reason>${id}</reason></item>`)
  switch (deed.kind) {
    case 'appear': {
      const x = deed.withX ? `<x xmlns='${MUC}'/>` : ''
      return `<presence id='${id}' to='${room}/${deed.nick}'>${x}<status>${id}</status></presence>`
    }
    case 'leave':
      return `<presence id='${id}' type='unavailable' to='${room}/${nick || 'nobody'}'/>`
    case 'nudge':
      return `<message type='groupchat' id='${id}' to='${room}'><active xmlns='${CHAT_STATES}'/></message>`
    case 'say':
      return `<message type='groupchat' id='${id}' to='${room}'><body>${id}</body></message>`
    case 'subject':
      return `<message type='groupchat' id='${id}' to='${room}'><subject>${id}</subject></message>`
    case 'whisper':
      return `<message type='chat' id='${id}' to='${room}/${deed.nick}'><body>${id}</body></message>`
    case 'assign':
      return item(`nick='${deed.nick}' role='${deed.role}'`)
    case 'affiliate':
      return item(`jid='${deed.account}' affiliation='${deed.affiliation}'`)
    case 'configure':
      return iq(MUC_OWNER, formOf(deed.settings))
    case 'destroy':
      return iq(MUC_OWNER, `<destroy><reason>${id}</reason></destroy>`)
  }
}

function formOf(settings: Partial<Settings>): string {
  const values = Object.entries(settings).map(([key, value]): [string, string | boolean] => [
    fields[key as keyof Settings],
    key === 'whois' ? (value ? 'anyone' : 'moderators') : value,
  ])
  // XEP-0045 §10.1.2
  if (values.length === 0) return `<x xmlns='${FORM}' type='submit'/>`
  return submission(`${MUC}#roomconfig`, Object.fromEntries(values))
}
