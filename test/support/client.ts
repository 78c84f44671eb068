import assert from 'node:assert/strict'
import { type Element, Jid, parseDocument, serialize } from '../../src/api.ts'
import { liveLimits } from '../../src/xml/limits.ts'
import { StreamParser } from '../../src/xml/parser.ts'
import { mismatch } from './match.ts'
import type { Transport } from './transport.ts'

const PATIENCE_MS = 10_000
const NS_STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const NS_STREAMS = 'urn:ietf:params:xml:ns:xmpp-streams'

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => Promise<Element>

/** A client on the strict parser that says what a story makes it say and remembers what it hears. */
export class Client {
  readonly transport: Transport
  /** The stream header of the server's present stream. */
  header: Element | undefined
  jid = ''
  readonly #heard: Element[] = []
  readonly #waiting: (() => void)[] = []
  #parser!: StreamParser
  #ended = false
  #headerAfter: string | undefined
  #nextId = 1

  constructor(transport: Transport) {
    this.transport = transport
    this.expectsHeader()
    transport.onText = (text) => this.#parser.write(Buffer.from(text))
    transport.onClose = () => {
      this.#ended = true
      this.#wake()
    }
  }

  get bare(): string {
    return Jid.parse(this.jid).bare.toString()
  }
  get resource(): string {
    return Jid.parse(this.jid).resource
  }
  /** Whether the server has closed the stream or the connection is gone. */
  get ended(): boolean {
    return this.#ended
  }

  // ---- speaking ----

  /** Sends a stanza. */
  async sends(strings: TemplateStringsArray, ...values: unknown[]): Promise<void> {
    this.send(String.raw({ raw: strings.map(trim) }, ...values))
  }

  /** Sends text as it is. */
  send(text: string | Uint8Array): void {
    this.transport.send(text)
  }

  /** Sends a request, with an id when it has none, and returns the result; fails on an error. */
  asks: Template = async (strings, ...values) => {
    const reply = await this.#exchange(strings, values)
    assert.equal(reply.attrs['type'], 'result', `expected a result, got ${serialize(reply)}`)
    return reply
  }

  /** Sends a stanza that must come back as an error with this condition, and returns the error stanza. */
  isRefused(condition: string, type?: string): Template {
    return async (strings, ...values) => {
      const reply = await this.#exchange(strings, values)
      const error = reply.getChild('error')
      assert.ok(
        error !== undefined && error.getChild(condition, NS_STANZAS) !== undefined,
        `expected the error ${condition}, got ${serialize(reply)}`,
      )
      assert.equal(reply.attrs['type'], 'error')
      if (type !== undefined) assert.equal(error.attrs['type'], type)
      return reply
    }
  }

