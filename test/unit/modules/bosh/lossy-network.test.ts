import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { BoshSession } from '../../../../modules/bosh/session.ts'
import { type Element, parseDocument } from '../../../../src/api.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { randomFrom, type Sent, send, sessionFor } from './rig.ts'

const [SEEDS, STEPS] = [60, 120]

/** A client, a session, and a network in between that loses requests, connections that wait, and answers. */
class Play {
  readonly clock = new FakeClock()
  readonly heardByServer: number[] = []
  readonly heardByClient: number[] = []
  readonly #random: () => number
  readonly #acks: boolean
  #session!: BoshSession
  #lostBecause: string | undefined
  #rid = 4_000_000_000
  readonly #requests = new Map<number, { text: string; sent: Sent | undefined; answer?: Element }>()
  #read: number
  #said = 0
  #sent = 0
  loss = 0.3

  constructor(seed: number) {
    this.#random = randomFrom(seed)
    this.#acks = seed % 2 === 0
    const hold = 1 + (seed % 3)
    this.#read = this.#rid
    const attributes = `to='localhost' wait='60' hold='${hold}' ver='1.6'${this.#acks ? " ack='1'" : ''}`
    this.#requests.set(this.#rid, { text: this.#request(attributes, ''), sent: undefined })
    this.requestsAllowed = hold + 1
  }

  readonly requestsAllowed: number

  #request(attributes: string, payloads: string): string {
    return `<body xmlns='http://jabber.org/protocol/httpbind' rid='${this.#rid++}' ${attributes}>${payloads}</body>`
  }

  begin(): void {
    const [[rid, { text }] = assert.fail()] = this.#requests
    this.#session = sessionFor(text, this.clock, {
      onStanza: ({ attrs }) => void this.heardByServer.push(Number(attrs['n'])),
      onClose: (reason) => {
        this.#lostBecause = reason
      },
      onStreamEnd: () => assert.fail(),
      onCongestion: () => {},
      onGone: () => {},
    })
    this.#arrive(rid)
  }

  /** Something at random happens. */
  async step(): Promise<void> {
    const random = this.#random()
    if (random < 0.25) this.serverSays()
    else if (random < 0.5) this.clientSays()
    else if (random < 0.6) this.clock.advance(this.#random() * 4_000)
    else if (random < 0.6 + this.loss / 3) this.#cut()
    else this.asks()
    await turn()
    this.hears()
    assert.equal(this.#lostBecause, undefined)
  }

  serverSays(): void {
    this.#session.connection.write(`<s xmlns="urn:x" n="${this.#sent++}"/>`)
  }

  clientSays(): void {
    if (this.#requests.size < this.requestsAllowed) this.#say(`<c xmlns='urn:x' n='${this.#said++}'/>`)
  }

  /** Asks whether there is something, when nothing waits; sends again what was lost. */
  asks(): void {
    if (this.#requests.size === 0) this.#say('')
    else for (const [rid, { sent }] of this.#requests) if (sent === undefined) this.#send(rid)
  }

  #say(payloads: string): void {
    const ack = this.#acks && this.#requests.size > 0 ? ` ack='${this.#read - 1}'` : ''
    const rid = this.#rid
    this.#requests.set(rid, { text: this.#request(`sid='x'${ack}`, payloads), sent: undefined })
    this.#send(rid)
  }

  #send(rid: number): void {
    if (this.#random() >= this.loss) this.#arrive(rid)
  }

  #arrive(rid: number): void {
    const request = this.#requests.get(rid)!
    const sent = send(this.#session, request.text)
    request.sent = sent
    void sent.answered.then((answer) => {
      // Whoever sent it again waits for that alone.
      if (request.sent !== sent) return
      request.sent = undefined
      if (answer === undefined || this.#random() < this.loss) return
      const body = parseDocument(answer.text)
      if (body.attrs['type'] !== 'error') request.answer = body
    })
  }

  #cut(): void {
    const waiting = [...this.#requests.values()].flatMap(({ sent }) => sent ?? [])
    waiting[Math.floor(this.#random() * waiting.length)]?.cut()
  }

  /** XEP-0124 §14.2: in the order in which they were asked for. */
  hears(): void {
    for (let next = this.#requests.get(this.#read); next?.answer !== undefined; next = this.#requests.get(this.#read)) {
      this.#requests.delete(this.#read++)
      for (const { attrs } of next.answer.getChildElements()) this.heardByClient.push(Number(attrs['n']))
    }
  }

  /** The network is whole again; in the end everybody has heard everything. */
  async ends(): Promise<void> {
    this.loss = 0
    for (let i = 0; i < 20; i++) {
      this.asks()
      await turn()
      this.hears()
    }
    assert.deepEqual(this.heardByServer, upTo(this.#said))
    assert.deepEqual(this.heardByClient, upTo(this.#sent))
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

test('Over a network that loses anything, all is heard once and in order // XEP-0124 §14', async () => {
  let heard = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const play = new Play(seed)
    play.begin()
    try {
      for (let step = 0; step < STEPS; step++) await play.step()
      await play.ends()
    } catch (error) {
      throw new Error(`with the seed ${seed}`, { cause: error })
    }
    heard += play.heardByClient.length + play.heardByServer.length
  }
  assert.ok(heard > SEEDS * 20)
})
