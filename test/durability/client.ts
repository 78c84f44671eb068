import { type Element, serialize } from '../../src/api.ts'
import { Connection, type Cut, Disconnected, type Target } from './connection.ts'

const SM = 'urn:xmpp:sm:3'
const patienceMs = 60_000

/** What a client's owner hears. All of it is called synchronously, in the order of the stream. */
export interface Listener {
  /** A message that is no error and no answer to an archive query. */
  message(message: Element): void
  /** Presence of any kind. */
  presence?(presence: Element): void
  /** A message of type error. */
  refused(message: Element): void
  /** The server has acknowledged the message that was sent with this tag. */
  acknowledged(tag: unknown): void
  /** The connection went, and it was not cut here. */
  dropped(reason: string): void
  /** The server broke the rules of XEP-0198 or RFC 6120. */
  fault(what: string): void
}

/** A stanza that waits to be acknowledged. */
export interface Sent {
  readonly text: string
  readonly tag: unknown
}

interface Asking {
  readonly to?: string
  /** Takes the `<result/>` elements of XEP-0313. */
  readonly collects?: (result: Element) => void
}

interface Question {
  readonly resolve: (answer: Element) => void
  readonly reject: (error: Error) => void
  readonly collects: ((result: Element) => void) | undefined
  /** Whose archive is read. */
  readonly of: string
}

/** How an attempt to resume ended. */
export interface Resumption {
  readonly resumed: boolean
  /** What the server says it has handled, where it says so. */
  readonly h: number | undefined
  /** The condition of `<failed/>`. */
  readonly condition: string | undefined
}

/** A client with stream management (XEP-0198): one session over as many connections as it takes. */
export class Client {
  readonly local: string
  readonly resource: string
  readonly bare: string
  jid = ''
  /** Says what is heard in the place of an element that came and was counted: what a faulty server might have sent. */
  tamper: ((element: Element) => readonly Element[]) | undefined
  readonly #target: Target
  readonly #listener: Listener
  #connection: Connection | undefined
  #resumeId: string | undefined
  #managed = false
  /** Stanzas of the server that were handled here, in this session. */
  #received = 0
  /** Stanzas sent in this session that the server has acknowledged; the others wait in the queue. */
  #acked = 0
  #unacked: Sent[] = []
  readonly #questions = new Map<string, Question>()
  #counter = 0

  constructor(target: Target, local: string, resource: string, listener: Listener) {
    this.#target = target
    this.local = local
    this.resource = resource
    this.bare = `${local}@${target.domain}`
    this.#listener = listener
  }

  /** Whether it is bound and connected. */
  get live(): boolean {
    return this.#connection !== undefined && !this.#connection.gone
  }

