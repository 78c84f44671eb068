import { mechanisms } from '../config/server-options.ts'
import type { Accounts } from './accounts.ts'
import { Plain } from './plain.ts'
import { type SaslCondition, SaslError } from './sasl-error.ts'
import { Scram } from './scram.ts'
import type { ScramHash, ScramKeys } from './scram-keys.ts'
import type { Throttle } from './throttle.ts'

export { type SaslCondition, SaslError } from './sasl-error.ts'

/** One login in progress, as a state machine that knows nothing of XML; after success or failure it is used up. */
export interface SaslMechanism extends SaslSteps {
  readonly name: string
}

/** The server's side of one mechanism. */
export interface SaslSteps {
  /** The bare address of the account it is about, once the client has named it: for the log. */
  readonly account?: string | undefined
  /**
   * Takes the client's next message, decoded, and says what follows. One step at a time.
   *
   * Rejects with `SaslError` to refuse, with anything else when the accounts cannot be read; the client is then to get
   * `temporary-auth-failure`.
   */
  step(message: Buffer): Promise<SaslStep>
}

/** A login that has succeeded. */
export interface SaslSuccess {
  readonly kind: 'success'
  readonly data?: Buffer
  /** The prepared localpart of the account that is logged in. */
  readonly local: string
  /** What the client has proven to have; a password unless given. */
  readonly by?: 'nothing' | 'password' | 'token'
  /** How often the account's password had been changed when it was looked at. */
  readonly passwordVersion: number
  /** The keys the password was checked by, and the hashes for which there are none that are good (XEP-0480). */
  readonly upgrade?: { readonly verified: ScramKeys; readonly hashes: readonly ScramHash[] }
}

/** What follows a client's message. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | SaslSuccess
  | { readonly kind: 'failure'; readonly condition: SaslCondition; readonly text?: string }

/** The types of channel binding this server knows (RFC 9266, RFC 5929). */
export type ChannelBindingType = 'tls-exporter' | 'tls-unique' | 'tls-server-end-point'

/** What a TLS connection can be bound by; the data is computed when asked for. */
export interface ChannelBindingSource {
  /** As Node names it, such as `TLSv1.3`. */
  readonly tlsVersion: string
  /** The strongest first. */
  readonly bindings: ReadonlyMap<ChannelBindingType, () => Buffer>
}

/** What the admin allows. */
export interface SaslPolicy {
  /** Whether nothing is offered before TLS. */
  readonly requireTls: boolean
  readonly mechanisms: readonly string[]
}

/** What a login needs around it. */
export interface SaslContext {
  readonly accounts: Pick<Accounts, 'checkLogin' | 'iterations' | 'login' | 'remember'>
  /** The served domain, prepared. */
  readonly host: string
  readonly binding: ChannelBindingSource | undefined
  /** The names this stream has offered; no other is accepted. */
  readonly offered: readonly string[]
  /** The types of channel binding this stream has announced (XEP-0440), if any; see {@link downgradeText}. */
  readonly announced: readonly string[] | undefined
  /** Whether clients get to know whether somebody has changed what they were offered (XEP-0474). */
  readonly downgradeProtection: boolean
  readonly throttle: Throttle
  /** The client's network address. */
  readonly address: string
  /** Keys the invented salts of accounts that do not exist. */
  readonly decoySecret: Uint8Array
}

/** The mechanisms to offer on a connection, the strongest first; -PLUS only where there is something to bind to. */
export function offeredMechanisms(
  policy: SaslPolicy,
  security: { readonly tls: boolean; readonly binding?: ChannelBindingSource | undefined },
): string[] {
  if (policy.requireTls && !security.tls) return []
  const canBind = security.tls && security.binding !== undefined && security.binding.bindings.size > 0
  return mechanisms.filter((name) => policy.mechanisms.includes(name) && (canBind || !name.endsWith('-PLUS')))
}

/** The types of channel binding a connection has, the strongest first, to be announced by XEP-0440 §2. */
export function channelBindingTypes(source: ChannelBindingSource): string[] {
  return [...source.bindings.keys()]
}

/** Begins a login; `invalid-mechanism` for a name that was not offered (RFC 6120 §6.5.7). */
export function startMechanism(name: string, context: SaslContext): SaslMechanism | 'invalid-mechanism' {
  if (!context.offered.includes(name)) return 'invalid-mechanism'
  if (name === 'PLAIN') return guarded(name, new Plain(context))
  const [, hash, plus] = /^SCRAM-(SHA-1|SHA-256|SHA-512)(-PLUS)?$/.exec(name) ?? []
  if (hash === undefined) return 'invalid-mechanism'
  return guarded(name, new Scram(hash as ScramHash, plus !== undefined, context))
}

/** A mechanism of which refusals are failures, and which is closed once it has ended. */
export function guarded(name: string, steps: SaslSteps): SaslMechanism {
  return new Login(name, steps)
}

/** Turns refusals into failures, and closes a mechanism once it has ended. */
class Login implements SaslMechanism {
  readonly name: string
  readonly #steps: SaslSteps
  #ended = false

  constructor(name: string, steps: SaslSteps) {
    this.name = name
    this.#steps = steps
  }

  get account(): string | undefined {
    return this.#steps.account
  }

  async step(message: Buffer): Promise<SaslStep> {
    if (this.#ended) return { kind: 'failure', condition: 'malformed-request', text: 'This login has ended.' }
    this.#ended = true
    try {
      const step = await this.#steps.step(message)
      this.#ended = step.kind !== 'challenge'
      return step
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      return { kind: 'failure', condition: error.condition, ...(error.message !== '' && { text: error.message }) }
    }
  }
}
