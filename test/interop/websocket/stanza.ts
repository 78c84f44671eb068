import { once } from 'node:events'
import { type Agent, createClient } from 'stanza'
import { until } from '../process.ts'
import { Inbox, type Player } from './player.ts'

/** stanza, over WebSocket or BOSH as its address says: SCRAM and stream management by the old road. */
export class Stanza implements Player {
  readonly client = 'stanza'
  readonly address: string
  readonly inbox: Inbox
  readonly #agent: Agent
  #lost = false
  #bound = 0
  #resumed = 0

  constructor(service: string, username: string, password: string) {
    this.address = `${username}@localhost`
    this.inbox = new Inbox(this.address)
    this.#agent = createClient({
      jid: this.address,
      password,
      resource: 'stanza',
      transports: service.startsWith('ws') ? { websocket: service, bosh: false } : { websocket: false, bosh: service },
      autoReconnect: false,
    })
    this.#agent.on('message', ({ from, body }) => {
      if (body !== undefined) this.inbox.add(from, body)
    })
    this.#agent.on('session:started', () => void this.#bound++)
    this.#agent.on('stream:management:resumed', () => void this.#resumed++)
    this.#agent.on('disconnected', () => {
      this.#lost = true
    })
    this.#agent.on('auth:failed', () => console.error('stanza: not let in'))
    this.#agent.on('stream:error', ({ condition }) => console.error(`stanza: ${condition}`))
  }

  async logsIn(): Promise<void> {
    this.#agent.connect()
    await until(async () => this.#bound === 1 && this.#agent.sm.started, 'stanza does not log in')
    this.#agent.sendPresence()
  }

  async says(to: string, body: string, type: 'chat' | 'groupchat' = 'chat'): Promise<void> {
    this.#agent.sendMessage({ to, type, body })
  }

  async enters(room: string, nick: string): Promise<void> {
    await this.#agent.joinRoom(room, nick)
  }

  async notices(): Promise<void> {
    await until(async () => this.#lost, 'stanza does not notice that its connection is gone')
  }

  async returns(): Promise<void> {
    this.#agent.connect()
    await until(async () => this.#resumed === 1, 'stanza does not come back to its session')
    if (this.#bound !== 1) throw new Error('stanza has another session')
  }

  async leaves(): Promise<void> {
    const gone = once(this.#agent, 'disconnected')
    this.#agent.disconnect()
    await gone
  }
}
