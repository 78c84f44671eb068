import {
  type Clock,
  type ComponentConnection,
  dataForm,
  defineSlot,
  type Element,
  type Host,
  type IqRequest,
  Jid,
  type ReadonlyElement,
  randomId,
  readBoolean,
  readForm,
  StanzaError,
  type User,
  xml,
} from '#api'
import { delegationElement, type Grant, NS_DELEGATION } from './grants.ts'

/** Who answers what for an account, as its user has said: domains by namespace. Gone with the user. */
const allowedSlot = defineSlot<Map<string, string> | undefined>('delegation/allowed', () => undefined)

/** A question to a user that waits for an answer. */
interface Pending {
  readonly domain: string
  readonly namespaces: readonly string[]
  readonly untilMs: number
}
/** By challenge. */
const pendingSlot = defineSlot<Map<string, Pending> | undefined>('delegation/pending', () => undefined)

/** How long a question can be answered. */
const PATIENCE_MS = 10 * 60_000
/** Most questions to one user that wait; what comes past it is not asked. */
const MAX_PENDING = 10

/** The delegations that users allow components themselves (XEP-0355 §5), for as long as they are online. */
export class Asking {
  readonly #host: Host
  readonly #clock: Clock
  readonly #grants: ReadonlyMap<string, Grant>

  constructor(host: Host, clock: Clock, grants: ReadonlyMap<string, Grant>) {
    this.#host = host
    this.#clock = clock
    this.#grants = grants
  }

  /** Who answers a namespace for a user; `undefined` when it is the server. */
  answererFor(user: User | undefined, xmlns: string): string | undefined {
    return user?.slots.get(allowedSlot)?.get(xmlns)
  }

  /**
   * Takes a component's wish to answer for an account, and asks its user (§5.1). Whether there is such an account, and
   * whether it is online, it does not learn before the user has agreed.
   *
   * @throws StanzaError `forbidden` for what the component may not ask for, `bad-request`, `jid-malformed`.
   */
  request(query: Element, { from }: Pick<IqRequest, 'from'>): void {
    const namespaces = query.getChildren('delegate', NS_DELEGATION).map((el) => el.attrs['namespace'] ?? '')
    if (namespaces.length === 0) throw new StanzaError('bad-request', 'Which namespaces?')
    const mayAsk = from.local === '' ? (this.#grants.get(from.domain)?.mayAsk ?? []) : []
    // §9: delegation itself is never among them.
    if (!namespaces.every((xmlns) => mayAsk.includes(xmlns)))
      throw new StanzaError('forbidden', 'You may not ask for this.')
    const account = Jid.tryParse(query.attrs['to'] ?? '')
    if (account === undefined) throw new StanzaError('jid-malformed', 'For which account?')
    if (account.domain !== this.#host.domain || account.local === '' || account.resource !== '')
      throw new StanzaError('forbidden', 'Delegations are for accounts of this domain.')
    const user = this.#host.user(account)
    if (user !== undefined) this.#ask(user, from.domain, [...new Set(namespaces)])
  }

  #ask(user: User, domain: string, namespaces: readonly string[]): void {
    const now = this.#clock.now()
    const pending = user.slots.get(pendingSlot) ?? new Map<string, Pending>()
    for (const [challenge, { untilMs, domain: asker }] of pending)
      if (untilMs <= now || asker === domain) pending.delete(challenge)
    if (pending.size >= MAX_PENDING) return
    const challenge = randomId()
    pending.set(challenge, { domain, namespaces, untilMs: now + PATIENCE_MS })
    user.slots.set(pendingSlot, pending)
    for (const session of user.available())
      session.send(question(this.#host.domain, session.address, domain, challenge, namespaces))
  }

  /** Takes a user's answer; false when the message is none to a question that waits. */
  answered(from: Jid, message: ReadonlyElement): boolean {
    const form = readForm(message as Element, NS_DELEGATION)
    const user = this.#host.user(from)
    const pending = user?.slots.get(pendingSlot)
    const challenge = form?.get('challenge')?.[0] ?? ''
    const asked = pending?.get(challenge)
    if (form === undefined || user === undefined || asked === undefined) return false
    pending!.delete(challenge)
    if (asked.untilMs <= this.#clock.now()) return true
    const allowed = user.slots.get(allowedSlot) ?? new Map<string, string>()
    for (const xmlns of asked.namespaces) {
      if (readBoolean(form.get(xmlns)?.[0]) === true) allowed.set(xmlns, asked.domain)
      else if (allowed.get(xmlns) === asked.domain) allowed.delete(xmlns)
    }
    user.slots.set(allowedSlot, allowed)
    this.#host.toComponent(asked.domain, this.#told(asked.domain, user))
    return true
  }

  /** Tells a component that has connected once more what users have allowed it. */
  remind({ domain, send }: ComponentConnection): void {
    for (const user of this.#host.users()) {
      const allowed = user.slots.get(allowedSlot)
      if (allowed !== undefined && [...allowed.values()].includes(domain)) send(this.#told(domain, user))
    }
  }

  /** §5.1, §8: all that a component answers for an account now. */
  #told(domain: string, user: User): Element {
    const own = [...(user.slots.get(allowedSlot) ?? [])].filter(([, allowed]) => allowed === domain)
    const delegation = delegationElement(
      own.map(([xmlns]) => [xmlns, []] as const),
      user.jid.toString(),
    )
    return xml('message', { from: this.#host.domain, to: domain, id: randomId() }, delegation)
  }
}

/** §5.1: a warning and a form; what is not said is no. */
function question(from: string, to: string, domain: string, challenge: string, namespaces: readonly string[]): Element {
  const warning =
    `${domain} wants to answer in place of this server, in your name, until you go offline. ` +
    'It will see and decide everything about: ' +
    `${namespaces.join(', ')}. Only allow this if you trust it.`
  const form = dataForm(
    'form',
    NS_DELEGATION,
    [
      { var: 'challenge', type: 'hidden', values: [challenge] },
      ...namespaces.map((xmlns) => ({
        var: xmlns,
        type: 'list-single' as const,
        label: xmlns,
        values: ['0'],
        options: [
          { label: 'No', value: '0' },
          { label: 'Yes', value: '1' },
        ],
      })),
    ],
    { title: 'Delegation request', instructions: warning },
  )
  return xml('message', { from, to, id: randomId() }, xml('body', null, warning), form)
}
