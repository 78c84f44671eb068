import type { SaslSuccess } from '../auth/mechanism.ts'
import { Jid } from '../jid/jid.ts'
import { type GrantedLogin, type LoginRequest, loginExtensions } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { StreamError } from '../stanza/stream-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { decodeBase64, type SaslExchange, type SaslFailure, type SaslOutcome } from './sasl-exchange.ts'
import { hashOfTask, NS_UPGRADE, UpgradeTask, upgradeTasks } from './upgrade-task.ts'
import { readUserAgent } from './user-agent.ts'

/** What one element of a login comes to: an answer, or the login itself, of which the client is to be told. */
export type Sasl2Answer =
  | { readonly reply: Element; readonly tooMany?: boolean }
  | { readonly login: GrantedLogin; readonly data: Buffer | undefined }

/** A login that has succeeded but for its tasks. */
interface Tasks {
  readonly success: SaslSuccess
  /** Those still to be done, the one that is next first. */
  readonly left: string[]
  /** The one under way. */
  task: UpgradeTask | undefined
}

/** Logins in the elements of XEP-0388, with the tasks of XEP-0480. */
export class Sasl2Negotiation {
  readonly #host: Host
  readonly #exchange: SaslExchange
  /** The `from` of the stream's header. */
  readonly #from: string | undefined
  #request: LoginRequest | undefined
  #tasks: Tasks | undefined

  constructor(host: Host, exchange: SaslExchange, from: string | undefined) {
    this.#host = host
    this.#exchange = exchange
    this.#from = from
  }

  /** Whether a login is under way, so that nothing else may be said (XEP-0388 §2.4). */
  get isUnderWay(): boolean {
    return this.#request !== undefined
  }

  /**
   * Takes one element of the namespace.
   *
   * @throws StreamError for one that does not belong where it comes.
   */
  async take(element: Element): Promise<Sasl2Answer> {
    const { name } = element
    // XEP-0388 §4.8: nothing authenticates anew what is authenticated, or about to be.
    if (name === 'authenticate' && !this.isUnderWay) return await this.#begin(element)
    if (name === 'abort' && this.isUnderWay) return this.#failed(this.#exchange.fail('aborted'))
    if (this.#tasks !== undefined) {
      if (name === 'next') return this.#beginTask(this.#tasks, element.attrs['task'])
      if (name === 'task-data') return await this.#endTask(this.#tasks, element)
    } else if (name === 'response' && this.isUnderWay)
      return this.#answer(await this.#exchange.step(decodeBase64(element.getText().trim())))
    throw new StreamError('not-authorized', `There is no place for <${name}/> here.`)
  }

  async #begin(authenticate: Element): Promise<Sasl2Answer> {
    this.#checkFrom()
    const mechanism = authenticate.attrs['mechanism'] ?? ''
    const sasl = this.#exchange.surroundings
    this.#request = { host: this.#host, authenticate, userAgent: readUserAgent(authenticate), sasl }
    if (!this.#exchange.begin(mechanism, sasl, this.#own(mechanism, this.#request)))
      return this.#failed(this.#exchange.fail('invalid-mechanism'))
    const initial = authenticate.getChild('initial-response', NS.sasl2)
    // XEP-0388 §2.2: an empty element is an empty response; without one the client waits for a challenge.
    if (initial === undefined && this.#exchange.awaitsResponse) return { reply: xml('challenge', { xmlns: NS.sasl2 }) }
    return this.#answer(await this.#exchange.step(decodeBase64(initial?.getText().trim() ?? '')))
  }

  #own(mechanism: string, request: LoginRequest) {
    for (const extension of this.#host.hooks.all(loginExtensions)) {
      const steps = extension.start?.(mechanism, request)
      if (steps !== undefined) return steps
    }
    return undefined
  }

  /** XEP-0388 §2.1: whoever says who they are is of the domain they go to. */
  #checkFrom(): void {
    if (this.#from !== undefined && Jid.tryParse(this.#from)?.domain !== this.#host.domain)
      throw new StreamError('invalid-from', 'The stream comes from an address of another domain.')
  }

