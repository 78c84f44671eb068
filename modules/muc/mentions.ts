import { Jid, type ReadonlyElement } from '#api'

const NS_REFERENCE = 'urn:xmpp:reference:0'
const NS_REPLY = 'urn:xmpp:reply:0'
/** Of each kind at most; who names more names nobody. */
const MAX_NAMED = 20

/** Who is named in a message of a room: real bare JIDs, and nicks. */
export interface Named {
  readonly jids: readonly string[]
  readonly nicks: readonly string[]
}

/** Who is mentioned in so many words (XEP-0372 §3.2): by the account's address, or by that in `room`, a bare JID. */
export function mentionedIn(message: ReadonlyElement, room: string): Named {
  const jids = new Set<string>()
  const nicks = new Set<string>()
  for (const { attrs } of message.getChildren('reference', NS_REFERENCE)) {
    if (attrs['type'] !== 'mention') continue
    const jid = readUri(attrs['uri'])
    if (jid === undefined) continue
    if (jid.bare.toString() !== room) jids.add(jid.bare.toString())
    else if (jid.resource !== '') nicks.add(jid.resource)
  }
  return bounded(jids, nicks)
}

/** Who is meant besides: the author of what is replied to (XEP-0461), and whose nick the text begins with or has behind an `@`. */
export function addressedIn(message: ReadonlyElement, room: string): Named {
  const nicks = new Set<string>()
  const author = readJid(message.getChild('reply', NS_REPLY)?.attrs['to'])
  if (author?.bare.toString() === room && author.resource !== '') nicks.add(author.resource)
  const text = message.getChildText('body') ?? ''
  const first = /^@?([^\s:,][^:,\n]{0,63})[:,](?=\s|$)/u.exec(text)?.[1]
  if (first !== undefined) nicks.add(first)
  for (const [, word] of text.matchAll(/(?<=^|\s)@(\S{1,64})(?=\s|$)/gu)) {
    nicks.add(word!)
    nicks.add(word!.replace(/[.,:;!?)]+$/u, ''))
  }
  nicks.delete('')
  return bounded(new Set(), nicks)
}

function bounded(jids: ReadonlySet<string>, nicks: ReadonlySet<string>): Named {
  const few = (all: ReadonlySet<string>): readonly string[] => (all.size > MAX_NAMED ? [] : [...all])
  return { jids: few(jids), nicks: few(nicks) }
}

/** The address of an `xmpp:` URI (RFC 5122), without what it asks for. */
function readUri(uri: string | undefined): Jid | undefined {
  const path = /^xmpp:([^?#]+)/i.exec(uri ?? '')?.[1]
  try {
    return path === undefined ? undefined : readJid(decodeURIComponent(path))
  } catch {
    return undefined
  }
}

function readJid(text: string | undefined): Jid | undefined {
  try {
    return text === undefined ? undefined : Jid.parse(text)
  } catch {
    return undefined
  }
}
