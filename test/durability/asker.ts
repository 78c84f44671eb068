import { type Element, serialize } from '../../src/api.ts'
import { Connection, Disconnected, type Target } from './connection.ts'
import { Refused } from './room-person.ts'

const patienceMs = 30_000

interface Question {
  readonly resolve: (answer: Element) => void
  readonly reject: (error: Error) => void
}

/** A session that asks and hears the answers, and nothing else. */
export class Asker {
  readonly bare: string
  readonly jid: string
  readonly #connection: Connection
  readonly #questions = new Map<string, Question>()
  #counter = 0

  private constructor(connection: Connection, jid: string, onGone: (reason: string) => void) {
    this.#connection = connection
    this.jid = jid
    this.bare = jid.split('/')[0]!
    connection.listen(
      (element) => this.#questions.get(element.name === 'iq' ? (element.attrs['id'] ?? '') : '')?.resolve(element),
      (reason) => {
        for (const { reject } of this.#questions.values()) reject(new Disconnected(reason))
        onGone(reason)
      },
    )
  }

  /** Logs in and binds. `onGone` hears when the connection is lost, unless it is cut here. */
  static async login(target: Target, local: string, onGone: (reason: string) => void): Promise<Asker> {
    const connection = await Connection.login(target, local)
    connection.write(`<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`)
    const bound = await connection.next()
    const jid = bound.getChild('bind')?.getChildText('jid')
    if (bound.name === 'iq' && typeof jid === 'string') return new Asker(connection, jid, onGone)
    connection.cut('close')
    throw bound.name === 'iq' ? new Refused(bound) : new Error(`${local}: not bound: ${serialize(bound)}`)
  }

  /** Sends a request; resolves with the payload of the result. @throws Refused */
  async asks(type: 'get' | 'set', payload: string, to = this.bare): Promise<Element | undefined> {
    if (this.#connection.gone) throw new Disconnected('gone')
    const id = `a${this.#counter++}`
    let timer: NodeJS.Timeout | undefined
    const answer = new Promise<Element>((resolve, reject) => {
      this.#questions.set(id, { resolve, reject })
      timer = setTimeout(() => reject(new Error(`${this.jid} got no answer to ${payload}`)), patienceMs)
    })
    this.#connection.write(`<iq id='${id}' type='${type}' to='${to}'>${payload}</iq>`)
    try {
      const iq = await answer
      if (iq.attrs['type'] === 'error') throw new Refused(iq)
      return iq.getChildElements()[0]
    } finally {
      clearTimeout(timer)
      this.#questions.delete(id)
    }
  }

  /** Loses the connection. */
  cut(): void {
    this.#connection.cut('close')
    for (const { reject } of this.#questions.values()) reject(new Disconnected('cut'))
  }
}