  /** Logs in, binds, enables stream management unless told not to, becomes available. Resolves when it is. */
  async login(management: 'resumable' | 'none' = 'resumable'): Promise<void> {
    const connection = await Connection.login(this.#target, this.local)
    await this.#bind(connection, management)
  }

  /**
   * Tries to resume; resolves with what the server said. When refused, it binds anew on the same connection, and what was
   * not acknowledged is forgotten, not sent again. `early` is awaited after `<resume/>` was sent and then cuts again.
   */
  async resumes(early?: Promise<void>): Promise<Resumption> {
    const connection = await Connection.login(this.#target, this.local)
    connection.write(`<resume xmlns='${SM}' previd='${this.#resumeId}' h='${this.#received}'/>`)
    if (early !== undefined) {
      await early
      connection.cut('close')
      throw new Disconnected('cut while resuming')
    }
    const answer = await connection.next()
    const h = answer.attrs['h'] === undefined ? undefined : Number(answer.attrs['h'])
    if (answer.name === 'resumed') {
      if (h === undefined || answer.attrs['previd'] !== this.#resumeId)
        this.#listener.fault(`${this.jid}: ${serialize(answer)}`)
      this.#handled(h ?? 0)
      this.#connection = connection
      // XEP-0198 §5: what was not handled is sent again, in order, before anything new.
      connection.write(`${this.#unacked.map(({ text }) => text).join('')}<r xmlns='${SM}'/>`)
      this.#listen(connection)
      return { resumed: true, h, condition: undefined }
    }
    if (answer.name !== 'failed') throw new Error(`${this.jid}: no answer to resume: ${serialize(answer)}`)
    if (h !== undefined) this.#handledAtLeast(h)
    await this.#bind(connection, 'resumable')
    return { resumed: false, h, condition: answer.getChildElements()[0]?.name }
  }

  /** Sends a stanza; `tag` comes back when it is acknowledged. May be called while disconnected: it goes out on resumption. */
  send(text: string, tag?: unknown): void {
    if (this.#managed) this.#unacked.push({ text, tag })
    this.#connection?.write(text)
  }

  /** Asks the server how much it has handled. */
  asksForAck(): void {
    this.#connection?.write(`<r xmlns='${SM}'/>`)
  }

  /** Sends a request and resolves with its answer; an archive query's results go to `collects` meanwhile. */
  async asks(type: 'get' | 'set', payload: (id: string) => string, options: Asking = {}): Promise<Element> {
    const id = `ask${this.#counter++}`
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<Element>((resolve, reject) => {
      this.#questions.set(id, { resolve, reject, collects: options.collects, of: options.to ?? this.bare })
      timer = setTimeout(() => reject(new Error(`${this.jid} got no answer to ${payload(id)}`)), patienceMs)
    })
    const address = options.to === undefined ? '' : ` to='${options.to}'`
    this.send(`<iq id='${id}' type='${type}'${address}>${payload(id)}</iq>`)
    try {
      return await answer
    } finally {
      clearTimeout(timer)
      this.#questions.delete(id)
    }
  }

  /**
   * Loses the connection on purpose; resolves when it is closed, which in silence is when the server gives it up.
   * `halfway` is a stanza that is only begun on it, and sent again as a whole on resumption.
   */
  cut(how: Cut = 'close', halfway?: Sent): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return Promise.resolve()
    this.#connection = undefined
    if (halfway !== undefined) this.#unacked.push(halfway)
    connection.cut(how, halfway?.text.slice(0, Math.ceil(halfway.text.length / 2)))
    return connection.closed()
  }

  /** Ends the session with a closing tag. */
  async leave(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    connection?.listen(
      () => {},
      () => {},
    )
    await connection?.leave()
  }

  async #bind(connection: Connection, management: 'resumable' | 'none'): Promise<void> {
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${this.resource}</resource></bind>`
    connection.write(`<iq type='set' id='bind'>${bind}</iq>`)
    const bound = await connection.next()
    const jid = bound.getChild('bind')?.getChildText('jid')
    if (typeof jid !== 'string' || bound.attrs['type'] !== 'result')
      throw new Error(`${this.bare}: not bound: ${serialize(bound)}`)
    this.jid = jid
    this.#received = this.#acked = 0
    this.#unacked = []
    this.#managed = management === 'resumable'
    for (const question of this.#questions.values()) question.reject(new Disconnected('the session was lost'))
    if (this.#managed) await this.#enable(connection)
    this.#connection = connection
    this.#listen(connection)
    this.send('<presence/>')
    // What is sent to one side is handled in order: the answer says that presence was.
    await this.asks('get', () => `<ping xmlns='urn:xmpp:ping'/>`, { to: this.#target.domain })
  }

  async #enable(connection: Connection): Promise<void> {
    connection.write(`<enable xmlns='${SM}' resume='true'/>`)
    const enabled = await connection.next()
    if (enabled.name !== 'enabled' || enabled.attrs['id'] === undefined)
      throw new Error(`${this.jid}: no stream management: ${serialize(enabled)}`)
    this.#resumeId = enabled.attrs['id']
  }

  #listen(connection: Connection): void {
    connection.listen(
      (element) => {
        if (['message', 'presence', 'iq'].includes(element.name)) this.#received++
        if (this.tamper === undefined) this.#take(element)
        else for (const one of this.tamper(element)) this.#take(one)
      },
      (reason) => {
        if (this.#connection !== connection) return
        this.#connection = undefined
        this.#listener.dropped(reason)
      },
    )
  }

  #take(element: Element): void {
    if (element.name === 'r') this.#connection?.write(`<a xmlns='${SM}' h='${this.#received}'/>`)
    else if (element.name === 'a') this.#handled(Number(element.attrs['h']))
    else if (element.name === 'message') this.#takeMessage(element)
    else if (element.name === 'presence') this.#listener.presence?.(element)
    else if (element.name === 'iq') this.#questions.get(element.attrs['id'] ?? '')?.resolve(element)
  }

  #takeMessage(message: Element): void {
    const result = message.getChild('result', 'urn:xmpp:mam:2')
    if (result !== undefined) {
      const { collects, of } = this.#questions.get(result.attrs['queryid'] ?? '') ?? {}
      const { from = this.bare } = message.attrs
      // XEP-0313 §4.2: only the archive's own word counts.
      if (collects === undefined || from !== of)
        this.#listener.fault(`${this.jid}: an archive result nobody asked for: ${serialize(message)}`)
      else collects(result)
    } else if (message.attrs['type'] === 'error') this.#listener.refused(message)
    else this.#listener.message(message)
  }

  /** XEP-0198 §4: `h` never shrinks and never covers what was not sent. */
  #handled(h: number): void {
    if (!(h >= this.#acked && h <= this.#acked + this.#unacked.length))
      this.#listener.fault(`${this.jid}: h='${h}' after ${this.#acked}, with ${this.#unacked.length} unacknowledged`)
    this.#handledAtLeast(h)
  }

  #handledAtLeast(h: number): void {
    if (!(h >= 0 && h <= this.#acked + this.#unacked.length))
      this.#listener.fault(`${this.jid}: h='${h}' of ${this.#acked + this.#unacked.length} stanzas`)
    const count = Math.max(0, Math.min(h - this.#acked, this.#unacked.length))
    this.#acked += count
    for (const { tag } of this.#unacked.splice(0, count)) if (tag !== undefined) this.#listener.acknowledged(tag)
  }
}
