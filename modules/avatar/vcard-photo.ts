import { type Element, type Jid, parseDocument, xml } from '#api'
import type { PepApi } from '../pep/index.ts'
import type { VcardSetting, VcardShowing } from '../vcard/hooks.ts'
import { NS_VCARD } from '../vcard/index.ts'
import type { Avatars } from './avatars.ts'
import { metadataOf, NS_DATA, NS_METADATA } from './metadata.ts'
import { type PictureLimits, readHeader, readPicture } from './picture.ts'

/** The picture of an account in its vCard: kept at the nodes of XEP-0084 alone (XEP-0398 §3). */
export class VcardPhoto {
  readonly #pep: PepApi
  readonly #avatars: Avatars
  readonly #limits: PictureLimits

  constructor(pep: PepApi, avatars: Avatars, limits: PictureLimits) {
    this.#pep = pep
    this.#avatars = avatars
    this.#limits = limits
  }

  /**
   * Publishes the picture of a vCard that is set, unless it is published, and takes it out; a card without one is that of
   * an account without one (XEP-0398 §3.2).
   *
   * @throws StanzaError `not-acceptable` for what is no picture.
   */
  async take({ account, card }: VcardSetting): Promise<void> {
    const [first, ...others] = card.getChildren('PHOTO', NS_VCARD).filter((photo) => binaryIn(photo) !== '')
    for (const photo of others) readPicture(binaryIn(photo), this.#limits)
    const picture = first && readPicture(binaryIn(first), this.#limits)
    if (first !== undefined) card.children = card.children.filter((child) => child !== first)
    const { hash } = await this.#avatars.of(account)
    if (hash === (picture?.id ?? '')) return
    // As anybody can read a vCard, so the nodes when they are new.
    const config = { access_model: 'open' }
    if (picture !== undefined) {
      const data = xml('data', { xmlns: NS_DATA }, binaryIn(first!))
      await this.#pep.publish(account, NS_DATA, [{ id: picture.id, payload: data }], config)
    }
    const id = picture?.id ?? ''
    await this.#pep.publish(account, NS_METADATA, [{ id, payload: metadataOf(picture) }], config)
    if (picture === undefined) await this.#pep.retract(account, NS_DATA, [hash])
  }

  /** Puts the picture into a vCard for whoever may read both nodes (XEP-0398 §5.2, §8). */
  async show({ account, asker, card }: VcardShowing): Promise<void> {
    if (asker === undefined) return
    const { hash } = await this.#avatars.of(account)
    if (hash === '' || !(await this.#mayRead(account, asker))) return
    const item = await this.#pep.item(account, NS_DATA, hash)
    if (item === undefined || item.payload === '') return
    const base64 = parseDocument(item.payload).getText().trim()
    const type = readHeader(Buffer.from(base64, 'base64'))?.type
    card.append(xml('PHOTO', null, xml('TYPE', null, type ?? 'image/png'), xml('BINVAL', null, base64)))
  }

  async #mayRead(account: Jid, asker: Jid): Promise<boolean> {
    return (await this.#pep.mayRead(account, NS_METADATA, asker)) && (await this.#pep.mayRead(account, NS_DATA, asker))
  }
}

function binaryIn(photo: Element): string {
  return photo.getChildText('BINVAL', NS_VCARD)?.trim() ?? ''
}
