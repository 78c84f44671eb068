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
  readonly registration: Registration
  /** Messages since its device was last there. */
  count: number
  errors: number
  /** Requests that are not answered yet. */
  open: number
  /** Set while nothing more is sent: the interval runs. */
  cancel: Cancel | undefined
  /** The last of what came meanwhile, to be told at its end. */
  untold: ReadonlyElement | undefined
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
  /** How many notifications were sent, and how many of them were answered with an error. */
  readonly sent: { all: number; failed: number } = { all: 0, failed: 0 }
  /** By account, then by service and node: those that had something to tell, until their device is there again. */
  readonly #wakes = new Map<string, Map<string, Wake>>()

  constructor(host: Host, registrations: Registrations, settings: NotifierSettings, clock: Clock, log: Context['log']) {
    this.#host = host
    this.#registrations = registrations
    this.#settings = settings
    this.#clock = clock
    this.#log = log
  }

  /** Messages wait for the device of a registration: `last`, and others if `count` says so. */
  wake(account: Jid, registration: Registration, last: ReadonlyElement, count = 1): void {
    const wake = this.#of(account, registration)
    wake.count += count
    if (wake.cancel !== undefined) wake.untold = last
    else this.#send(account, wake, last)
  }

  /** The device is there: what was counted is read. Errors stay counted. */
  awake({ user, jid }: Session): void {
    for (const wake of this.#wakes.get(user.jid.toString())?.values() ?? []) {
      if (wake.registration.resource !== jid.resource) continue
      wake.count = 0
      wake.untold = undefined
      this.#forgetIfIdle(user.jid, wake)
    }
  }

  /** A registration is no more, or made anew. */
  forget(account: Jid, registration: Registration): void {
    const wakes = this.#wakes.get(account.toString())
    const key = keyOf(registration)
    wakes?.get(key)?.cancel?.()
    wakes?.delete(key)
    if (wakes?.size === 0) this.#wakes.delete(account.toString())
  }

  stop(): void {
    for (const wakes of this.#wakes.values()) for (const { cancel } of wakes.values()) cancel?.()
    this.#wakes.clear()
  }

  #of(account: Jid, registration: Registration): Wake {
    const wakes = this.#wakes.get(account.toString()) ?? new Map<string, Wake>()
    this.#wakes.set(account.toString(), wakes)
    const key = keyOf(registration)
    const wake = wakes.get(key) ?? { registration, count: 0, errors: 0, open: 0, cancel: undefined, untold: undefined }
    wakes.set(key, wake)
    return wake
  }

  #forgetIfIdle(account: Jid, { registration, count, errors, open, cancel }: Wake): void {
    if (count === 0 && errors === 0 && open === 0 && cancel === undefined) this.forget(account, registration)
  }

  #send(account: Jid, wake: Wake, last: ReadonlyElement): void {
    const { interval, answerTimeout, summary } = this.#settings
    const { registration } = wake
    wake.cancel = this.#clock.after(interval, () => {
      wake.cancel = undefined
      const { untold } = wake
      wake.untold = undefined
      if (untold !== undefined) this.#send(account, wake, untold)
      else this.#forgetIfIdle(account, wake)
    })
    wake.open++
    this.sent.all++
    const iq = notification(account.toString(), registration, wake.count, last, summary)
    void this.#host.request(iq, answerTimeout).then((answer) => {
      wake.open--
      if (answer.attrs['type'] === 'error') this.sent.failed++
      if (this.#wakes.get(account.toString())?.get(keyOf(registration)) !== wake) return
      if (answer.attrs['type'] === 'error') return this.#failed(account, wake)
      wake.errors = 0
      this.#forgetIfIdle(account, wake)
    })
  }

  #failed(account: Jid, wake: Wake): void {
    const { maxErrors } = this.#settings
    const { registration } = wake
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

function keyOf({ service, node }: Registration): string {
  return `${service}\0${node === undefined ? '' : `=${node}`}`
}
