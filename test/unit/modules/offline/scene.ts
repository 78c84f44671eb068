import { Spool } from '../../../../modules/offline/spool.ts'
import type { OfflineStore, Position, StoredMessage } from '../../../../modules/offline/store.ts'
import type { PresenceApi } from '../../../../modules/presence/index.ts'
import {
  flows,
  Jid,
  parseDocument,
  type Sealed,
  type Session,
  sessionClosed,
  sessionResumed,
} from '../../../../src/api.ts'
import { compileFlows } from '../../../../src/pipeline/compile.ts'
import { StanzaEvent } from '../../../../src/pipeline/stanza-event.ts'
import { Router } from '../../../../src/routing/router.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { MemoryQueue } from '../../../support/memory-queue.ts'
import { Stage, type StageStream } from '../../session/stage.ts'

/** A store in memory whose every call takes a turn of the event loop. */
export class MemoryStore {
  rows: (StoredMessage & { local: string })[] = []
  fails = false
  pages = 0
  #nextId = 1000

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.fails) throw new Error('the database is away')
  }
  async append(local: string, text: string, sinceMs?: number): Promise<Position> {
    const id = this.#nextId++
    const row = { id, place: sinceMs ?? id, local, text, receivedMs: sinceMs ?? 0 }
    await this.#turn()
    this.rows.push(row)
    this.rows.sort((one, other) => one.place - other.place || one.id - other.id)
    return row
  }
  async pretend(): Promise<void> {
    await this.#turn()
  }
  async count(): Promise<number> {
    await this.#turn()
    return this.rows.length
  }
  async page(local: string, { place, id }: Position, limit: number): Promise<StoredMessage[]> {
    this.pages++
    await this.#turn()
    const isAfter = (row: StoredMessage) => row.place > place || (row.place === place && row.id > id)
    return this.rows.filter((row) => row.local === local && isAfter(row)).slice(0, limit)
  }
  async remove(ids: readonly number[]): Promise<void> {
    await this.#turn()
    this.rows = this.rows.filter((row) => !ids.includes(row.id))
  }
  async forget(local: string): Promise<void> {
    await this.#turn()
    this.rows = this.rows.filter((row) => row.local !== local)
  }
  async idle(): Promise<void> {}
  /** The ids of the messages that wait. */
  get ids(): string[] {
    return this.rows.map(({ text }) => parseDocument(text).attrs['id']!)
  }
}

/** Lets everything happen that needs no more than turns of the event loop. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** One of Juliet's resources. */
export interface Resource {
  readonly session: Session
  readonly stream: StageStream
  /** For a client that acknowledges. */
  readonly queue: MemoryQueue | undefined
  /** The ids of the messages it has heard. */
  heard(): string[]
  /** Its presence is that of somebody who takes messages. */
  comes(): Promise<void>
  /** Its connection takes no more, until the function returned is called. */
  stalls(): () => void
  ends(): Promise<void>
}

export interface SceneOptions {
  readonly maxMessages?: number
  readonly exists?: boolean
  readonly seesPresence?: boolean
}

/** Romeo at work, and a host where Juliet has an account, on which nothing runs but the spool. */
export class Scene {
  readonly stage = new Stage('capulet.example')
  readonly store = new MemoryStore()
  readonly clock = new FakeClock()
  readonly spool: Spool
  readonly logged: string[] = []

  constructor(options: SceneOptions = {}) {
    const { host } = this.stage
    if (options.exists ?? true) this.stage.accounts.add('juliet')
    const presence: PresenceApi = { isSubscriber: () => options.seesPresence ?? true, renew() {} }
    const log = { debug: () => false, error: (_: object, text: string) => this.logged.push(text) }
    const limits = { maxMessages: options.maxMessages ?? 0, maxAge: 0 }
    this.spool = new Spool(host, this.store as unknown as OfflineStore, presence, limits, this.clock, log as never)
    new Router(log as never).serve(host)
    const offline = (flow: typeof flows.message.stranded, handler: (event: Sealed) => unknown) =>
      ({ module: 'offline', flow, phase: 'deliver', handler: handler as never }) as const
    host.flows = compileFlows([
      offline(flows.message.stranded, (event) => this.spool.take(event)),
      offline(flows.message.arriving, (event) => this.spool.arrives(event)),
    ])
    host.hooks.attach(sessionClosed, (session: Session) => this.spool.deliveries.ended(session))
    host.hooks.attach(sessionResumed, (session: Session) => this.spool.deliveries.resumed(session))
  }

  /** A message to Juliet that nobody took is offered to the spool. */
  async takes(id: string, more = '', sinceMs?: number): Promise<boolean> {
    const from = Jid.parse('romeo@montague.example')
    const to = Jid.parse('juliet@capulet.example')
    const stanza = parseDocument(`<message id='${id}' from='${from}' to='${to}'><body>Hi</body>${more}</message>`)
    const { host } = this.stage
    return await this.spool.take(
      new StanzaEvent(stanza, 'message', 'chat', from, to, true, null, host, undefined, sinceMs),
    )
  }

  /** A message arrives at an address of Juliet's; settles when its flow has ended. */
  async arrives(id: string, resource = '', payload = '<body>Hi</body>', type = 'chat'): Promise<void> {
    const to = `juliet@capulet.example${resource === '' ? '' : `/${resource}`}`
    this.stage.host.route(
      parseDocument(`<message id='${id}' type='${type}' from='romeo@montague.example' to='${to}'>${payload}</message>`),
    )
    await settle()
  }

  /** A resource of Juliet's that is not available yet. */
  async resource(name: string, kind: 'acknowledges' | 'plain' = 'plain'): Promise<Resource> {
    const stream = await this.stage.session('juliet', name)
    const { session } = stream
    return {
      session,
      stream,
      queue: kind === 'acknowledges' ? MemoryQueue.of(session) : undefined,
      heard: () => stream.heard.map((text) => parseDocument(text).attrs['id']!),
      comes: async () => {
        session.priority = 0
        this.spool.deliveries.deliver(session)
        await settle()
      },
      stalls: () => {
        const { promise, resolve } = Promise.withResolvers<void>()
        stream.drained = (() => promise) as never
        return () => {
          stream.drained = () => undefined
          resolve()
        }
      },
      ends: async () => {
        this.stage.host.close(session)
        await settle()
      },
    }
  }
}

/** Numbered ids. */
export const numbered = (count: number, name = ''): string[] => Array.from({ length: count }, (_, n) => `${name}${n}`)
