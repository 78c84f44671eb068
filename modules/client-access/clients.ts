import { createHash } from 'node:crypto'
import {
  asJson,
  type Clock,
  clientKey,
  defineSlot,
  type Element,
  type Host,
  type Jid,
  type Session,
  sessionLogin,
  toDatetime,
  xml,
} from '#api'
import type { FastApi } from '../fast/hooks.ts'
import type { Sightings } from './sightings.ts'
import type { ClientStore, KnownClient } from './store.ts'

export const NS = 'urn:xmpp:cam:0'

/** Since when there has been a session, ms since the epoch. */
const since = defineSlot<number>('client-access/since', () => 0, asJson)

/** Whether the password that its client came with is not the account's any more. */
const outdated = defineSlot<boolean>('client-access/outdated', () => false, asJson)

/** What becomes of the wish that a client should have no access any more. */
export type Revocation = 'done' | 'has-password' | 'unknown'

/** A client of an account, as its owner sees it. */
interface Client {
  readonly id: string
  readonly known: KnownClient | undefined
  readonly sessions: readonly Session[]
  readonly hasTokens: boolean
}

/** What the clients of a host's accounts are known by. */
export interface ClientsParts {
  readonly host: Host
  readonly store: ClientStore
  readonly sightings: Sightings
  readonly clock: Clock
  /** `undefined` when there are no tokens on this host. */
  readonly fast: FastApi | undefined
}

/** The clients that have access to accounts of a host (XEP-0494): installations, and sessions of who does not say which. */
export class Clients {
  readonly #parts: ClientsParts

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  /** A client has logged in, or is back in its session. */
  seen(session: Session): void {
    const now = this.#parts.clock.now()
    if (session.slots.get(since) === 0) session.slots.set(since, now)
    const { by, userAgent } = session.slots.get(sessionLogin)
    if (by === 'password') session.slots.set(outdated, false)
    if (userAgent?.id === undefined) return
    this.#parts.sightings.note({
      local: session.user.jid.local,
      client: clientKey(userAgent.id),
      software: userAgent.software,
      device: userAgent.device,
      lastMs: now,
      passwordMs: by === 'password' ? now : undefined,
    })
  }

  /** An account has another password: nobody is known to have that. */
  passwordChanged(account: Jid): void {
    for (const session of this.#parts.host.user(account)?.sessions.values() ?? []) session.slots.set(outdated, true)
    const { sightings, store } = this.#parts
    sightings.follow(() => store.forgetPasswords(account.local))
  }

  /** XEP-0494 §3.1. */
  async list(account: Jid): Promise<Element> {
    const clients = await this.#of(account)
    return xml('clients', { xmlns: NS }, ...clients.map((client) => this.#element(client)))
  }

  /**
   * Ends the sessions of a client and takes its tokens back (XEP-0494 §3.2). Who has only ever come with the password can do so
   * again until that is changed.
   */
  async revoke(account: Jid, id: string, asker: Session): Promise<Revocation> {
    const client = (await this.#of(account)).find((candidate) => candidate.id === id)
    if (client === undefined) return 'unknown'
    const { fast, store } = this.#parts
    if (client.hasTokens) await fast?.revoke(account.local, id)
    const keepsAccess = !client.hasTokens && hasPassword(client)
    if (!keepsAccess) await store.remove(account.local, id)
    // Also those it has opened meanwhile.
    const sessions = this.#sessions(account).get(id) ?? []
    for (const session of sessions) if (session !== asker) session.close()
    // Whoever asks for its own end is told first.
    if (sessions.includes(asker)) setImmediate(() => asker.close())
    return keepsAccess ? 'has-password' : 'done'
  }

  #sessions(account: Jid): Map<string, Session[]> {
    const sessions = new Map<string, Session[]>()
    for (const session of this.#parts.host.user(account)?.sessions.values() ?? []) {
      const id = idOf(session)
      sessions.set(id, [...(sessions.get(id) ?? []), session])
    }
    return sessions
  }

  /** Those that have access. */
  async #of(account: Jid): Promise<Client[]> {
    const { fast, sightings, store } = this.#parts
    await sightings.flush()
    const known = new Map((await store.list(account.local)).map((client) => [client.client, client]))
    const tokens = new Set((await fast?.clients(account.local)) ?? [])
    const sessions = this.#sessions(account)
    const clients = [...new Set([...known.keys(), ...tokens, ...sessions.keys()])].map((id) => ({
      id,
      known: known.get(id),
      sessions: sessions.get(id) ?? [],
      hasTokens: tokens.has(id),
    }))
    return clients.filter((client) => client.sessions.length > 0 || client.hasTokens || hasPassword(client))
  }

  #element(client: Client): Element {
    const { id, known, sessions, hasTokens } = client
    const now = this.#parts.clock.now()
    const firstMs = known?.firstMs ?? Math.min(now, ...sessions.map((session) => session.slots.get(since) || now))
    const lastMs = sessions.some((session) => !session.resting) ? now : (known?.lastMs ?? now)
    const { software, device } = known ?? sessions[0]?.slots.get(sessionLogin).userAgent ?? {}
    const agent = [
      software !== undefined && xml('software', null, software),
      device !== undefined && xml('device', null, device),
    ]
    return xml(
      'client',
      // "Active" are those that may yet come back, too.
      { id, connected: String(sessions.length > 0), type: 'session' },
      xml('first-seen', null, toDatetime(firstMs)),
      xml('last-seen', null, toDatetime(lastMs)),
      xml('auth', null, hasPassword(client) && xml('password'), hasTokens && xml('fast')),
      xml('permission', { status: 'unrestricted' }),
      agent.some(Boolean) && xml('user-agent', null, ...agent),
    )
  }
}

/** Whether it has shown that it has the account's present password. */
function hasPassword({ known, sessions }: Client): boolean {
  const cameByIt = ({ slots }: Session) => slots.get(sessionLogin).by === 'password' && !slots.get(outdated)
  return known?.passwordMs !== undefined || sessions.some(cameByIt)
}

/** What a client is called: the same for all sessions of an installation, and of its own for one that says nothing. */
function idOf(session: Session): string {
  const id = session.slots.get(sessionLogin).userAgent?.id
  if (id !== undefined) return clientKey(id)
  return `s.${createHash('sha256').update(session.jid.resource).digest().subarray(0, 12).toString('base64url')}`
}
