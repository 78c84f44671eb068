import { type Element, xml } from '#api'
import type { DiscoInfo } from '../disco/hooks.ts'
import { infoElement } from '../disco/index.ts'
import { NS_CAPS } from './announcement.ts'
import { capabilityHash, hashNode, NS_CAPS2, NS_HASHES } from './hash-set.ts'
import { verificationString } from './verification.ts'

/** XEP-0115 §4: a URI that identifies the software. */
const SOFTWARE = 'urn:stonechat:server'
/** XEP-0390 §4.2: the hash functions of the server's own announcement. */
const ANNOUNCED = ['sha-256', 'sha3-256']

/** What the server announces of itself. */
export interface OwnCapabilities {
  /** What was hashed. */
  readonly info: DiscoInfo
  /** The verification string (XEP-0115 §5.1). */
  readonly ver: string
  /** The nodes at which it can be asked for. */
  readonly nodes: ReadonlySet<string>
  /** The announcement by XEP-0115. */
  readonly element: Element
  /** The announcement by XEP-0390. */
  readonly hashSet: Element
}

/** The announcements of what the server is and can do. */
export function ownCapabilities(info: DiscoInfo): OwnCapabilities {
  const ver = verificationString(info)
  const query = infoElement(info)
  const hashes = ANNOUNCED.map((algo) => ({ algo, value: capabilityHash(query, algo)! }))
  return {
    info,
    ver,
    nodes: new Set([`${SOFTWARE}#${ver}`, ...hashes.map(hashNode)]),
    element: xml('c', { xmlns: NS_CAPS, hash: 'sha-1', node: SOFTWARE, ver }),
    hashSet: xml(
      'c',
      { xmlns: NS_CAPS2 },
      ...hashes.map(({ algo, value }) => xml('hash', { xmlns: NS_HASHES, algo }, value)),
    ),
  }
}
