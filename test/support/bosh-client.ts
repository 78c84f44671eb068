import assert from 'node:assert/strict'
import { type Element, parseDocument } from '../../src/api.ts'
import { PASSWORD, plain } from './sasl2.ts'

const NS = 'http://jabber.org/protocol/httpbind'
const NS_XBOSH = 'urn:xmpp:xbosh'
const NS_STREAMS = 'http://etherx.jabber.org/streams'
/** What elements of the stream itself are in, in an answer that was read. */
export const STREAMS = 'urn:x-test:streams'

type Attributes = Readonly<Record<string, string | number | undefined>>

/** What a request is answered with. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The wrapper; an empty element when the answer is none. */
  readonly body: Element
}

/** How a request is sent, where not as usual. */
export interface Sending {
  readonly rid?: number | string
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
}

/** A client that speaks BOSH, one request at a time or as many as a story wants; `ask` sends to the path of the server. */
export class BoshClient {
  readonly #ask: (init: RequestInit) => Promise<Response>
  /** Of the next request. */
  rid = 1_573_741_820
  sid: string | undefined
  jid = ''
  /** What comes to pass before it asks whether there is something. */
  beforeAsking: () => Promise<void> = async () => {}
  /** What came and was not waited for. */
  readonly #heard: Element[] = []

  constructor(ask: (init: RequestInit) => Promise<Response>) {
    this.#ask = ask
  }

  /** The text of a request, which is the next unless a `rid` is given. */
  request(attributes: Attributes = {}, payloads = '', rid: number | string = this.rid++): string {
    const all = { xmlns: NS, 'xmlns:xmpp': NS_XBOSH, rid, sid: this.sid, ...attributes }
    const told = Object.entries(all).filter(([, value]) => value !== undefined)
    return `<body ${told.map(([name, value]) => `${name}='${value}'`).join(' ')}>${payloads}</body>`
  }

  async send(text: string | Uint8Array, { headers = {}, signal }: Omit<Sending, 'rid'> = {}): Promise<Answer> {
    const response = await this.#ask({
      method: 'POST',
      body: text as never,
      headers: { 'content-type': 'text/xml; charset=utf-8', ...headers },
      ...(signal && { signal }),
    })
    const said = await response.text()
    const isWrapper = said.startsWith('<body ')
    // The strict parser takes no elements of the stream itself but on a stream.
    const body = parseDocument(isWrapper ? said.replaceAll(NS_STREAMS, STREAMS) : '<none/>')
    if (isWrapper) assert.equal(body.attrs['xmlns'], NS)
    return { status: response.status, headers: response.headers, text: said, body }
  }

  /** Sends the next request. */
  async post(attributes: Attributes = {}, payloads = '', { rid, ...sending }: Sending = {}): Promise<Answer> {
    return await this.send(this.request(attributes, payloads, rid), sending)
  }

  /** Begins a session; hears of it, with the stream's features. */
  async opens(attributes: Attributes = {}): Promise<Answer> {
    const answer = await this.post({
      to: 'localhost',
      wait: 60,
      hold: 1,
      ver: '1.6',
      'xmpp:version': '1.0',
      'xml:lang': 'en',
      ...attributes,
    })
    this.sid = answer.body.attrs['sid']
    return answer
  }

  /** Begins a session and logs in by SASL as it was first (XEP-0206 §5). */
  async logsIn(local: string, attributes: Attributes = {}): Promise<void> {
    assert.ok((await this.opens(attributes)).body.getChild('features', STREAMS))
    await this.authenticates(local)
    const bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    const bound = await this.asks(`<iq type='set' id='bind' xmlns='jabber:client'>${bind}</iq>`, 'iq')
    this.jid = bound.getChild('bind', 'urn:ietf:params:xml:ns:xmpp-bind')!.getChildText('jid')!
  }

  /** Logs in and begins the stream anew. */
  async authenticates(local: string): Promise<void> {
    const auth = `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain(local, PASSWORD)}</auth>`
    await this.asks(auth, 'success')
    this.#take(await this.post({ 'xmpp:restart': 'true', to: 'localhost', 'xml:lang': 'en' }))
    await this.hears('features')
  }

  /** Sends something, and hears the next of such a name. */
  async asks(payload: string, name: string): Promise<Element> {
    this.#take(await this.post({}, payload))
    return await this.hears(name)
  }

  /** Asks until there is something of such a name; what comes before it is dropped. */
  async hears(name: string): Promise<Element> {
    for (;;) {
      for (let next = this.#heard.shift(); next !== undefined; next = this.#heard.shift())
        if (next.name === name) return next
      await this.beforeAsking()
      const answer = await this.post()
      assert.equal(answer.body.attrs['type'], undefined, answer.text)
      this.#take(answer)
    }
  }

  #take({ body }: Answer): void {
    this.#heard.push(...body.getChildElements())
  }
}

/** The condition that a session has ended with, or was not begun for. */
export function conditionOf({ status, body, text }: Answer): string | undefined {
  assert.equal(status, 200, text)
  assert.equal(body.attrs['type'], 'terminate', text)
  return body.attrs['condition']
}
