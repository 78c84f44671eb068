import { type Element, parseDocument, xml } from '#api'
import type { PepApi } from '../pep/index.ts'
import type { NodeEvent } from '../pubsub/hooks.ts'
import type { VcardSetting, VcardShowing } from '../vcard/hooks.ts'
import type { Vcards } from '../vcard/index.ts'
import { NS_VCARD4 } from './fields.ts'
import { apply, four, isSame, nothing, profileOf, temp } from './profile.ts'

/** The node of XEP-0292 §4.1. */
export const NODE = 'urn:xmpp:vcard4'
const ITEM = 'current'

/**
 * Makes one profile of the two vCards of an account: what both can say is kept at the node of vCard4 and put into
 * vcard-temp whenever somebody asks for that, if they may read the node.
 */
export class Vcard4 {
  readonly #pep: PepApi
  readonly #vcards: Vcards
  /** What was published since a vcard-temp was set. */
  readonly #own = new WeakSet<Element>()

  constructor(pep: PepApi, vcards: Vcards) {
    this.#pep = pep
    this.#vcards = vcards
  }

  /** Publishes what a vcard-temp says that is set, and keeps what vCard4 alone can say. Rejects with what refuses that. */
  async take({ account, card }: VcardSetting): Promise<void> {
    const [item] = await this.#pep.items(account, NODE, 1)
    if (card.children.length === 0) {
      if (item !== undefined) await this.#pep.retract(account, NODE, [item.id])
      return
    }
    const profile = profileOf(card, temp)
    const payload = (item && cardIn(item.payload)) ?? xml('vcard', { xmlns: NS_VCARD4 })
    if (isSame(profile, profileOf(payload, four))) return
    apply(payload, four, profile)
    this.#own.add(payload)
    // XEP-0292 §8: "world-readable".
    await this.#pep.publish(account, NODE, [{ id: item?.id ?? ITEM, payload }], { access_model: 'open' })
  }

  /** Puts what the vCard4 says into a vcard-temp, or takes it out for whoever may not read the node. */
  async show({ account, asker, card }: VcardShowing): Promise<void> {
    const [item] = await this.#pep.items(account, NODE, 1)
    const published = item && cardIn(item.payload)
    if (published === undefined) return
    const maySee = await (asker === undefined
      ? this.#pep.isOpen(account, NODE)
      : this.#pep.mayRead(account, NODE, asker))
    apply(card, temp, maySee ? profileOf(published, four) : nothing)
  }

  /** Tells of another vcard-temp when the vCard4 has changed, or others may read it; when that is gone, so are both. */
  async changed(event: NodeEvent): Promise<void> {
    if (event.kind === 'published' && event.items.every(({ payload }) => payload && this.#own.has(payload))) return
    const isGone = event.kind === 'retracted' || event.kind === 'purged' || event.kind === 'deleted'
    await this.#vcards.edit(event.service, isGone ? (card) => apply(card, temp, nothing) : undefined)
  }
}

function cardIn(payload: string): Element | undefined {
  const card = payload === '' ? undefined : parseDocument(payload)
  return card?.is('vcard', NS_VCARD4) ? card : undefined
}
