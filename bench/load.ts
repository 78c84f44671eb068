import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Target, Wishes } from './load-client.ts'
import type { OpenRooms } from './load-rooms.ts'
import type { PasswordHash } from './server-kind.ts'

/** How messages are sent: so many in flight in each direction of each pair, or so many a second in all. */
export type Burst =
  | { readonly seconds: number; readonly window: number; readonly rate?: never }
  | { readonly seconds: number; readonly rate: number; readonly window?: never }

/** What became of messages: copies that did not come, came twice, or came after a later one. */
export interface Damage {
  readonly lost: number
  readonly doubled: number
  readonly reordered: number
}

/** What the load generator saw. */
export interface ChatFigures extends Damage {
  /** Messages their receivers got. */
  readonly messages: number
  readonly sent: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What became of stored messages. */
export interface OfflineFigures extends Damage {
  readonly seconds: number
}

/** A request for a page of an archive. */
export interface PageQuery {
  /** What is in `<query/>` (XEP-0313). */
  readonly payload: string
  /** How many messages must come. */
  readonly results: number
}

/** How long a page took, in the middle and at worst, and how many were asked for. */
export interface PageFigures {
  readonly pages: number
  readonly p50Ms: number
  readonly maxMs: number
}

/** How people in a room talk: `senders` with one message in flight each, or so many messages a second in all. */
export interface RoomBurst {
  readonly seconds: number
  readonly senders: number
  readonly rate?: number
}

/** What became of messages in a room. */
export interface RoomFigures extends Damage {
  readonly sent: number
  /** Messages times occupants who got them. */
  readonly deliveries: number
  /** Until the last one had come. */
  readonly seconds: number
  /** How long it took in the middle until the sender, and until the last occupant had it. */
  readonly reflectionMs: number
  readonly lastMs: number
}

/** What clients show: their presence or a tune to all others, or a ping to the server alone. */
export type Show = 'pep' | 'ping' | 'presence'

/** How they show it: each sender so many at a time, or so many a second in all. */
export type BroadcastBurst = Burst

/** What became of it; the times are those until everybody had one. */
export interface BroadcastFigures extends Damage {
  readonly sent: number
  /** How often one was got. */
  readonly deliveries: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What a login goes through, over and over. */
export interface LoginRun {
  readonly seconds: number
  readonly hash: PasswordHash
  /** Accounts, user0 and so on, that log in in turn. */
  readonly accounts: number
  readonly atOnce: number
  readonly transport: Transport
  readonly road: Road
  /** What is asked for once logged in: the roster, or what is new in it since the version that came last. */
  readonly roster?: 'known' | 'whole'
}

/**
 * How a connection is made: in plain text, with TLS after STARTTLS or from the first byte, and the same with the ticket of
 * the last connection, which spares the server its signature.
 */
export type Transport = 'plain' | 'starttls' | 'starttls resumed' | 'tls' | 'tls resumed'

/** The steps after that: those of RFC 6120, those of SASL2 with Bind 2, or these with a token instead of the password (FAST). */
export type Road = 'fast' | 'full' | 'sasl2'

/** How a roster is read on one connection. */
export interface RosterRun {
  readonly seconds: number
  readonly hash: PasswordHash
  readonly roster: 'known' | 'whole'
}

/** How it went. */
export interface LoginFigures {
  readonly logins: number
  /** Of these, how many resumed a TLS session. */
  readonly resumed: number
  readonly seconds: number
  /** From the first byte to the bound resource, and the answer to what was asked then. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** An order to the process of the load generator. */
export type LoadOrder =
  | {
      readonly do: 'open'
      readonly target: Target
      readonly sessions: number
      readonly accounts: number
      readonly wishes: Wishes
    }
  | { readonly do: 'chat'; readonly burst: Burst }
  | { readonly do: 'store'; readonly messages: number }
  | { readonly do: 'deliver'; readonly target: Target; readonly messages: number }
  | { readonly do: 'page'; readonly query: PageQuery }
  | { readonly do: 'pages'; readonly query: PageQuery; readonly seconds: number }
  | { readonly do: 'create room'; readonly room: string }
  | { readonly do: 'enter room'; readonly until: number }
  | { readonly do: 'leave room' }
  | { readonly do: 'talk'; readonly burst: RoomBurst }
  | { readonly do: 'open rooms'; readonly rooms: OpenRooms }
  | { readonly do: 'broadcast'; readonly show: Show; readonly senders: number; readonly burst: BroadcastBurst }
  | { readonly do: 'log in'; readonly target: Target; readonly run: LoginRun }
  | { readonly do: 'read rosters'; readonly target: Target; readonly run: RosterRun }
  | { readonly do: 'close' }

/** A load generator in a process of its own, so that its work is not counted as the server's. */
export class Load {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), { execArgv: [] })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Logs clients in until there are `sessions`, spread evenly over the accounts user0 to user<accounts − 1>. */
  async open(target: Target, sessions: number, accounts: number, wishes: Wishes = {}): Promise<void> {
    await this.#give({ do: 'open', target, sessions, accounts, wishes })
  }

