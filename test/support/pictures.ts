import { createHash } from 'node:crypto'
import { request } from './pep.ts'
import { PUBLISH_OPTIONS, submission } from './pubsub.ts'
import type { Actor } from './story.ts'

export const DATA = 'urn:xmpp:avatar:data'
export const METADATA = 'urn:xmpp:avatar:metadata'
export const UPDATE = 'vcard-temp:x:update'

/** A picture, as far as a server looks at it. */
export interface TestPicture {
  readonly octets: Buffer
  readonly type: string
  readonly id: string
  readonly base64: string
}

export const pictureOf = (type: string, octets: Buffer): TestPicture => {
  const id = createHash('sha1').update(octets).digest('hex')
  return { octets, type, id, base64: octets.toString('base64') }
}

/** A PNG of some size whose content is `seed`. */
export function png(seed: string, width = 64, height = 64): TestPicture {
  const header = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\0\x08\x06\0\0\0', 'latin1')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return pictureOf('image/png', Buffer.concat([header, Buffer.from(seed)]))
}

/** A JPEG of some size. */
export function jpeg(seed: string, width = 64, height = 48): TestPicture {
  const header = Buffer.from('ffd8ffe000104a46494600010100000100010000ffc0001108003000400301', 'hex')
  header.writeUInt16BE(height, 25)
  header.writeUInt16BE(width, 27)
  return pictureOf('image/jpeg', Buffer.concat([header, Buffer.from(seed)]))
}

export const dataItem = ({ id, base64 }: TestPicture): string =>
  `<item id='${id}'><data xmlns='${DATA}'>${base64}</data></item>`

export const info = ({ id, octets, type }: TestPicture): string =>
  `<info id='${id}' bytes='${octets.length}' type='${type}'/>`

/** The item that tells of a picture, or of none. */
export const metadataItem = (picture?: TestPicture): string =>
  `<item id='${picture?.id ?? 'none'}'><metadata xmlns='${METADATA}'>${picture ? info(picture) : ''}</metadata></item>`

/** A request to publish an item of one's own. */
export const publishing = (node: string, item: string, access?: string): string => {
  const options = access && submission(PUBLISH_OPTIONS, { access_model: access })
  const form = options ? `<publish-options>${options}</publish-options>` : ''
  return request('set', `<publish node='${node}'>${item}</publish>${form}`)
}

/** Publishes a picture, or that there is none, the way of XEP-0084. */
export async function showsPicture(actor: Actor, picture?: TestPicture, access?: string): Promise<void> {
  if (picture !== undefined) await actor.asks`${publishing(DATA, dataItem(picture), access)}`
  await actor.asks`${publishing(METADATA, metadataItem(picture), access)}`
}

export const photo = ({ type, base64 }: TestPicture): string =>
  `<PHOTO><TYPE>${type}</TYPE><BINVAL>${base64}</BINVAL></PHOTO>`

export const update = (hash: string): string =>
  `<x xmlns='${UPDATE}'>${hash === '' ? '<photo/>' : `<photo>${hash}</photo>`}</x>`