  async #exchange(strings: TemplateStringsArray, values: unknown[]): Promise<Element> {
    const stanza = parseDocument(String.raw({ raw: strings.map(trim) }, ...values))
    stanza.attrs['id'] ??= `story-${this.#nextId++}`
    this.send(serialize(stanza))
    return await this.#take(
      (el) =>
        el.name === stanza.name &&
        el.attrs['id'] === stanza.attrs['id'] &&
        (el.name !== 'iq' || el.attrs['type'] === 'result' || el.attrs['type'] === 'error'),
      `an answer to ${serialize(stanza)}`,
    )
  }

  // ---- hearing ----

  /** Expects the next stanza to be this one, and returns it. */
  receives: Template = async (strings, ...values) => {
    const expected = parseDocument(String.raw({ raw: strings.map(trim) }, ...values))
    const actual = await this.#take(() => true, serialize(expected))
    const why = mismatch(expected, actual)
    assert.ok(why === undefined, `${why}\n  expected ${serialize(expected)}\n  received ${serialize(actual)}`)
    return actual
  }

  /** Expects the next stanzas to be these, in whatever order. */
  async receivesInAnyOrder(stanzas: readonly string[]): Promise<Element[]> {
    const expected = stanzas.map((text) => parseDocument(text.trim()))
    const actual: Element[] = []
    for (const el of expected)
      actual.push(await this.#take(() => true, `one of ${expected.length}, such as ${serialize(el)}`))
    const left = [...actual]
    for (const el of expected) {
      const index = left.findIndex((candidate) => mismatch(el, candidate) === undefined)
      assert.ok(index >= 0, `nothing received is ${serialize(el)}; received:\n  ${left.map(serialize).join('\n  ')}`)
      left.splice(index, 1)
    }
    return actual
  }

  /** Expects nothing to have come before the answer to a ping sent now. */
  async receivesNothing(): Promise<void> {
    const id = `fence-${this.#nextId++}`
    const domain = Jid.parse(this.jid).domain
    this.send(`<iq type='get' id='${id}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    const next = await this.#take(() => true, 'the answer to a ping')
    assert.equal(next.attrs['id'], id, `expected nothing, received ${serialize(next)}`)
  }

  /** The next stanza, whatever it is. */
  async next(): Promise<Element> {
    return await this.#take(() => true, 'a stanza')
  }

  /** Expects the stream to end with this error, after what was heard before, and the connection with it. */
  async receivesStreamError(condition: string): Promise<void> {
    const error = await this.#take(() => true, `the stream error ${condition}`)
    assert.equal(error.name, 'error', `expected the stream error ${condition}, received ${serialize(error)}`)
    assert.ok(
      error.getChild(condition, NS_STREAMS),
      `expected the stream error ${condition}, received ${serialize(error)}`,
    )
    await this.ends()
  }

  /** Cuts the connection before a resource is bound. */
  async isCut(): Promise<void> {
    this.transport.cut()
    await this.ends()
  }

  /** Expects the stream to be over, with nothing unheard. */
  async ends(): Promise<void> {
    while (!this.#ended) await this.#more('the end of the stream')
    assert.equal(this.#heard.length, 0, `unheard: ${this.#heard.map(serialize).join('')}`)
  }

  async #take(wanted: (el: Element) => boolean, what: string): Promise<Element> {
    for (;;) {
      const index = this.#heard.findIndex(wanted)
      if (index >= 0) return this.#heard.splice(index, 1)[0]!
      if (this.#ended)
        assert.fail(
          `the stream ended while ${this.jid || 'a client'} waited for ${what}; heard: ${this.#heard.map(serialize).join('')}`,
        )
      await this.#more(what)
    }
  }

  async #more(what: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            `${this.jid || 'a client'} waited in vain for ${what}; heard: ${this.#heard.map(serialize).join('')}`,
          ),
        ),
      PATIENCE_MS,
    )
    this.#waiting.push(resolve)
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Makes ready for a new stream right behind an element of this name. */
  expectsHeaderAfter(name: string): void {
    this.#headerAfter = name
  }

  /** Makes ready for a new stream on the same connection. */
  expectsHeader(): void {
    this.#headerAfter = undefined
    this.#parser = new StreamParser(
      {
        onOpen: (root) => {
          this.header = root
          this.#wake()
        },
        onStanza: (el) => {
          this.#heard.push(el)
          if (el.name === this.#headerAfter) {
            const rest = this.#parser.stop()
            this.expectsHeader()
            this.#parser.write(rest)
          }
          this.#wake()
        },
        onEnd: () => {
          this.#ended = true
          this.#wake()
        },
        onError: (error) => {
          throw error
        },
      },
      { ...liveLimits, bytes: 0 },
    )
  }

  // ---- logging in ----

  /** Opens a stream, or one anew, and returns the features. */
  async opens(domain: string, attributes = ''): Promise<Element> {
    this.expectsHeader()
    this.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0' ${attributes}>`,
    )
    return await this.#take((el) => el.name === 'features', 'the stream features')
  }

  /** Opens a stream, logs in with PLAIN and binds a resource, or one of the server's choosing. */
  async logsIn(local: string, domain: string, password: string, resource?: string): Promise<void> {
    await this.authenticates(local, domain, password)
    await this.binds(resource)
  }

  /** Opens a stream, logs in with PLAIN and opens the stream anew; returns the features after login. */
  async authenticates(local: string, domain: string, password: string): Promise<Element> {
    await this.opens(domain)
    const plain = Buffer.from(`\0${local}\0${password}`).toString('base64')
    this.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
    const answer = await this.next()
    assert.equal(answer.name, 'success', serialize(answer))
    return await this.opens(domain)
  }

  /** Binds a resource, or one of the server's choosing. */
  async binds(resource?: string): Promise<void> {
    const wish = resource === undefined ? '' : `<resource>${resource}</resource>`
    const bound = await this.asks([
      `<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wish}</bind></iq>`,
    ] as unknown as TemplateStringsArray)
    this.jid = bound.getChild('bind')!.getChildText('jid')!
  }
}

function trim(text: string): string {
  return text.replace(/\n\s*/g, '')
}
