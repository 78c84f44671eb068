import { type Element, xml } from '#api'
import type { Picture } from './picture.ts'

/** The nodes of XEP-0084, and the namespaces of what is published there. */
export const NS_DATA = 'urn:xmpp:avatar:data'
export const NS_METADATA = 'urn:xmpp:avatar:metadata'

/** One form of a picture, as metadata say it; what they do not say is ''. */
export interface Info {
  readonly id: string
  readonly bytes: string
  readonly type: string
  /** Where it is when it is not at the data node. */
  readonly url: string
}

/** The forms in which a picture is published; none stand for no picture (XEP-0084 §3.5). */
export function infosOf(metadata: Element): readonly Info[] {
  return metadata.getChildren('info', NS_METADATA).map(({ attrs }) => ({
    id: attrs['id'] ?? '',
    bytes: attrs['bytes'] ?? '',
    type: attrs['type'] ?? '',
    url: attrs['url'] ?? '',
  }))
}

/** The metadata of one picture at the data node, or of none. */
export function metadataOf(picture: Picture | undefined): Element {
  if (picture === undefined) return xml('metadata', { xmlns: NS_METADATA })
  const { id, bytes, type, width, height } = picture
  return xml(
    'metadata',
    { xmlns: NS_METADATA },
    xml('info', { id, bytes: `${bytes}`, type, width: `${width}`, height: `${height}` }),
  )
}
