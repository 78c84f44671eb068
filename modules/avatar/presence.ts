import {
  asJson,
  defineSlot,
  type Element,
  type Host,
  type Jid,
  KeyedQueue,
  type Session,
  type StanzaEvent,
  xml,
} from '#api'
import type { PresenceApi } from '../presence/index.ts'
import { isSubscribed, type RosterApi } from '../roster/index.ts'
import type { Avatar, Avatars } from './avatars.ts'

/** The namespace of XEP-0153. */
const NS_UPDATE = 'vcard-temp:x:update'

/** What was read for one presence, since it was not in memory. */
const readSlot = defineSlot<Avatar | undefined>('avatar/read', () => undefined)
/** Whether a session's client says itself that there is no picture. */
const deniesSlot = defineSlot('avatar/denies', () => false, asJson)

type Event = Pick<StanzaEvent, 'directed' | 'from' | 'get' | 'origin' | 'set' | 'to' | 'type'>

/** Puts the hash of the sender's picture into presence (XEP-0153, XEP-0398 §4). */
export class PresenceHashes {
  readonly #host: Host
  readonly #avatars: Avatars
  readonly #presence: PresenceApi
  readonly #rosters: RosterApi
  readonly #changes = new KeyedQueue()
  readonly #onError: (error: unknown, account: Jid) => void

  constructor(
    host: Host,
    avatars: Avatars,
    presence: PresenceApi,
    rosters: RosterApi,
    onError: (error: unknown, account: Jid) => void,
  ) {
    this.#host = host
    this.#avatars = avatars
    this.#presence = presence
    this.#rosters = rosters
    this.#onError = onError
  }

  /** Sees to it that the picture of a sender is known; presence without its hash is better than none. */
  ready(event: Event): void | Promise<void> {
    const { origin, type, from } = event
    if (origin === null || type !== '') return
    const avatar = this.#avatars.of(from.bare)
    if (avatar instanceof Promise)
      return avatar.then(
        (read) => event.set(readSlot, read),
        (error) => this.#onError(error, from.bare),
      )
  }

  /** Puts the hash into presence of a client. */
  stamp(event: Event, stanza: Element): void {
    const { origin, type, from, to, directed } = event
    if (origin === null || type !== '') return
    if (!directed) origin.slots.set(deniesSlot, photoIn(stanza) === '')
    const avatar = this.#avatars.known(from.bare) ?? event.get(readSlot)
    // XEP-0398 §4: "in every available presence that does not contain an empty photo element"
    if (avatar === undefined || photoIn(stanza) === '') return
    // Whoever may not see a picture could still tell by its hash that two people are one.
    const isForAll = !directed || avatar.hash === '' || avatar.isOpen || from.bare.equals(to.bare)
    if (!isForAll && !isSubscribed(this.#rosters.of(origin.user)?.get(to.bare))) return
    putHash(stanza, avatar)
  }

  /** Tells those who hear an account's broadcasts that its picture has changed, one change after the other. */
  async changed(account: Jid): Promise<void> {
    this.#avatars.forget(account)
    if (this.#host.user(account) === undefined) return
    await this.#changes.run(account.toString(), async () => {
      this.#avatars.forget(account)
      const avatar = await this.#avatars.of(account)
      for (const session of this.#host.user(account)?.available() ?? []) this.#renew(session, avatar)
    })
  }

  /** Settles when nothing is under way. */
  idle(): Promise<void> {
    return this.#changes.idle()
  }

  #renew(session: Session, avatar: Avatar): void {
    if (session.slots.get(deniesSlot)) return
    const before = session.presence!
    const presence = xml(before.name, { ...before.attrs })
    presence.children = [...before.children]
    // Whoever was told of a picture is told that there is none any more; whoever was not need not be.
    putHash(presence, { ...avatar, isKnown: true })
    if ((photoIn(presence) ?? '') !== (photoIn(before) ?? '')) this.#presence.renew(session, presence)
  }
}

/** What presence says of a picture: its hash, '' for none, `undefined` for nothing. */
function photoIn(presence: Element): string | undefined {
  return presence.getChild('x', NS_UPDATE)?.getChildText('photo', NS_UPDATE)?.trim()
}

/** Has presence say what there is, where it says anything else. */
function putHash(presence: Element, { hash, isKnown }: Avatar): void {
  const said = presence.getChild('x', NS_UPDATE)
  const photo = photoIn(presence)
  if (photo === hash || (said === undefined && !isKnown)) return
  const update = xml('x', { xmlns: NS_UPDATE }, xml('photo', null, ...(hash === '' ? [] : [hash])))
  presence.children = presence.children.filter((child) => child !== said)
  presence.append(update)
}
