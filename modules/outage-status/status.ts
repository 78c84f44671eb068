import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cancel, type Clock, CommandError, type KeyValue } from '#api'
import { documentOf, type Outage, type StatusDocument } from './outage.ts'

const KEY = 'outage'
/** Longest time to the next look at whether an outage is over. */
const LOOK_MS = 86_400_000

/** The outage that is announced for a host, if any: in the database, and in the file that a web server publishes. */
export class OutageStatus {
  readonly #kv: KeyValue
  readonly #clock: Clock
  readonly #file: string | undefined
  readonly #onFailure: (error: Error) => void
  #outage: Outage | undefined
  #cancel: Cancel = () => {}
  #writing: Promise<void> = Promise.resolve()

  /** `folder` takes the file `DOMAIN.json`; without one there is none. `onFailure` hears when it cannot be written in the end. */
  constructor(
    kv: KeyValue,
    clock: Clock,
    domain: string,
    folder: string | undefined,
    onFailure: (error: Error) => void = () => {},
  ) {
    this.#onFailure = onFailure
    this.#kv = kv
    this.#clock = clock
    this.#file = folder === undefined ? undefined : join(folder, `${domain}.json`)
  }

  /** Reads what was announced before the server was restarted. */
  async load(): Promise<void> {
    const text = await this.#kv.get(KEY)
    this.#outage = text === undefined ? undefined : (JSON.parse(text) as Outage)
  }

  /** What is announced and not over yet. */
  get outage(): Outage | undefined {
    const end = this.#outage?.endMs
    return end !== undefined && end <= this.#clock.now() ? undefined : this.#outage
  }

  /** What clients fetch (XEP-0455 §2.2). */
  get document(): StatusDocument {
    return documentOf(this.outage)
  }

  /** Announces an outage, or that there is none. @throws CommandError when the file cannot be written; the rest is done. */
  async announce(outage: Outage | undefined): Promise<void> {
    if (outage === undefined) await this.#kv.delete(KEY)
    else await this.#kv.set(KEY, JSON.stringify(outage))
    this.#outage = outage
    await this.publish().catch((error: Error) => {
      throw new CommandError(`${this.#file} could not be written, so it says what it said before: ${error.message}`)
    })
  }

  /** Writes the file, whole: whoever reads it meanwhile has the old one or the new one. And again when the outage is over. */
  async publish(): Promise<void> {
    this.#cancel()
    if (this.#file === undefined) return
    const end = this.outage?.endMs
    if (end !== undefined)
      this.#cancel = this.#clock.after(Math.min(end - this.#clock.now(), LOOK_MS), () => {
        this.publish().catch(this.#onFailure)
      })
    const work = this.#writing.catch(() => {}).then(() => this.#write(this.#file!))
    this.#writing = work
    await work
  }

  /** Settles when nothing is written any more. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#writing.catch(() => {})
  }

  async #write(file: string): Promise<void> {
    const draft = `${file}.new`
    await writeFile(draft, `${JSON.stringify(this.document, undefined, 2)}\n`)
    await rename(draft, file)
  }
}