  #answer(outcome: SaslOutcome): Sasl2Answer {
    switch (outcome.kind) {
      case 'challenge':
        return { reply: xml('challenge', { xmlns: NS.sasl2 }, outcome.data.toString('base64')) }
      case 'failure':
        return this.#failed(outcome)
      case 'success':
        return this.#proven(outcome)
    }
  }

  #proven(success: SaslSuccess): Sasl2Answer {
    const from = this.#from === undefined ? undefined : Jid.tryParse(this.#from)
    // XEP-0388 §2.3: the address that the header names is that of the account.
    if (from !== undefined && from.local !== '' && from.local !== success.local)
      return this.#failed(this.#exchange.fail('invalid-authzid', 'The stream comes from another account.'))
    const left = this.#wantedTasks(success)
    if (left.length === 0) return this.#granted(success, success.data)
    this.#tasks = { success, left, task: undefined }
    return { reply: toContinue(left[0]!, success.data) }
  }

  /** XEP-0480 §2.2: what the client asks for, where it is of use. */
  #wantedTasks({ upgrade }: SaslSuccess): string[] {
    const asked = this.#request!.authenticate.getChildren('upgrade', NS_UPGRADE).map((el) => el.getText().trim())
    const known = upgradeTasks(this.#exchange.offer.mechanisms).filter((task) => asked.includes(task))
    return known.filter((task) => upgrade?.hashes.includes(hashOfTask(task)!) === true)
  }

  #beginTask(tasks: Tasks, name: string | undefined): Sasl2Answer {
    if (name !== tasks.left[0] || tasks.task !== undefined)
      return this.#failed(this.#exchange.fail('malformed-request', 'That task is not the next one.'))
    tasks.task = new UpgradeTask(hashOfTask(name!)!, this.#host.accounts.iterations)
    return { reply: xml('task-data', { xmlns: NS.sasl2 }, tasks.task.salt()) }
  }

  async #endTask(tasks: Tasks, data: Element): Promise<Sasl2Answer> {
    const keys = tasks.task?.keys(data)
    if (keys === undefined)
      return this.#failed(this.#exchange.fail('malformed-request', 'That is not what the task is about.'))
    const { success, left } = tasks
    let kept: boolean
    try {
      kept = await this.#host.accounts.addKeys(success.local, keys, success.upgrade!.verified)
    } catch {
      return this.#failed({ kind: 'failure', condition: 'temporary-auth-failure', tooMany: false })
    }
    // Another password has been set meanwhile.
    if (!kept) return this.#failed(this.#exchange.fail('not-authorized'))
    left.shift()
    tasks.task = undefined
    // XEP-0388 §2.6.1: the data of the mechanism has gone with the first <continue/>.
    return left.length > 0 ? { reply: toContinue(left[0]!, undefined) } : this.#granted(success, undefined)
  }

  #granted({ local, by = 'password', passwordVersion }: SaslSuccess, data: Buffer | undefined): Sasl2Answer {
    const account = Jid.of(local, this.#host.domain)
    return { login: { ...this.#request!, account, by, passwordVersion }, data }
  }

  /** Forgets the login that was under way: another may begin. */
  reset(): void {
    this.#request = undefined
    this.#tasks = undefined
  }

  #failed({ condition, text, tooMany }: SaslFailure): Sasl2Answer {
    this.reset()
    return { reply: sasl2Failure(condition, text), tooMany }
  }
}

/** XEP-0388 §2.6.2; the conditions are those of RFC 6120 §6.5, in their own namespace. */
export function sasl2Failure(condition: SaslFailure['condition'], text?: string, more?: Element): Element {
  return xml(
    'failure',
    { xmlns: NS.sasl2 },
    xml(condition, { xmlns: NS.sasl }),
    more,
    text !== undefined && xml('text', null, text),
  )
}

function toContinue(task: string, data: Buffer | undefined): Element {
  return xml('continue', { xmlns: NS.sasl2 }, additionalData(data), xml('tasks', null, xml('task', null, task)))
}

/** What a mechanism tells with its success, if anything. */
export function additionalData(data: Buffer | undefined): Element | undefined {
  return data && xml('additional-data', null, data.toString('base64'))
}
