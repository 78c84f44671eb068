/** XEP-0045 §5.2. */
export type Affiliation = 'admin' | 'member' | 'none' | 'outcast' | 'owner'
/** XEP-0045 §5.1. */
export type Role = 'moderator' | 'none' | 'participant' | 'visitor'

/** What somebody does to a room. */
export type Deed =
  | { readonly kind: 'affiliate'; readonly account: string; readonly affiliation: Affiliation }
  | { readonly kind: 'appear'; readonly nick: string; readonly withX: boolean }
  | { readonly kind: 'assign'; readonly nick: string; readonly role: Role }
  | { readonly kind: 'configure'; readonly settings: Partial<Settings> }
  | { readonly kind: 'destroy' }
  | { readonly kind: 'leave' }
  /** Says something that nobody keeps. */
  | { readonly kind: 'nudge' }
  | { readonly kind: 'say' }
  | { readonly kind: 'subject' }
  | { readonly kind: 'whisper'; readonly nick: string }

/** The settings of a room that the model knows. */
export interface Settings {
  readonly moderated: boolean
  readonly membersonly: boolean
  readonly persistentroom: boolean
  /** Whether anyone may see real addresses. */
  readonly whois: boolean
}

/** A client: its full and its bare JID. */
export interface Person {
  readonly jid: string
  readonly account: string
}

/** A deed that has been sent, and what is known of its outcome. */
export interface Order {
  /** Its id, and a word by which its effects are known. */
  readonly id: string
  readonly by: Person
  readonly deed: Deed
  /** Grows with each order. */
  readonly number: number
  /** Grows with each order that is done; 0 before it is. */
  turn: number
  /** `lost` when whoever sent it is gone, and nobody will hear of the outcome. */
  state: 'accepted' | 'lost' | 'open' | 'refused'
  /** The conditions with which it may be refused, by all that the room has been since it was sent. */
  readonly possible: Set<string>
  /** Whether at some time since it had to be done. */
  isPossible: boolean
  /** Whether what the room was is known for all that time. */
  isSure: boolean
  /** Whether whoever sent it has seen its own presence of it. */
  isSeen: boolean
}

/** Who is in a room under one nick. */
export interface Resident {
  readonly account: string
  affiliation: Affiliation
  role: Role
  /** Full JIDs. */
  readonly seats: Set<string>
}

/** How somebody went: what others are told of it, and whether all of them see the address, be there a room afterwards or not. */
export interface Departure {
  readonly codes: readonly number[]
  readonly whois: boolean
}

const initialSettings: Settings = { moderated: false, membersonly: false, persistentroom: false, whois: false }
const ranks: readonly Affiliation[] = ['outcast', 'none', 'member', 'admin', 'owner']
const isAtLeast = (one: Affiliation, other: Affiliation) => ranks.indexOf(one) >= ranks.indexOf(other)

/** What a room must be like after what was done to it, in the order in which the room did it (XEP-0045). */
export class RoomModel {
  readonly #serviceAdmin: string
  exists = false
  locked = false
  settings: Settings = initialSettings
  subject = ''
  readonly affiliations: Map<string, Affiliation> = new Map()
  readonly residents: Map<string, Resident> = new Map()
  /** Those who are out and have not heard it yet, and the status codes that they are to hear, by full JID. */
  readonly removed: Map<string, readonly number[]> = new Map()
  /** How a nick was last left. */
  readonly left: Map<string, Departure> = new Map()
  /** Somebody's connection was cut, who may have done things before that nobody knows of. */
  isUnsure = false

  constructor(serviceAdmin: string) {
    this.#serviceAdmin = serviceAdmin
  }

  affiliationOf(account: string): Affiliation {
    return account === this.#serviceAdmin ? 'owner' : (this.affiliations.get(account) ?? 'none')
  }

  /** The nick of a client, and who it is. */
  placeOf(jid: string): [nick: string, resident: Resident] | undefined {
    for (const place of this.residents) if (place[1].seats.has(jid)) return place
    return undefined
  }

