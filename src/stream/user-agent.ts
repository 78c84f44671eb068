import type { UserAgent } from '../session/login.ts'
import type { Element } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Characters kept of a name. */
const MAX_NAME = 100

/** What a client says of itself in `<authenticate/>` (XEP-0388 §2.3); an id that is no UUID is none. */
export function readUserAgent(authenticate: Element): UserAgent {
  const element = authenticate.getChild('user-agent', NS.sasl2)
  const id = element?.attrs['id']?.toLowerCase()
  const software = readName(element, 'software')
  const device = readName(element, 'device')
  return {
    ...(id !== undefined && uuid.test(id) && { id }),
    ...(software !== undefined && { software }),
    ...(device !== undefined && { device }),
  }
}

function readName(element: Element | undefined, name: string): string | undefined {
  const text = element?.getChildText(name, NS.sasl2)?.replaceAll(/\s+/g, ' ').trim() ?? ''
  return text === '' ? undefined : [...text].slice(0, MAX_NAME).join('')
}
