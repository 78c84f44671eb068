import { createHmac, randomUUID } from 'node:crypto'
import type { Element } from '../../src/api.ts'
import { Connection, NotLetIn } from './connection.ts'
import type { Doer, Life } from './doer.ts'

const NS = 'urn:xmpp:fast:0'
const NS_SASL2 = 'urn:xmpp:sasl:2'
const MECHANISM = 'HT-SHA-256-NONE'

/** Somebody who comes back again and again with a token, and gets a new one each time (XEP-0484 §3.5). */
export class TokenLife implements Life {
  readonly #doer: Doer
  readonly #client = randomUUID()
  /** The tokens that came, the newest last. */
  #tokens: string[] = []

  constructor(doer: Doer) {
    this.#doer = doer
  }

  async acts(): Promise<void> {
    const request = `<request-token xmlns='${NS}' mechanism='${MECHANISM}'/>`
    const newest = this.#tokens.at(-1)
    const success = newest === undefined ? await this.#byPassword(request) : await this.#byToken(newest, request)
    const token = success.getChild('token', NS)?.attrs['token']
    // The database went away once the old one was looked at: whoever is let in all the same keeps it.
    if (token === undefined) throw new NotLetIn(this.#doer.local, success, 'temporary-auth-failure')
    this.#tokens = [...this.#tokens, token].slice(-3)
    this.#doer.succeeds()
  }

  /** The newest token opens; the one before it does until it has; none older. */
  async checks(): Promise<void> {
    const { findings, local } = this.#doer
    const [newest, before, older] = this.#tokens.toReversed()
    if (newest === undefined) return
    // One before may open as long as the newest has not been used, but it must not cost it that: it is tried first.
    const isBefore = before !== undefined && (await this.#opens(before))
    if (!(await this.#opens(newest)))
      findings.blames(
        'lost',
        `${local} is not let in with its newest token, ${isBefore ? 'but' : 'nor'} the one before`,
      )
    for (const past of [before, older])
      if (past !== undefined && (await this.#opens(past)))
        findings.blames('broken', `${local} is let in with a token of before`)
  }

  async #opens(token: string): Promise<boolean> {
    try {
      await this.#byToken(token)
      return true
    } catch (error) {
      if (error instanceof NotLetIn && error.condition === 'not-authorized') return false
      throw error
    }
  }

  #byPassword(inline: string): Promise<Element> {
    const { local, target } = this.#doer
    return this.#logsIn('PLAIN', Buffer.from(`\0${local}\0${target.password}`), inline)
  }

  /** Checks that the server has the token too. */
  async #byToken(token: string, inline = ''): Promise<Element> {
    const { local } = this.#doer
    const keyed = (role: string) => createHmac('sha256', token).update(role).digest()
    const proof = Buffer.concat([Buffer.from(`${local}\0`), keyed('Initiator')])
    const success = await this.#logsIn(MECHANISM, proof, `<fast xmlns='${NS}'/>${inline}`)
    if (success.getChildText('additional-data', NS_SASL2) !== keyed('Responder').toString('base64'))
      this.#doer.findings.blames('broken', `${local}: the server does not know its token`)
    return success
  }

  /** Logs in over a connection of its own, with TLS (XEP-0388 §4), which is lost then. @throws NotLetIn */
  async #logsIn(mechanism: string, initial: Buffer, inline: string): Promise<Element> {
    const { connection } = await Connection.open(this.#doer.target)
    try {
      await connection.secures(this.#doer.target.domain)
      const said = `<initial-response>${initial.toString('base64')}</initial-response><user-agent id='${this.#client}'/>`
      connection.write(`<authenticate xmlns='${NS_SASL2}' mechanism='${mechanism}'>${said}${inline}</authenticate>`)
      const answer = await connection.next()
      if (answer.name !== 'success') throw new NotLetIn(this.#doer.local, answer)
      return answer
    } finally {
      connection.cut('close')
    }
  }
}
