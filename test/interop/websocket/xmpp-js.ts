import { client as connect, type Entity, xml } from '@xmpp/client'
import { until } from '../process.ts'
import { Inbox, type Player } from './player.ts'

/** @xmpp/client, over what its address says: SASL2 with SCRAM and Bind 2. */
export class XmppJs implements Player {
  readonly client = 'xmpp.js'
  readonly address: string
  readonly inbox: Inbox
  readonly #entity: Entity
  /** Where it has been seen, by itself: its own address, and those it has in rooms. */
  readonly #places = new Set<string>()
  #lost = false

  constructor(service: string, username: string, password: string) {
    this.address = `${username}@localhost`
    this.inbox = new Inbox(this.address)
    this.#entity = connect({
      service,
      domain: 'localhost',
      resource: 'xmppjs',
      credentials: (authenticate, _mechanisms, _fast) => authenticate({ username, password }, 'SCRAM-SHA-1'),
    })
    this.#entity.reconnect.stop()
    // What goes wrong shows in what does not come.
    this.#entity.on('error', () => {})
    this.#entity.on('disconnect', () => {
      this.#lost = true
    })
    this.#entity.on('stanza', (stanza) => {
      const from = stanza.attrs['from'] ?? ''
      const body = stanza.getChildText('body')
      if (stanza.is('message') && body !== null) this.inbox.add(from, body)
      if (!stanza.is('presence')) return
      const statuses = stanza.getChild('x', 'http://jabber.org/protocol/muc#user')?.getChildren('status') ?? []
      if (from === this.#entity.jid?.toString() || statuses.some(({ attrs }) => attrs['code'] === '110'))
        this.#places.add(from)
    })
  }

  async logsIn(): Promise<void> {
    const address = String(await this.#entity.start())
    if (!address.startsWith(`${this.address}/xmppjs/`)) throw new Error(`${address} is no address of Bind 2`)
    if (!this.#entity.streamManagement.enabled) throw new Error('xmpp.js has no stream management')
    await this.#entity.send(xml('presence'))
    // After Bind 2 what comes before is left in the archive (XEP-0386).
    await until(async () => this.#places.has(address), 'xmpp.js does not come online')
  }

  async says(to: string, body: string, type = 'chat'): Promise<void> {
    await this.#entity.send(xml('message', { to, type }, xml('body', {}, body)))
  }

  async enters(room: string, nick: string): Promise<void> {
    await this.#entity.send(xml('presence', { to: `${room}/${nick}` }, xml('x', 'http://jabber.org/protocol/muc')))
    await until(async () => this.#places.has(`${room}/${nick}`), `xmpp.js is not in ${room}`)
  }

  /** Has a room that it has made opened as it is (XEP-0045 §10.1.2). */
  async opens(room: string): Promise<void> {
    const form = xml('x', { xmlns: 'jabber:x:data', type: 'submit' })
    const query = xml('query', 'http://jabber.org/protocol/muc#owner', form)
    await this.#entity.iqCaller.request(xml('iq', { type: 'set', to: room }, query), 5_000)
  }

  async notices(): Promise<void> {
    await until(async () => this.#lost, 'xmpp.js does not notice that its connection is gone')
  }

  async returns(): Promise<void> {
    const resumed = new Promise<void>((resolve) => this.#entity.streamManagement.on('resumed', resolve))
    await this.#entity.reconnect.reconnect()
    await resumed
  }

  async leaves(): Promise<void> {
    await this.#entity.stop()
  }
}
