import { type Clock, type Context, Handover, type Host, isUnavailable, Jid } from '#api'
import { Ledger, type LedgerSurroundings } from './ledger.ts'
import type { Resumptions } from './resumptions.ts'
import { fill, type SessionState, toSaved } from './saved-session.ts'
import type { ResumableStore, SavedSession } from './store.ts'

/** Sessions saved, or made again, at a time. */
const SESSIONS = 50
/** Characters of them in one transaction, about. */
const CHARACTERS = 1 << 22
/** For how long sessions are tried to be saved while the database is away, and how often, in ms. */
const RETRY_MS = 10_000
const RETRY_EVERY_MS = 250

type Saved = ReturnType<typeof toSaved>

/**
 * How resting sessions outlive a restart of the server: saved when it stops in order, made again before it listens.
 *
 * What is saved of a session stays on disk until its client is back or its time is over, so that a crash soon after the start
 * takes nothing of it.
 */
export class Restart {
  readonly #host: Host
  readonly #store: ResumableStore
  readonly #resumptions: Resumptions
  readonly #surroundings: LedgerSurroundings
  readonly #log: Context['log']

  constructor(
    host: Host,
    store: ResumableStore,
    resumptions: Resumptions,
    surroundings: LedgerSurroundings,
    log: Context['log'],
  ) {
    this.#host = host
    this.#store = store
    this.#resumptions = resumptions
    this.#surroundings = surroundings
    this.#log = log
  }

  /** Saves every session that rests; to this process it is over, without a word to anybody. */
  async save(): Promise<void> {
    const shared = new Map<Handover, string>()
    const resting = [...this.#resumptions.all()].filter(({ ledger: { session } }) => session.live && session.resting)
    const saved = resting.map((resumption) => toSaved(resumption, shared))
    for (const { ledger } of resting) {
      ledger.session.live = false
      ledger.letGo()
    }
    let part: Saved[] = []
    let characters = 0
    for (const [index, one] of saved.entries()) {
      part.push(one)
      characters += one.session.state.length
      for (const { stanza } of one.stanzas) characters += stanza.length
      if (part.length < SESSIONS && characters < CHARACTERS && index + 1 < saved.length) continue
      await this.#save(part)
      part = []
      characters = 0
    }
    if (saved.length > 0) this.#log.info({ sessions: saved.length }, 'resting sessions are saved')
  }

  /** Saves sessions together; those that cannot be saved fail alone. Rejects when the database stays away. */
  async #save(part: readonly Saved[], giveUpMs = this.#clock.now() + RETRY_MS): Promise<void> {
    try {
      await this.#store.save(part, this.#clock.now())
    } catch (error) {
      if (isUnavailable(error)) {
        if (this.#clock.now() >= giveUpMs) throw error
        await new Promise<void>((resolve) => this.#clock.after(RETRY_EVERY_MS, resolve))
        await this.#save(part, giveUpMs)
      } else if (part.length > 1) for (const one of part) await this.#save([one], giveUpMs)
      else {
        const account = `${part[0]?.session.local}@${this.#host.domain}`
        this.#log.error({ err: error, account }, 'a resting session could not be saved')
      }
    }
  }

  get #clock(): Clock {
    return this.#surroundings.clock
  }

  /**
   * Makes the saved sessions again. Those whose time is over end at once, after all others are there, which may get what
   * they leave. `may` says whether anybody can come back at all.
   */
  async restore(may: boolean): Promise<void> {
    const shared = new Map<string, Handover>()
    const late: SavedSession[] = []
    let restored = 0
    for (let after = ''; ; ) {
      const page = await this.#store.page(after, SESSIONS)
      const inTime = page.filter((saved) => may && stateOf(saved).untilMs > this.#clock.now())
      late.push(...page.filter((saved) => !inTime.includes(saved)))
      await Promise.all(inTime.map((saved) => this.#restoreOne(saved, shared)))
      restored += inTime.length
      if (page.length < SESSIONS) break
      after = page.at(-1)!.hash
    }
    for (const saved of late) (await this.#restoreOne(saved, shared))?.close()
    if (restored + late.length > 0) this.#log.info({ restored, late: late.length }, 'saved sessions rest again')
  }

  async #restoreOne(saved: SavedSession, shared: Map<string, Handover>) {
    const state = stateOf(saved)
    try {
      const stanzas = await this.#store.stanzas(saved.hash)
      const jid = Jid.of(saved.local, this.#host.domain).withResource(state.resource)
      const session = await this.#host.restore(jid, state.sinceMs)
      fill(session, state)
      const ledger = new Ledger(session, this.#surroundings, {
        acknowledged: state.acknowledged,
        handled: saved.handled,
      })
      for (const { stanza, handover, sinceMs, owed } of stanzas) {
        if (handover !== null && !shared.has(handover))
          shared.set(handover, new Handover(owed ?? stanza, sinceMs ?? state.sinceMs))
        ledger.take({ text: stanza, handover: handover === null ? undefined : shared.get(handover) })
      }
      session.queue = ledger
      const { maxMs, untilMs } = state
      this.#resumptions.endLater(this.#resumptions.keep({ hash: saved.hash, ledger, maxMs, untilMs, saved: true }))
      return session
    } catch (error) {
      // Better not to start than to forget it until the next start.
      if (isUnavailable(error)) throw error
      // Its account may be gone; or something is wrong with it alone, and the others must not suffer.
      this.#log.warn(
        { err: error, account: `${saved.local}@${this.#host.domain}` },
        'a saved session could not be made again',
      )
      return undefined
    }
  }
}

function stateOf({ state }: SavedSession): SessionState {
  return JSON.parse(state) as SessionState
}
