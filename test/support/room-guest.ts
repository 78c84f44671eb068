import { type Element, Jid } from '../../src/api.ts'
import type { Inbox } from '../../src/session/inbox.ts'
import { liveLimits } from '../../src/xml/limits.ts'
import { StreamParser } from '../../src/xml/parser.ts'
import type { Bed } from './bed.ts'
import { Client } from './client.ts'
import type { Person } from './room-model.ts'
import type { RoomView } from './room-view.ts'

/** The password of all guests. */
export const PASSWORD = 'wherefore art thou'
const HEADER = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`

/** How long it is worth waiting: the turns of the event loop count, so on a slow machine it is longer. */
export class Patience {
  #turns = 0
  readonly #startMs = performance.now()

  get isOver(): boolean {
    return ++this.#turns > 100_000 && performance.now() - this.#startMs > 1000
  }
}

/** Somebody who plays, with a connection now and then. */
export class Guest implements Person {
  readonly jid: string
  readonly account: string
  readonly local: string
  readonly views: Map<string, RoomView> = new Map()
  client: Client | undefined
  /** What the server has of this client's still to do, or had when its connection was cut. */
  inbox: Pick<Inbox<unknown>, 'idle'> | undefined
  /** Those who wait for an answer, by the id of what they asked. */
  readonly asked: Map<string, (answer: Element) => void> = new Map()

  constructor(name: string) {
    const [local, resource] = name.split('/')
    this.local = local!
    this.account = `${local}@localhost`
    this.jid = `${this.account}/${resource}`
  }

  send(text: string): void {
    this.client?.send(text)
  }

  /** Sends a request; resolves with its answer. */
  asks(id: string, request: string): Promise<Element> {
    const { promise, resolve } = Promise.withResolvers<Element>()
    this.asked.set(id, resolve)
    this.send(request)
    return promise
  }

  /** Logs in; from then on every stanza goes to `heard`, in the order in which the server sent it to all. */
  async connects(bed: Bed, heard: (stanza: Element) => void, fail: (error: unknown) => void): Promise<void> {
    const transport = await bed.connect()
    const client = new Client(transport)
    const { bare, resource } = Jid.parse(this.jid)
    await client.logsIn(this.local, 'localhost', PASSWORD, resource)
    this.client = client
    this.inbox = bed.server.hosts.get('localhost')!.user(bare)!.sessions.get(resource)!.inbox
    const parser = new StreamParser(
      {
        onOpen: () => {},
        onStanza: heard,
        onEnd: () => fail(new Error(`the stream of ${this.jid} has ended`)),
        onError: fail,
      },
      { ...liveLimits, bytes: 0 },
    )
    parser.write(Buffer.from(HEADER))
    transport.onText = (text) => {
      if (this.client === client) parser.write(Buffer.from(text))
    }
  }
}
