import { until } from '../process.ts'

/** A client that plays its part in a scene. */
export interface Player {
  /** Which client it is. */
  readonly client: string
  readonly address: string
  readonly inbox: Inbox
  /** Logs in and comes online. */
  logsIn(): Promise<void>
  /** Says something to a person, or in a room that it is in. */
  says(to: string, body: string, type?: 'chat' | 'groupchat'): Promise<void>
  /** Enters a room; resolves when it is in. */
  enters(room: string, nick: string): Promise<void>
  /** Resolves when it has noticed that its connection is gone. */
  notices(): Promise<void>
  /** Comes back to its session (XEP-0198); rejects when there is none any more. */
  returns(): Promise<void>
  leaves(): Promise<void>
}

/** What somebody has been told. */
export class Inbox {
  readonly #owner: string
  readonly #said: string[] = []

  constructor(owner: string) {
    this.#owner = owner
  }

  add(from: string, body: string): void {
    this.#said.push(line(from, body))
  }

  /** Resolves when somebody has said something, and takes it out; the resource of a person does not matter. */
  async hears(from: string, body: string): Promise<void> {
    const isIt = (said: string) =>
      said === line(from, body) || (said.startsWith(`${from}/`) && said.endsWith(line('', body)))
    await until(
      async () => this.#said.some(isIt),
      () =>
        `${this.#owner} does not hear ${line(from, body).slice(0, 200)}, but ${this.#said.map((said) => said.slice(0, 200)).join('; ')}`,
    )
    this.#said.splice(this.#said.findIndex(isIt), 1)
  }

  /** What has come and was not waited for. */
  get rest(): readonly string[] {
    return this.#said
  }
}

function line(from: string, body: string): string {
  return `${from}: ${body}`
}
