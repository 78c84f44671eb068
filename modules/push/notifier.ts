import type { Cancel, Clock, Context, Host, Jid, ReadonlyElement, Session } from '#api'
import { notification, type Summary } from './notification.ts'
import type { Registration } from './registration.ts'
import type { Registrations } from './registrations.ts'

/** How often and how long app servers are told; times in ms, 0 is no limit. */
export interface NotifierSettings {
  readonly interval: number
  readonly answerTimeout: number
  readonly maxErrors: number
  readonly summary: Summary
}

/** What is going on with one registration. */
interface Wake {
  /** Messages since its device was last there. */
  count: number
  errors: number
  last: ReadonlyElement | undefined
  /** Set while nothing more is sent: the interval runs. */
  cancel: Cancel | undefined
  /** Whether something came meanwhile. */
  again: boolean
}

/**
 * Tells app servers that a device has something to fetch: at once, then at most once in each interval, with what has come
 * in between. One that keeps answering with errors is given up (XEP-0357 §7.1).
 */
export class Notifier {
  readonly #host: Host
  readonly #registrations: Registrations
  readonly #settings: NotifierSettings
  readonly #clock: Clock
  readonly #log: Context['log']
  /** Only of registrations that had something to tell; gone when their device is there again, or given up. */
  readonly #wakes = new Map<string, Wake>()

  constructor(host: Host, registrations: Registrations, settings: NotifierSettings, clock: Clock, log: Context['log']) {
    this.#host = host
    this.#registrations = registrations
    this.#settings = settings
    this.#clock = clock
    this.#log = log
  }

  /** A message waits for the device of a registration. */
  wake(account: Jid, registration: Registration, message: ReadonlyElement | undefined): void {
    const key = keyOf(account, registration)
    const wake = this.#wakes.get(key) ?? { count: 0, errors: 0, last: undefined, cancel: undefined, again: false }
    this.#wakes.set(key, wake)
    wake.count++
    wake.last = message
    if (wake.cancel !== undefined) wake.again = true
    else this.#send(account, registration, wake)
  }

  /** The device is there: what was counted is read. Errors stay counted. */
  awake(session: Session): void {
    for (const registration of this.#registrations.known(session.user.jid)) {
      if (registration.resource !== session.jid.resource) continue
      const wake = this.#wakes.get(keyOf(session.user.jid, registration))
      if (wake === undefined) continue
      wake.count = 0
      wake.again = false
      wake.last = undefined
    }
  }

  /** A registration is no more, or made anew. */
  forget(account: Jid, registration: Registration): void {
    const key = keyOf(account, registration)
    this.#wakes.get(key)?.cancel?.()
    this.#wakes.delete(key)
  }

  stop(): void {
    for (const { cancel } of this.#wakes.values()) cancel?.()
    this.#wakes.clear()
  }

  #send(account: Jid, registration: Registration, wake: Wake): void {
    const { interval, answerTimeout, summary } = this.#settings
    const key = keyOf(account, registration)
    wake.again = false
    wake.cancel = this.#clock.after(interval, () => {
      wake.cancel = undefined
      if (wake.again) this.#send(account, registration, wake)
      else if (wake.errors === 0 && wake.count === 0) this.#wakes.delete(key)
    })
    const iq = notification(account.toString(), registration, wake.count, wake.last, summary)
    void this.#host.request(iq, answerTimeout).then((answer) => {
      if (this.#wakes.get(key) !== wake) return
      if (answer.attrs['type'] !== 'error') wake.errors = 0
      else this.#failed(account, registration, wake)
    })
  }

  #failed(account: Jid, registration: Registration, wake: Wake): void {
    const { maxErrors } = this.#settings
    wake.errors++
    if (maxErrors === 0 || wake.errors < maxErrors) return
    this.forget(account, registration)
    const fields = { account: account.toString(), service: registration.service, errors: wake.errors }
    this.#log.info(fields, 'an app server is not told any more: it answers with errors')
    this.#registrations.remove(account, registration.service, registration.node).catch((error) => {
      this.#log.warn({ ...fields, err: error }, 'a registration for push could not be removed')
    })
  }
}

function keyOf(account: Jid, { service, node }: Registration): string {
  return `${account}\0${service}\0${node ?? ''}`
}
