import { randomUUID } from 'node:crypto'
import { Connection, NotLetIn } from './connection.ts'
import type { Doer, Life } from './doer.ts'
import { Possible } from './possible.ts'

const refused = 'not-authorized'
/** How many passwords of before are tried. */
const tried = 2

/** Somebody who changes the password again and again (XEP-0077 §3.3). */
export class PasswordLife implements Life {
  readonly #doer: Doer
  readonly #state: Possible<string>
  #past: string[] = []

  constructor(doer: Doer) {
    this.#doer = doer
    this.#state = new Possible(`the password of ${doer.local}`, doer.target.password)
  }

  async prepares(): Promise<void> {
    for (const password of this.#state.states) {
      if (!(await this.#opens(password))) continue
      this.#doer.target = { ...this.#doer.target, password }
      return
    }
    throw new Error(`${this.#doer.local} can log in with none of ${this.#state.states.join(', ')}`)
  }

  async acts(): Promise<void> {
    const next = randomUUID()
    this.#past = [...this.#past, ...this.#state.states].slice(-tried)
    const query = `<query xmlns='jabber:iq:register'><username>${this.#doer.local}</username><password>${next}</password></query>`
    await this.#doer.tries(
      this.#state,
      () => this.#doer.asks('set', query),
      () => next,
    )
  }

  /** One password opens, and it is one that it can be. */
  async checks(): Promise<void> {
    const { local, findings } = this.#doer
    const opening: string[] = []
    for (const password of new Set([...this.#state.states, ...this.#past]))
      if (await this.#opens(password)) opening.push(password)
    if (opening.length === 1) findings.finds(this.#state.sees(opening[0]!))
    else if (opening.length === 0) findings.blames('lost', `${local} can log in with no password it may have`)
    else findings.blames('broken', `${local} can log in with ${opening.length} passwords`)
  }

  async #opens(password: string): Promise<boolean> {
    try {
      const connection = await Connection.login({ ...this.#doer.target, password }, this.#doer.local)
      connection.cut('close')
      return true
    } catch (error) {
      if (error instanceof NotLetIn && error.condition === refused) return false
      throw error
    }
  }
}
