import { headline, KeyedQueue, type Session } from '#api'
import type { StandingText, StandingTexts } from './standing-texts.ts'
import type { Visits } from './visits.ts'

/** What greeting needs to know of accounts. */
export interface Newcomers {
  /** When an account was made, ms since the epoch; `undefined` when it is no more. */
  madeMs(local: string): Promise<number | undefined>
}

/** Gives people the message of the day once, and newcomers the welcome (XEP-0133 §4.24, §4.27). */
export class Greeting {
  readonly #texts: StandingTexts
  readonly #visits: Visits
  readonly #newcomers: Newcomers
  /** One at a time for each account, so that two of its clients do not both get it. */
  readonly #queue = new KeyedQueue()

  constructor(texts: StandingTexts, visits: Visits, newcomers: Newcomers) {
    this.#texts = texts
    this.#visits = visits
    this.#newcomers = newcomers
  }

  /** Greets a session that has announced itself; at once when there is nothing to say. */
  greet(session: Session): void | Promise<void> {
    if (this.#texts.get('motd') === undefined && this.#texts.get('welcome') === undefined) return
    return this.#queue.run(session.user.jid.local, () => this.#greet(session))
  }

  /** Notes that whoever is available now has seen the message of the day. */
  seenBy(locals: Iterable<string>, { setMs }: StandingText): void {
    for (const local of locals) this.#visits.note(local, { motdMs: setMs })
  }

  async idle(): Promise<void> {
    await this.#queue.idle()
  }

  async #greet(session: Session): Promise<void> {
    const { local } = session.user.jid
    const [visit] = await this.#visits.find([local])
    const { motdMs, welcomed } = visit!
    const welcome = this.#texts.get('welcome')
    if (welcome !== undefined && !welcomed) {
      const madeMs = await this.#newcomers.madeMs(local)
      // Somebody who was here before there was a welcome is no newcomer.
      if (madeMs === undefined || (madeMs >= welcome.setMs && !say(session, 'Welcome', welcome))) return
      this.#visits.note(local, { welcomed: true })
    }
    const motd = this.#texts.get('motd')
    if (motd === undefined || motdMs >= motd.setMs || !say(session, 'Message of the day', motd)) return
    this.#visits.note(local, { motdMs: motd.setMs })
  }
}

function say(session: Session, subject: string, { text }: StandingText): boolean {
  const message = headline(session.host.domain, subject, text)
  message.attrs['to'] = session.address
  return session.send(message)
}
