import { createHash } from 'node:crypto'
import { DATA, dataItem, METADATA, metadataItem, png, type TestPicture } from '../support/pictures.ts'
import { anyOf, type Doer, type Life } from './doer.ts'
import { Possible } from './possible.ts'
import { itemsOf, publish } from './pubsub-requests.ts'

/** XEP-0292 §4.1. */
const VCARD4 = 'urn:xmpp:vcard4'
const NS_VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'

/** What somebody has said; '' for nothing. */
interface Profile {
  /** Ids of pictures at both nodes of XEP-0084. */
  readonly data: string
  readonly metadata: string
  /** In vCard4, and so in vcard-temp. */
  readonly nick: string
  /** In vcard-temp alone. */
  readonly mailer: string
}

/** Somebody who changes picture and vCard, by old and new ways (XEP-0084, XEP-0054, XEP-0292, XEP-0398). */
export class ProfileLife implements Life {
  readonly #doer: Doer
  readonly #state: Possible<Profile>
  #n = 0

  constructor(doer: Doer) {
    this.#doer = doer
    const nothing = { data: '', metadata: '', nick: '', mailer: '' }
    this.#state = new Possible<Profile>(`the profile of ${doer.local}`, nothing)
  }

  async acts(): Promise<void> {
    const picture = png(`${this.#doer.local} ${this.#n++}`)
    await anyOf([
      () => this.#showsItself(picture),
      () => this.#publishes(METADATA, metadataItem(), (now) => ({ ...now, metadata: '' })),
      () => this.#setsVcard(picture),
      () => this.#setsVcard(undefined),
      () => this.#publishesVcard4(`nick ${this.#n}`),
    ])()
  }

  /** First the picture, then that it is there (XEP-0084 §4.2). */
  async #showsItself(picture: TestPicture): Promise<void> {
    await this.#publishes(DATA, dataItem(picture), (now) => ({ ...now, data: picture.id }))
    await this.#publishes(METADATA, metadataItem(picture), (now) => ({ ...now, metadata: picture.id }))
  }

  #publishesVcard4(nick: string): Promise<void> {
    const card = `<vcard xmlns='${NS_VCARD4}'><nickname><text>${nick}</text></nickname></vcard>`
    return this.#publishes(VCARD4, `<item id='current'>${card}</item>`, (now) => ({ ...now, nick }))
  }

  /** The picture and what vCard4 can say go to their nodes first. */
  #setsVcard(picture: TestPicture | undefined): Promise<void> {
    const [nick, mailer] = [`nick ${this.#n}`, `mailer ${this.#n}`]
    const photo = picture && `<PHOTO><TYPE>image/png</TYPE><BINVAL>${picture.base64}</BINVAL></PHOTO>`
    const card = `<vCard xmlns='vcard-temp'><NICKNAME>${nick}</NICKNAME><MAILER>${mailer}</MAILER>${photo ?? ''}</vCard>`
    const id = picture?.id ?? ''
    const had = this.#state.some.metadata
    const pictures: readonly ((now: Profile) => Profile)[] = picture
      ? [(now) => ({ ...now, data: id }), (now) => ({ ...now, metadata: id })]
      : // Where nothing tells of a picture, none is taken away.
        [(now) => ({ ...now, metadata: '' }), (now) => ({ ...now, data: had === '' ? now.data : '' })]
    return this.#doer.tries(
      this.#state,
      () => this.#doer.asks('set', card),
      ...pictures,
      (now) => ({ ...now, nick }),
      (now) => ({ ...now, mailer }),
    )
  }

  #publishes(node: string, item: string, step: (now: Profile) => Profile): Promise<void> {
    return this.#doer.tries(this.#state, () => this.#doer.asks('set', publish(node, item)), step)
  }

  async checks(): Promise<void> {
    const newest = async (node: string) => (await itemsOf(this.#doer, node))?.at(-1)
    const data = await newest(DATA)
    const info = (await newest(METADATA))?.getChild('metadata', METADATA)?.getChild('info')
    const vcard4 = (await newest(VCARD4))?.getChild('vcard', NS_VCARD4)
    const card = await this.#doer.asks('get', `<vCard xmlns='vcard-temp'/>`)
    const actual: Profile = {
      data: data?.attrs['id'] ?? '',
      metadata: info?.attrs['id'] ?? '',
      nick: vcard4?.getChild('nickname')?.getChildText('text') ?? '',
      mailer: card?.getChildText('MAILER') ?? '',
    }
    const { findings, local } = this.#doer
    findings.finds(this.#state.sees(actual))
    const octets = Buffer.from(card?.getChild('PHOTO')?.getChildText('BINVAL') ?? '', 'base64')
    const photo = octets.length === 0 ? '' : createHash('sha1').update(octets).digest('hex')
    const shown = actual.metadata === actual.data ? actual.data : ''
    if (photo !== shown) findings.blames('halved', `the vCard of ${local} has the picture ${photo}, not ${shown}`)
    const nick = card?.getChildText('NICKNAME') ?? ''
    if (nick !== actual.nick) findings.blames('halved', `the vCard of ${local} has ${nick}, not ${actual.nick}`)
  }
}
