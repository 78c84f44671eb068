import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { keyOf } from '../../modules/upload/slot-key.ts'
import { askRunningServer } from '../../src/net/control-socket.ts'
import { Asker } from './asker.ts'
import { Disconnected } from './connection.ts'
import { anyOf } from './doer.ts'
import type { Findings } from './findings.ts'
import { Refused } from './room-person.ts'
import type { ServerProcess } from './server.ts'
import { get, type Manner, manners, type Place, put } from './transfer.ts'

const NS = 'urn:xmpp:http:upload:0'
const [leastBytes, mostBytes] = [10 * 1024, 8 * 1024 * 1024]
/** What all files are parts of. */
const matter = randomBytes(2 * mostBytes)
/** Files that one sends at the same time. */
const atOnce = 3

/** What all files of an account may take up. */
export const quotaBytes = 4 * 1024 ** 3

/** A file that somebody has a slot for. */
interface Upload extends Place {
  /** By what the server keeps it. */
  readonly key: string
  readonly content: Buffer
  /** Whether all of it has been sent at least once. */
  whole: boolean
  /** Whether it is known to be there: it was answered 201, or it was seen. */
  there: boolean
  /** Whether its removal was asked for: it may be there or not. */
  leaves: boolean
}

/** What was counted. */
export interface SenderFigures {
  /** Answers that a file is there. */
  acknowledged: number
  /** Files without an answer; of these, files that were there all the same, and files that were sent anew. */
  unanswered: number
  kept: number
  again: number
  /** Looks at files. */
  looks: number
  removed: number
}

