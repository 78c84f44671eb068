import { type Element, type Jid, parseDocument, StanzaError } from '#api'
import type { PepApi } from '../pep/index.ts'
import type { Publishing } from '../pubsub/hooks.ts'
import { infosOf, NS_DATA, NS_METADATA } from './metadata.ts'
import { type PictureLimits, readPicture } from './picture.ts'

/** Most forms of a picture in one item of metadata: each is compared with the picture. */
const MAX_FORMS = 20

/** Lets only pictures be published, with metadata that are true of them. */
export class Checks {
  readonly #pep: PepApi
  readonly #limits: PictureLimits

  constructor(pep: PepApi, limits: PictureLimits) {
    this.#pep = pep
    this.#limits = limits
  }

  /** @throws StanzaError `not-acceptable` that says what is wrong. */
  check({ service, node, id, payload }: Publishing): void | Promise<void> {
    if (node === NS_DATA) this.#checkData(id, payload)
    else if (node === NS_METADATA) return this.#checkMetadata(service, payload)
  }

  #checkData(id: string, payload: Element | undefined): void {
    if (payload === undefined || !payload.is('data', NS_DATA))
      throw new StanzaError('not-acceptable', 'A picture is published as <data/> of its own namespace.')
    const picture = readPicture(payload.getText(), this.#limits)
    // XEP-0084 §3.1
    if (picture.id !== id)
      throw new StanzaError('not-acceptable', `The id of the item has to be the SHA-1 of the picture: ${picture.id}.`)
  }

  async #checkMetadata(account: Jid, payload: Element | undefined): Promise<void> {
    if (payload === undefined || !payload.is('metadata', NS_METADATA))
      throw new StanzaError('not-acceptable', 'What is told of a picture is <metadata/> of its own namespace.')
    const inline = infosOf(payload).filter(({ url }) => url === '')
    if (inline.length === 0) return
    if (inline.length > MAX_FORMS)
      throw new StanzaError('not-acceptable', `A picture is published in at most ${MAX_FORMS} forms.`)
    let isThere = false
    for (const { id, bytes, type } of inline) {
      const item = await this.#pep.item(account, NS_DATA, id)
      if (item === undefined) continue
      isThere = true
      const picture = readPicture(parseDocument(item.payload).getText(), { maxSize: 0, maxSide: 0 })
      if (bytes !== String(picture.bytes))
        throw new StanzaError('not-acceptable', `The picture ${id} has ${picture.bytes} bytes.`)
      if (type !== picture.type) throw new StanzaError('not-acceptable', `The picture ${id} is ${picture.type}.`)
    }
    // XEP-0084 §3.2: "the publisher MUST make sure that the avatar data is available".
    if (!isThere) throw new StanzaError('not-acceptable', `The picture has to be published at ${NS_DATA} first.`)
  }
}