  /** The conditions with which a deed may be refused as things are; none when it must be done. */
  refusals({ by, deed }: Pick<Order, 'by' | 'deed'>): string[] {
    switch (deed.kind) {
      case 'appear':
        return this.#refusesToAppear(by, deed.nick)
      case 'leave':
        return []
      case 'nudge':
      case 'say':
      case 'subject':
        return this.#refusesToSpeak(by, deed.kind === 'subject')
      case 'whisper':
        return this.#refusesToWhisper(by, deed.nick)
    }
    // §10.1.3
    const isHidden = this.locked && this.placeOf(by.jid) === undefined && this.affiliationOf(by.account) !== 'owner'
    if (!this.exists || isHidden) return ['item-not-found']
    switch (deed.kind) {
      case 'assign':
        return this.#refusesToAssign(by, deed.nick, deed.role)
      case 'affiliate':
        return this.#refusesToAffiliate(by, deed.account, deed.affiliation)
      case 'configure':
      case 'destroy':
        return this.affiliationOf(by.account) === 'owner' ? [] : ['forbidden']
    }
  }

  #refusesToAppear({ jid, account }: Person, nick: string): string[] {
    const holder = this.residents.get(nick)
    const refusals: string[] = []
    // §7.2.8, §7.6
    if (holder !== undefined && holder.account !== account) refusals.push('conflict')
    if (!this.exists || this.placeOf(jid) !== undefined) return refusals
    const affiliation = this.affiliationOf(account)
    // §10.1.3, §7.2.7, §7.2.6
    if (this.locked && affiliation !== 'owner') refusals.push('item-not-found')
    if (affiliation === 'outcast') refusals.push('forbidden')
    if (affiliation === 'none' && this.settings.membersonly) refusals.push('registration-required')
    return refusals
  }

  #refusesToSpeak({ jid }: Person, isSubject: boolean): string[] {
    if (!this.exists) return ['item-not-found']
    const resident = this.placeOf(jid)?.[1]
    // §7.4
    if (resident === undefined) return this.locked ? ['item-not-found', 'not-acceptable'] : ['not-acceptable']
    // §7.4, §8.1
    const isMute = resident.role === 'visitor' || (isSubject && resident.role !== 'moderator')
    return isMute ? ['forbidden'] : []
  }

  #refusesToWhisper({ jid }: Person, nick: string): string[] {
    if (!this.exists) return ['item-not-found']
    const refusals: string[] = []
    // §7.5
    if (this.placeOf(jid) === undefined) refusals.push('not-acceptable', ...(this.locked ? ['item-not-found'] : []))
    else if (!this.residents.has(nick)) refusals.push('item-not-found')
    return refusals
  }

  #refusesToAssign({ jid, account }: Person, nick: string, role: Role): string[] {
    const own = [...this.residents.values()].filter((resident) => resident.account === account)
    const affiliation = this.affiliationOf(account)
    const isAdmin = isAtLeast(affiliation, 'admin')
    const isModerator =
      this.placeOf(jid)?.[1].role === 'moderator' || own.some((resident) => resident.role === 'moderator')
    const refusals = isAdmin || isModerator ? [] : ['forbidden']
    const target = this.residents.get(nick)
    if (target === undefined) return [...refusals, 'item-not-found']
    if (refusals.length > 0) return refusals
    const isAbove = !isAtLeast(affiliation, target.affiliation)
    if (role === 'none') {
      // §8.2, §5.1.3
      if (target.account === account) return []
      return isAbove || (target.role === 'moderator' && !isAdmin) ? ['not-allowed'] : []
    }
    // §9.6
    if (role === 'moderator') return isAdmin ? [] : ['forbidden']
    // §8.4, §9.7
    if (isAtLeast(target.affiliation, 'admin')) return ['not-allowed']
    if (target.role === 'moderator' && !isAdmin) return ['forbidden']
    return role === 'visitor' && isAtLeast(target.affiliation, affiliation) ? ['not-allowed'] : []
  }

  #refusesToAffiliate({ account }: Person, target: string, after: Affiliation): string[] {
    const asker = this.affiliationOf(account)
    const before = this.affiliationOf(target)
    if (!isAtLeast(asker, 'admin')) return ['forbidden']
    const refusals: string[] = []
    // §9.1
    if (after === 'outcast' && target === account) refusals.push('conflict')
    // §10.3, §10.6, §9.1
    if (asker !== 'owner' && (isAtLeast(before, 'admin') || isAtLeast(after, 'admin')))
      refusals.push('forbidden', 'not-allowed')
    // §10.4
    if (before === 'owner' && after !== 'owner' && this.#owners() === 1) refusals.push('conflict')
    return refusals
  }

  #owners(): number {
    return [...this.affiliations.values()].filter((affiliation) => affiliation === 'owner').length
  }

  /** Does what a deed does. */
  apply({ by, deed, id }: Pick<Order, 'by' | 'deed' | 'id'>): void {
    switch (deed.kind) {
      case 'appear':
        return this.#appear(by, deed.nick, deed.withX)
      case 'assign':
        return this.#assign(deed.nick, deed.role)
      case 'affiliate':
        return this.#affiliate(deed.account, deed.affiliation)
      case 'configure':
        return this.#configure(deed.settings)
      case 'destroy':
        for (const nick of [...this.residents.keys()]) this.#remove(nick, [])
        return this.#end()
      case 'leave':
        return this.#depart(by)
      case 'subject':
        this.subject = id
    }
  }

  #appear({ jid, account }: Person, nick: string, withX: boolean): void {
    if (!this.exists) {
      this.exists = true
      this.locked = withX
      this.affiliations.set(account, 'owner')
    }
    const [before, resident] = this.placeOf(jid) ?? []
    if (before === nick) return
    if (resident !== undefined) {
      resident.seats.delete(jid)
      if (resident.seats.size === 0) {
        this.residents.delete(before!)
        this.left.set(before!, { codes: [303], whois: this.settings.whois })
      }
    }
    let there = this.residents.get(nick)
    if (there === undefined) {
      const affiliation = this.affiliationOf(account)
      there = { account, affiliation, role: resident?.role ?? this.#initialRole(affiliation), seats: new Set() }
      this.residents.set(nick, there)
    }
    there.seats.add(jid)
  }

  /** §5.1.2 */
  #initialRole(affiliation: Affiliation): Role {
    if (isAtLeast(affiliation, 'admin')) return 'moderator'
    return affiliation === 'member' || !this.settings.moderated ? 'participant' : 'visitor'
  }

  #assign(nick: string, role: Role): void {
    if (role === 'none') this.#remove(nick, [307])
    else this.residents.get(nick)!.role = role
    this.#settle()
  }

  #affiliate(account: string, after: Affiliation): void {
    if (after === 'none') this.affiliations.delete(account)
    else this.affiliations.set(account, after)
    for (const [nick, resident] of [...this.residents]) {
      const { affiliation: before } = resident
      if (resident.account !== account || before === after) continue
      resident.affiliation = after
      if (after === 'outcast') this.#remove(nick, [301])
      else if (after === 'none' && this.settings.membersonly) this.#remove(nick, [321])
      else if (isAtLeast(after, 'admin') || isAtLeast(before, 'admin')) resident.role = this.#initialRole(after)
      else if (resident.role !== 'moderator' && (after === 'member' || this.settings.moderated))
        resident.role = after === 'member' ? 'participant' : before === 'member' ? 'visitor' : resident.role
    }
    this.#settle()
  }

  #configure(settings: Partial<Settings>): void {
    const wasModerated = this.settings.moderated
    this.settings = { ...this.settings, ...settings }
    this.locked = false
    for (const [nick, resident] of [...this.residents]) {
      if (settings.membersonly === true && resident.affiliation === 'none') this.#remove(nick, [322])
      // Who has lost voice one by one keeps quiet.
      const isFreed = wasModerated && settings.moderated === false
      if (isFreed && resident.role === 'visitor') resident.role = 'participant'
    }
    this.#settle()
  }

  #depart({ jid }: Person): void {
    const [nick, resident] = this.placeOf(jid) ?? []
    if (resident === undefined) return
    this.removed.set(jid, [])
    resident.seats.delete(jid)
    if (resident.seats.size === 0) this.#remove(nick!, [])
    this.#settle()
  }

  #remove(nick: string, codes: readonly number[]): void {
    for (const jid of this.residents.get(nick)!.seats) this.removed.set(jid, codes)
    this.residents.delete(nick)
    this.left.set(nick, { codes, whois: this.settings.whois })
  }

  /** §4.2, §10.1.3 */
  #settle(): void {
    if (this.residents.size === 0 && (!this.settings.persistentroom || this.locked)) this.#end()
  }

  #end(): void {
    this.exists = false
    this.locked = false
    this.settings = initialSettings
    this.subject = ''
    this.affiliations.clear()
    this.residents.clear()
  }

  /** Takes over what the room has been found to be. */
  learn(found: { settings: Settings; affiliations: ReadonlyMap<string, Affiliation> } | undefined): void {
    this.#end()
    this.removed.clear()
    this.isUnsure = false
    if (found === undefined) return
    this.exists = true
    this.settings = found.settings
    for (const [account, affiliation] of found.affiliations) this.affiliations.set(account, affiliation)
  }
}
