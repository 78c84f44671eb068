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

  /** XEP-0494 §3.1. */
  async list(account: Jid): Promise<Element> {
    const clients = await this.#of(account)
    const active = clients.filter(
      ({ known, sessions, hasTokens }) => sessions.length > 0 || hasTokens || hasPassword(known),
    )
    return xml('clients', { xmlns: NS }, ...active.map((client) => this.#element(client)))
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
    for (const session of client.sessions) if (session !== asker) session.close()
    if (client.hasTokens) await store.remove(account.local, id)
    // Whoever asks for its own end is told first.
    if (client.sessions.includes(asker)) setImmediate(() => asker.close())
    return client.hasTokens ? 'done' : 'has-password'
  }

  async #of(account: Jid): Promise<Client[]> {
    const { fast, host, sightings, store } = this.#parts
    await sightings.flush()
    const known = new Map((await store.list(account.local)).map((client) => [client.client, client]))
    const tokens = new Set((await fast?.clients(account.local)) ?? [])
    const sessions = new Map<string, Session[]>()
    for (const session of host.user(account)?.sessions.values() ?? []) {
      const id = idOf(session)
      sessions.set(id, [...(sessions.get(id) ?? []), session])
    }
    return [...new Set([...known.keys(), ...tokens, ...sessions.keys()])].map((id) => ({
      id,
      known: known.get(id),
      sessions: sessions.get(id) ?? [],
      hasTokens: tokens.has(id),
    }))
  }

  #element({ id, known, sessions, hasTokens }: Client): Element {
    const now = this.#parts.clock.now()
    const firstMs = known?.firstMs ?? Math.min(now, ...sessions.map((session) => session.slots.get(since) || now))
    const lastMs = sessions.some((session) => !session.resting) ? now : (known?.lastMs ?? now)
    const cameByPassword =
      hasPassword(known) || sessions.some((session) => session.slots.get(sessionLogin).by === 'password')
    const { software, device } = known ?? {}
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
      xml('auth', null, cameByPassword && xml('password'), hasTokens && xml('fast')),
      xml('permission', { status: 'unrestricted' }),
      agent.some(Boolean) && xml('user-agent', null, ...agent),
    )
  }
}

function hasPassword(known: KnownClient | undefined): boolean {
  return known?.passwordMs !== undefined
}

/** What a client is called: the same for all sessions of an installation, and of its own for one that says nothing. */
function idOf(session: Session): string {
  const id = session.slots.get(sessionLogin).userAgent?.id
  if (id !== undefined) return clientKey(id)
  return `s.${createHash('sha256').update(session.jid.resource).digest().subarray(0, 12).toString('base64url')}`
}
