import {
  channelBindingTypes,
  guarded,
  offeredMechanisms,
  type SaslCondition,
  type SaslContext,
  type SaslMechanism,
  type SaslStep,
  type SaslSteps,
  type SaslSuccess,
  startMechanism,
} from '../auth/mechanism.ts'
import type { Connection } from '../net/connection.ts'
import { type ModuleMechanism, saslMechanisms } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import type { StreamContext } from './stream-context.ts'
import type { LoginOutcome } from './stream-counts.ts'

/** What a stream offers to those who log in. */
export interface SaslOffer {
  /** The mechanisms, the strongest first. */
  readonly mechanisms: readonly string[]
  /** The types of channel binding to announce (XEP-0440 §2); `undefined` when no mechanism binds. */
  readonly bindings: readonly string[] | undefined
}

/** A login that has failed. */
export interface SaslFailure {
  readonly kind: 'failure'
  readonly condition: SaslCondition
  readonly text?: string
  /** Whether the connection has used up its attempts. */
  readonly tooMany: boolean
}

/** What one message of a login comes to. */
export type SaslOutcome = Extract<SaslStep, { kind: 'challenge' }> | SaslFailure | SaslSuccess

/** The logins of one stream, whatever elements they come in: what is offered, the exchange under way, failures counted. */
export class SaslExchange {
  readonly #host: Host
  readonly #connection: Connection
  readonly #context: StreamContext
  readonly #stream: string
  #offer: SaslOffer | undefined
  #mechanism: SaslMechanism | undefined
  /** The mechanism of the login that was begun last. */
  mechanism = ''
  #failures = 0

  /** `stream` is what the log calls the stream. */
  constructor(host: Host, connection: Connection, context: StreamContext, stream: string) {
    this.#host = host
    this.#connection = connection
    this.#context = context
    this.#stream = stream
  }

  /** What to offer on the connection as it is: the same for as long as the stream is. */
  get offer(): SaslOffer {
    if (this.#offer === undefined) {
      const { channelBinding: binding, secure } = this.#connection
      const { mechanisms: allowed, requireTls } = this.#context.settings
      const mechanisms = offeredMechanisms({ mechanisms: allowed, requireTls }, { tls: secure, binding })
      if (secure || !requireTls) mechanisms.push(...this.#host.hooks.all(saslMechanisms).map(({ name }) => name))
      const binds = binding !== undefined && mechanisms.some((name) => name.endsWith('-PLUS'))
      this.#offer = { mechanisms, bindings: binds ? channelBindingTypes(binding) : undefined }
    }
    return this.#offer
  }

  /** What mechanisms need around them. */
  get surroundings(): SaslContext {
    const { decoySecret, settings, throttle } = this.#context
    return {
      accounts: this.#host.accounts,
      host: this.#host.domain,
      binding: this.#connection.channelBinding,
      offered: this.offer.mechanisms,
      announced: this.offer.bindings,
      downgradeProtection: settings.downgradeProtection,
      throttle,
      address: this.#connection.remoteAddress,
      decoySecret,
    }
  }

  /** Begins a login; false for a mechanism that was not offered. `own` is that of a module, if it has one of this name. */
  begin(name: string, surroundings: SaslContext, own?: SaslSteps): boolean {
    const steps = own ?? (this.offer.mechanisms.includes(name) ? this.#ofModule(name)?.start(surroundings) : undefined)
    const mechanism = steps === undefined ? startMechanism(name, surroundings) : guarded(name, steps)
    this.mechanism = name
    this.#mechanism = mechanism === 'invalid-mechanism' ? undefined : mechanism
    return this.#mechanism !== undefined
  }

  /** Whether the mechanism under way waits for something that its client has not said with its name. */
  get awaitsResponse(): boolean {
    return this.#ofModule(this.mechanism)?.isSilent !== true
  }

  #ofModule(name: string): ModuleMechanism | undefined {
    return this.#host.hooks.all(saslMechanisms).find((known) => known.name === name)
  }

  /** Takes a message of the client; `undefined` is one that could not be decoded. */
  async step(message: Buffer | undefined): Promise<SaslOutcome> {
    // RFC 6120 §6.5.8: there is no exchange that this could go on with.
    if (this.#mechanism === undefined) return this.fail('malformed-request')
    if (message === undefined) return this.fail('incorrect-encoding')
    let step: SaslStep
    try {
      step = await this.#mechanism.step(message)
    } catch (error) {
      // RFC 6120 §6.5.10: the accounts cannot be read just now; that is no wrong password.
      this.#context.log.error({ err: error, ...this.#facts() }, 'a login could not be checked')
      this.#context.counts.login(this.mechanism, 'unavailable')
      this.#mechanism = undefined
      return { kind: 'failure', condition: 'temporary-auth-failure', tooMany: false }
    }
    if (step.kind === 'failure') return this.fail(step.condition, step.text)
    if (step.kind === 'success') this.#mechanism = undefined
    return step
  }

  /** Ends the login that is under way, if any. */
  fail(condition: SaslCondition, text?: string): SaslFailure {
    this.#tell(condition)
    this.#mechanism = undefined
    const { loginAttempts } = this.#context.settings
    // A mechanism that a client cannot do is no guess; how many it may try is bounded by the limits before login.
    // COMPAT(slixmpp < 1.8.5): on TLS 1.3 it tries each -PLUS with tls-unique, then each SCRAM, then PLAIN.
    if (condition !== 'malformed-request' && condition !== 'invalid-mechanism') this.#failures++
    const tooMany = loginAttempts > 0 && this.#failures >= loginAttempts
    return { kind: 'failure', condition, tooMany, ...(text !== undefined && { text }) }
  }

  #tell(condition: SaslCondition): void {
    const { counts, log } = this.#context
    counts.login(this.mechanism, outcomes[condition] ?? 'refused')
    // Clients try mechanisms one after the other: that is no failure yet.
    if (condition !== 'invalid-mechanism') log.info({ ...this.#facts(), reason: condition }, 'a login failed')
  }

  #facts(): object {
    const { account } = this.#mechanism ?? {}
    const { remoteAddress: address } = this.#connection
    return { account, mechanism: this.mechanism.slice(0, MAX_NAME), address, stream: this.#stream }
  }
}

/** What a client calls a mechanism may be long. */
const MAX_NAME = 40

/** What failures count as; all others are faults of the client. */
const outcomes: Partial<Record<SaslCondition, LoginOutcome>> = {
  aborted: 'aborted',
  'account-disabled': 'disabled',
  'not-authorized': 'wrong',
  // Of a mechanism itself: it is not asked any more.
  'temporary-auth-failure': 'throttled',
}

/** Strict base64 (RFC 6120 §6.4.2, XEP-0388 §2.2); `undefined` for what is none. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}