/** Somebody who sends one file after the other, several at the same time, and knows what has to be there. */
export class Sender {
  readonly local: string
  readonly figures: SenderFigures = { acknowledged: 0, unanswered: 0, kept: 0, again: 0, looks: 0, removed: 0 }
  readonly #server: ServerProcess
  /** The data folder of the server. */
  readonly #data: string
  readonly #findings: Findings
  readonly #uploads: Upload[] = []
  /** Files that were removed. */
  readonly #gone: Upload[] = []
  /** Files not looked at since something happened to them. */
  readonly #fresh = new Set<Upload>()
  /** What may have been announced, of requests that were not answered. */
  #perhapsBytes = 0
  #asker: Asker | undefined
  #goesOn = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(server: ServerProcess, data: string, findings: Findings, local: string) {
    this.#server = server
    this.#data = data
    this.#findings = findings
    this.local = local
  }

  /** Keys of all files that have to be there. */
  get keys(): string[] {
    return this.#uploads.filter(({ there }) => there).map(({ key }) => key)
  }

  async comes(): Promise<void> {
    this.#asker?.cut()
    this.#asker = await Asker.login(this.#server.target, this.local, (reason) => {
      if (!this.#findings.mayBeDropped) this.#findings.blames('broken', `${this.local} was dropped: ${reason}`)
    })
  }

  leaves(): void {
    this.#goesOn = false
    this.#asker?.cut()
  }

  /** Sends files until {@link rests} or the end of the server. */
  begins(): void {
    this.#goesOn = true
    this.#running = Promise.all(Array.from({ length: atOnce }, () => this.#run()))
  }

  /** Resolves when nothing is under way. */
  async rests(): Promise<void> {
    this.#goesOn = false
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#goesOn)
      try {
        const upload = await this.#announces()
        await this.#sends(upload, anyOf(manners))
        await pause(Math.random() * 30)
      } catch (error) {
        if (error instanceof Disconnected && this.#findings.mayBeDropped) return
        return this.#findings.blames('broken', `${this.local}: ${(error as Error).stack}`)
      }
  }

  async #announces(): Promise<Upload> {
    // As many of one order of magnitude as of another.
    const size = Math.floor(leastBytes * (mostBytes / leastBytes) ** Math.random())
    const from = Math.floor(Math.random() * (matter.length - size))
    const name = `${this.#uploads.length}.bin`
    this.#perhapsBytes += size
    const place = await this.#asks(name, size)
    this.#perhapsBytes -= size
    const key = keyOf(place.path.split('/')[2]!, name)
    const content = matter.subarray(from, from + size)
    const upload: Upload = { ...place, key, content, whole: false, there: false, leaves: false }
    this.#uploads.push(upload)
    return upload
  }

  /** @throws Refused Disconnected */
  async #asks(name: string, size: number): Promise<Place> {
    const request = `<request xmlns='${NS}' filename='${name}' size='${size}'/>`
    const slot = await this.#asker!.asks('get', request, `upload.${this.#server.target.domain}`)
    const to = slot!.getChild('put')!
    const { pathname: path } = new URL(to.attrs['url']!)
    return { port: this.#server.webPort!, path, token: to.getChildText('header')! }
  }

  async #sends(upload: Upload, manner: Manner): Promise<void> {
    this.#fresh.add(upload)
    upload.whole ||= manner !== 'half'
    const peeps = async () => {
      const { status } = await get(upload)
      if (status !== 404) this.#blames('strange', upload, `${status} while it comes`)
    }
    try {
      const status = await put(upload, upload.content, manner, Math.random() < 0.2 ? peeps : undefined)
      if (status === 201) this.#isThere(upload)
      // Whoever is told to stop says so to those whose files it does not take any more.
      else if (status !== 503 || !this.#findings.mayBeDropped) this.#blames('broken', upload, `refused with ${status}`)
    } catch (error) {
      if (!(error instanceof Disconnected)) throw error
      this.figures.unanswered++
      if (manner !== 'half') throw error
    }
    if (upload.there && Math.random() < 0.2) await this.#isUsed(upload)
    if (upload.there && Math.random() < 0.2) await this.#removes(upload)
  }

  /** Has an admin remove a file. @throws Disconnected */
  async #removes(upload: Upload): Promise<void> {
    const isAskedAgain = upload.leaves
    upload.leaves = true
    const { domain } = this.#server.target
    const args = [domain, `http://${domain}${upload.path}`]
    const reply = await askRunningServer(this.#data, 'upload delete', args).catch(() => undefined)
    if (reply === undefined) throw new Disconnected('no answer to a command')
    // Where it was removed already, and that was not answered, there is none.
    if (reply.error !== undefined && !(isAskedAgain && reply.error.startsWith('There is no file')))
      this.#blames('broken', upload, `not removed: ${reply.error}`)
    this.#uploads.splice(this.#uploads.indexOf(upload), 1)
    this.#gone.push(upload)
    this.figures.removed++
  }

  #isThere(upload: Upload): void {
    upload.there = true
    this.figures.acknowledged++
    this.#findings.changed()
  }

  /** The token of a file that is there takes no other: not a byte of it is looked at. */
  async #isUsed(upload: Upload): Promise<void> {
    const other = Buffer.alloc(upload.content.length, 'other')
    const status = await put(upload, other)
    if (status !== 409) this.#blames('doubled', upload, `its token was good for another: ${status}`)
  }

  /**
   * Looks at all files of which something is not known, and at a share of the others, when nothing has been sent since a start. Those that did
   * not come are sent anew, so that nothing is open then.
   */
  async checks(share: number): Promise<void> {
    const looks = async (uploads: readonly Upload[], look: (upload: Upload) => Promise<void>) => {
      for (const upload of uploads)
        if (this.#fresh.has(upload) || Math.random() < share) {
          await look(upload)
          this.figures.looks++
        }
    }
    await looks([...this.#gone], (upload) => this.#isGone(upload))
    await looks([...this.#uploads], (upload) => this.#checks(upload))
    this.#fresh.clear()
    await this.#isCounted()
  }

  async #isGone(upload: Upload): Promise<void> {
    const { status } = await get(upload)
    if (status !== 404) this.#blames('strange', upload, `it was removed, but: ${status}`)
    const again = await put(upload, upload.content)
    if (again !== 404) this.#blames('strange', upload, `it was removed, but its token is good for another: ${again}`)
  }

  async #checks(upload: Upload): Promise<void> {
    if (upload.leaves) {
      const { status } = await get(upload)
      if (status !== 404) upload.leaves = false
      // Its bytes are gone; that it is to be counted no more may not have come to pass.
      else return await this.#removes(upload)
    }
    if (!upload.there && (await get(upload)).status === 404) await this.#sendsAnew(upload)
    const { status, bytes } = await get(upload)
    if (status !== 200) return this.#blames(upload.there ? 'lost' : 'broken', upload, String(status))
    if (!upload.whole) this.#blames('strange', upload, 'nobody has sent all of it')
    if (!bytes.equals(upload.content))
      this.#blames('changed', upload, `${bytes.length} bytes came of ${upload.content.length}`)
    if (!upload.there) {
      this.figures.kept++
      upload.there = true
    }
    const { length } = upload.content
    const start = Math.floor(Math.random() * length)
    const part = await get(upload, `${start}-`)
    if (part.status !== 206 || !part.bytes.equals(upload.content.subarray(start)))
      this.#blames('changed', upload, `${part.status} with ${part.bytes.length} bytes from ${start} on`)
    await this.#isUsed(upload)
  }

  /** The slot of a file that did not come is as good as it was. */
  async #sendsAnew(upload: Upload): Promise<void> {
    upload.whole = true
    const status = await put(upload, upload.content)
    if (status !== 201) return this.#blames('lost', upload, `its slot is good for nothing: ${status}`)
    this.figures.again++
    this.#isThere(upload)
  }

  /** What is counted is what is there, at least: there is no room for a byte more than what is left. */
  async #isCounted(): Promise<void> {
    if (await this.#hasRoom(this.#leftBytes + 1))
      this.#findings.blames('broken', `${this.local} has room for more than ${this.#leftBytes} bytes`)
  }

  /** And it is that at most: all that is left can be had. From then on nothing can be announced any more. */
  async checksQuota(): Promise<void> {
    const bytes = this.#leftBytes - this.#perhapsBytes
    if (!(await this.#hasRoom(bytes))) this.#findings.blames('broken', `${this.local} has no room for ${bytes} bytes`)
  }

  get #leftBytes(): number {
    return this.#uploads.reduce((left, { content }) => left - content.length, quotaBytes)
  }

  async #hasRoom(size: number): Promise<boolean> {
    try {
      await this.#asks('room', size)
      return true
    } catch (error) {
      if (error instanceof Refused && error.condition === 'resource-constraint') return false
      throw error
    }
  }

  #blames(wrong: 'broken' | 'changed' | 'doubled' | 'lost' | 'strange', { path }: Upload, what: string): void {
    this.#findings.blames(wrong, `${path} of ${this.local}: ${what}`)
  }
}
