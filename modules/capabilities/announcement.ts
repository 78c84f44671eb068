import { type Element, ownText } from '#api'
import { bestHash, hashNode, matches, NS_CAPS2 } from './hash-set.ts'
import { type CapsHash, readInfo, verificationString } from './verification.ts'

/** The namespace of announcements (XEP-0115). */
export const NS_CAPS = 'http://jabber.org/protocol/caps'

/** What a client says it can do, by a hash. */
export interface Announcement {
  /** The node at which the client tells what it hashed. */
  readonly node: string
  /** What makes it one of a kind, or `undefined` when others need not mean the same by it. */
  readonly key: string | undefined
  /** Whether the `<query/>` of an answer is what was hashed; `language` is that of the stanza around it. */
  proves(query: Element, language: string | undefined): boolean
}

/** Longest name of a node that is looked at. */
const MAX_NODE = 1000

/** What a presence announces: by XEP-0390 where that can be checked, else by XEP-0115. */
export function readAnnouncement(presence: Pick<Element, 'getChild'>): Announcement | undefined {
  const c2 = presence.getChild('c', NS_CAPS2)
  const hash = c2 && bestHash(c2)
  if (hash !== undefined)
    return {
      node: hashNode(hash),
      key: hashNode(hash),
      proves: (query, language) => matches(query, hash, language),
    }
  const c = presence.getChild('c', NS_CAPS)
  return c && readOld(c.attrs)
}

/** XEP-0115 §4; without a hash it is what came before version 1.4, which nobody can check. */
function readOld({ node, ver, hash }: Element['attrs']): Announcement | undefined {
  if (node === undefined || ver === undefined || ver === '' || node.length + ver.length > MAX_NODE) return undefined
  const name = ownText(`${node}#${ver}`)
  if (!isKnown(hash)) return { node: name, key: undefined, proves: () => false }
  return {
    node: name,
    // The node need not be hashed: two kinds of clients that can do the same are one.
    key: ownText(`${hash} ${ver}`),
    proves(query) {
      const info = readInfo(query)
      return info !== undefined && verificationString(info, hash) === ver
    },
  }
}

function isKnown(hash: string | undefined): hash is CapsHash {
  return hash === 'sha-1' || hash === 'sha-256'
}