  /** Has the pairs chat, and waits until every message has arrived; rejects on an error or a lost connection. */
  async chat(burst: Burst): Promise<ChatFigures> {
    return (await this.#give({ do: 'chat', burst })) as ChatFigures
  }

  /**
   * Has each account that is logged in, user0 to user<n − 1>, send messages to user<n> to user<2n − 1>, who are not;
   * resolves when the server has worked through them.
   */
  async store(messages: number): Promise<OfflineFigures> {
    return (await this.#give({ do: 'store', messages })) as OfflineFigures
  }

  /** Logs user<n> and so on in, waits for the messages that were stored for each, and logs them out. */
  async deliver(target: Target, messages: number): Promise<OfflineFigures> {
    return (await this.#give({ do: 'deliver', target, messages })) as OfflineFigures
  }

  /** Has user0 ask its archive once, and returns what came. */
  async page(query: PageQuery): Promise<string> {
    return (await this.#give({ do: 'page', query })) as string
  }

  /** Has user0 ask its archive again and again, one request after the other. */
  async pages(query: PageQuery, seconds: number): Promise<PageFigures> {
    return (await this.#give({ do: 'pages', query, seconds })) as PageFigures
  }

  /** Has the first client create a room and stay there. */
  async createRoom(room: string): Promise<void> {
    await this.#give({ do: 'create room', room })
  }

  /** Has clients enter the room until so many are there; returns when all presences have come, how many, and in what time. */
  async enterRoom(until: number): Promise<{ ms: number; presences: number }> {
    return (await this.#give({ do: 'enter room', until })) as { ms: number; presences: number }
  }

  /** Has the one who came last leave the room. */
  async leaveRoom(): Promise<void> {
    await this.#give({ do: 'leave room' })
  }

  /** Has those in the room talk, and waits until all have got everything. */
  async talk(burst: RoomBurst): Promise<RoomFigures> {
    return (await this.#give({ do: 'talk', burst })) as RoomFigures
  }

  /** Has each client open rooms. */
  async openRooms(rooms: OpenRooms): Promise<void> {
    await this.#give({ do: 'open rooms', rooms })
  }

  /** Has the first clients show something to all. */
  async broadcast(show: Show, senders: number, burst: BroadcastBurst): Promise<BroadcastFigures> {
    return (await this.#give({ do: 'broadcast', show, senders, burst })) as BroadcastFigures
  }

  /** Has accounts log in and leave, over and over. */
  async logIn(target: Target, run: LoginRun): Promise<LoginFigures> {
    return (await this.#give({ do: 'log in', target, run })) as LoginFigures
  }

  /** Has user0 log in and read its roster again and again. */
  async readRosters(target: Target, run: RosterRun): Promise<LoginFigures> {
    return (await this.#give({ do: 'read rosters', target, run })) as LoginFigures
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    await this.#give({ do: 'close' })
  }

  /** Ends the process. */
  stop(): void {
    this.#child.kill()
  }

  #give(order: LoadOrder): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error('the load generator ended'))
      this.#child.once('exit', onExit)
      this.#child.once('message', (answer: { result?: unknown; error?: string }) => {
        this.#child.off('exit', onExit)
        if (answer.error === undefined) resolve(answer.result)
        else reject(new Error(answer.error))
      })
      this.#child.send(order)
    })
  }
}
