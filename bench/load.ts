import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Target } from './load-client.ts'

/** How messages are sent: so many in flight in each direction of each pair, or so many a second in all. */
export type Burst =
  | { readonly seconds: number; readonly window: number; readonly rate?: never }
  | { readonly seconds: number; readonly rate: number; readonly window?: never }

/** What the load generator saw. */
export interface ChatFigures {
  readonly messages: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** An order to the process of the load generator. */
export type LoadOrder =
  | { readonly do: 'open'; readonly target: Target; readonly sessions: number; readonly accounts: number }
  | { readonly do: 'chat'; readonly burst: Burst }
  | { readonly do: 'close' }

/** A load generator in a process of its own, so that its work is not counted as the server's. */
export class Load {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)), { execArgv: [] })
  }

  /** Logs clients in until there are `sessions`, spread evenly over the accounts user0 to user<accounts − 1>. */
  async open(target: Target, sessions: number, accounts: number): Promise<void> {
    await this.#give({ do: 'open', target, sessions, accounts })
  }

  /** Has the pairs chat, and waits until every message has arrived; rejects when one does not. */
  async chat(burst: Burst): Promise<ChatFigures> {
    return (await this.#give({ do: 'chat', burst })) as ChatFigures
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
