import {
  type ChannelBindingSource,
  clientKey,
  type Element,
  type GrantedLogin,
  type Host,
  hmac,
  type Jid,
  type LoginRequest,
  randomId,
  readBoolean,
  SaslError,
  toDatetime,
  xml,
} from '#api'
import { HashedToken, type HashedTokenName, mechanisms, type ProvenToken, type TokenLookup } from './hashed-token.ts'
import type { StoredToken, TokenStore } from './store.ts'

export const NS = 'urn:xmpp:fast:0'
/** Tokens an installation has at most: one in use, and a new one that was not used yet. */
const CANDIDATES = 2

/** What tokens obey. */
export interface TokenPolicy {
  readonly mechanisms: readonly string[]
  readonly lifetime: number
  readonly rotateAfter: number
  readonly maxClients: number
}

/** The tokens of one host (XEP-0484): given, asked for, given anew, taken back. */
export class Tokens {
  readonly #host: Host
  readonly #store: TokenStore
  readonly #policy: TokenPolicy
  /** What tokens are derived from, beside what is stored of them. */
  readonly #key: Buffer
  /** The tokens that logins under way have shown, by the request of the login. */
  readonly #shown = new WeakMap<Element, StoredToken>()

  constructor(host: Host, store: TokenStore, policy: TokenPolicy) {
    this.#host = host
    this.#store = store
    this.#policy = policy
    this.#key = host.keyFor('fast-tokens')
  }

  /** XEP-0484 §3.1. TLS 0-RTT is not offered: this server never gets early data. */
  offer(binding: ChannelBindingSource | undefined): Element | undefined {
    const names = this.#offered(binding)
    if (names.length === 0) return undefined
    return xml('fast', { xmlns: NS }, ...names.map((name) => xml('mechanism', null, name)))
  }

  /** Begins a login with a token; `undefined` for what is none. */
  start(mechanism: string, request: LoginRequest): HashedToken | undefined {
    const name = this.#offered(request.sasl.binding).find((known) => known === mechanism)
    if (name === undefined || fastOf(request) === undefined) return undefined
    return new HashedToken(name, request, this.#lookup(name, request))
  }

  /** Gives a token to a client that asks for one, or whose token is due to be replaced (XEP-0484 §3.3, §3.5). */
  async grant(login: GrantedLogin): Promise<Element | undefined> {
    const { account, authenticate, passwordVersion, sasl, userAgent } = login
    // Who has shown nothing has nothing to come back with.
    if (userAgent.id === undefined || login.by === 'nothing') return undefined
    const client = clientKey(userAgent.id)
    const shown = this.#shown.get(authenticate)
    const isEnding = shown !== undefined && readBoolean(fastOf(login)?.attrs['invalidate']) === true
    // XEP-0484 §3.6.
    if (isEnding) await this.#store.remove(account.local, client)
    const asked = authenticate.getChild('request-token', NS)?.attrs['mechanism']
    const isDue = shown !== undefined && !isEnding && this.#isDue(shown)
    const wanted = asked ?? (isDue ? shown.mechanism : undefined)
    const mechanism = this.#offered(sasl.binding).find((name) => name === wanted)
    if (mechanism === undefined) return undefined
    const now = this.#host.clock.now()
    const stored: StoredToken = {
      client,
      nonce: randomId(),
      mechanism,
      issuedMs: now,
      expiresMs: now + this.#policy.lifetime,
      fresh: true,
      count: 0,
      passwordVersion,
    }
    const before = isEnding ? undefined : shown?.nonce
    if (!(await this.#store.issue(account.local, stored, this.#policy.maxClients, before))) return undefined
    // What takes all tokens of an account may have been faster than this one was.
    if (!(await this.#isOpen(login))) {
      await this.#store.remove(account.local, client)
      return undefined
    }
    const token = this.#derive(account.local, stored)
    return xml('token', { xmlns: NS, token, expiry: toDatetime(stored.expiresMs) })
  }

  /** Whether the account is still what it was when the login was checked. */
  async #isOpen({ account, passwordVersion }: GrantedLogin): Promise<boolean> {
    const standing = await this.#host.accounts.tokenLogin(account.local)
    if (standing === undefined || standing.disabled || this.#host.isBeingDeleted(account.local)) return false
    return standing.passwordVersion === passwordVersion
  }

  /** A client that is seen keeps its access: at half of its lifetime a token is replaced whatever the policy says. */
  #isDue({ expiresMs, issuedMs }: StoredToken): boolean {
    const { rotateAfter } = this.#policy
    const dueMs = Math.min(rotateAfter > 0 ? rotateAfter : Infinity, (expiresMs - issuedMs) / 2)
    return this.#host.clock.now() - issuedMs >= dueMs
  }

  #offered(binding: ChannelBindingSource | undefined): HashedTokenName[] {
    return (Object.keys(mechanisms) as HashedTokenName[]).filter((name) => {
      const type = mechanisms[name]
      return this.#policy.mechanisms.includes(name) && (type === undefined || binding?.bindings.has(type) === true)
    })
  }

  #lookup(mechanism: HashedTokenName, request: LoginRequest): TokenLookup {
    const { id } = request.userAgent
    const client = clientKey(id ?? randomId())
    return {
      candidates: async ({ local }) => {
        const stored = (await this.#store.find(local, client)).filter((token) => token.mechanism === mechanism)
        while (stored.length < CANDIDATES) stored.push(nobodys(client, mechanism))
        return stored.map((token) => ({ stored: token, token: this.#derive(local, token) }))
      },
      accept: (account, proven) => this.#accept(account, proven, request),
    }
  }

  /** Whoever gets here has shown a token of the account. */
  async #accept(account: Jid, { stored }: ProvenToken, request: LoginRequest): Promise<{ passwordVersion: number }> {
    const standing = await this.#host.accounts.tokenLogin(account.local)
    const { expiresMs, fresh, passwordVersion } = stored
    // XEP-0484 §4.2: it was good once, and the client is to use its password.
    if (expiresMs <= this.#host.clock.now() || standing?.passwordVersion !== passwordVersion)
      throw new SaslError('credentials-expired')
    if (standing.disabled) throw new SaslError('account-disabled')
    const count = readCount(fastOf(request)?.attrs['count'])
    if ((fresh || count !== undefined) && !(await this.#store.use(account.local, stored, count)))
      throw new SaslError('not-authorized', 'This count was used before.')
    this.#shown.set(request.authenticate, stored)
    this.#host.accounts.remember(account.local)
    return { passwordVersion }
  }

  /** The token that belongs to what is stored; nobody who has only the database can tell it. */
  #derive(local: string, { client, mechanism, nonce }: StoredToken): string {
    return hmac('sha256', this.#key, [local, client, mechanism, nonce].join('\0')).toString('base64url')
  }
}

/** Stands in for a token that there is not, so that it takes as long to look at. */
function nobodys(client: string, mechanism: string): StoredToken {
  const never = { issuedMs: 0, expiresMs: 0, fresh: false, count: 0, passwordVersion: -1 }
  return { client, nonce: randomId(), mechanism, ...never }
}

function fastOf({ authenticate }: Pick<LoginRequest, 'authenticate'>): Element | undefined {
  return authenticate.getChild('fast', NS)
}

/** XEP-0484 §3.4: a positive number. @throws SaslError `malformed-request` */
function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new SaslError('malformed-request', 'A count is a positive number.')
  return Number(text)
}
