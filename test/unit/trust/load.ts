import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type Element, serialize } from '../../../src/api.ts'
import type { Client } from '../../support/client.ts'

/** Options of modules that bound nothing: a fast machine does a lot. */
export const noLimits = {
  roster: { maxItems: 0 },
  offline: { maxMessages: 0 },
  blocking: { maxItems: 0 },
} as const

/** Makes one change and resolves with the server's refusal, or nothing when it acknowledged the change. */
type Change = (client: Client, n: number) => Promise<Element | undefined>

/** A client that makes one change after the other, numbered from 0, until it is told to stop or its stream is over. */
export class Load {
  /** The numbers of the changes that the server acknowledged. */
  readonly acknowledged: number[] = []
  readonly refusals: Element[] = []
  /** The longest that a change waited for its answer. */
  slowestMs = 0
  readonly #client: Client
  readonly #change: Change
  readonly #done: Promise<void>
  #stopping = false
  #onAcknowledged: () => void = () => {}

  constructor(client: Client, change: Change) {
    this.#client = client
    this.#change = change
    this.#done = this.#run()
  }

  /** Settles at the next acknowledgement. */
  async next(): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => (this.#onAcknowledged = resolve)),
      this.#done.then(() => assert.fail('the load has ended')),
    ])
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      const start = performance.now()
      let refusal: Element | undefined
      try {
        refusal = await this.#change(this.#client, n)
      } catch (error) {
        if (this.#client.ended) return
        throw error
      }
      this.slowestMs = Math.max(this.slowestMs, performance.now() - start)
      if (refusal !== undefined) this.refusals.push(refusal)
      else {
        this.acknowledged.push(n)
        this.#onAcknowledged()
      }
      await pause(1)
    }
  }
}

/** Sends a request and resolves with its answer, or the error that a stanza `alsoId` sent before got meanwhile. */
async function exchange(client: Client, text: string, id: string, alsoId?: string): Promise<Element> {
  client.send(text)
  let refused: Element | undefined
  for (;;) {
    const heard = await client.next()
    if (heard.attrs['id'] === alsoId && heard.attrs['type'] === 'error') refused = heard
    if (heard.attrs['id'] === id && (heard.attrs['type'] === 'result' || heard.attrs['type'] === 'error'))
      return refused ?? heard
  }
}

async function refusalOf(client: Client, id: string, payload: string): Promise<Element | undefined> {
  const answer = await exchange(client, `<iq type='set' id='${id}'>${payload}</iq>`, id)
  return answer.attrs['type'] === 'error' ? answer : undefined
}

/** Puts a contact `<prefix>n` into the roster. */
export const addsContacts =
  (prefix: string): Change =>
  (client, n) =>
    refusalOf(client, `r${n}`, `<query xmlns='jabber:iq:roster'><item jid='${prefix}${n}@verona.example'/></query>`)

/** Sets the vCard to the number. */
export const setsVcard: Change = (client, n) =>
  refusalOf(client, `v${n}`, `<vCard xmlns='vcard-temp'><NICKNAME>${n}</NICKNAME></vCard>`)

/** Sets an element of private storage to the number. */
export const setsPrivate: Change = (client, n) =>
  refusalOf(client, `p${n}`, `<query xmlns='jabber:iq:private'><n xmlns='urn:example:n'>${n}</n></query>`)

/** Blocks an address of the number. */
export const blocks: Change = (client, n) =>
  refusalOf(client, `b${n}`, `<block xmlns='urn:xmpp:blocking'><item jid='t${n}@capulet.example'/></block>`)

/**
 * Writes to an account that is away. A message has no answer when it is taken: what is sent to one address is done in
 * order, so the answer to a request to the same address says that the message before it was taken or refused.
 */
export const writesTo =
  (account: string): Change =>
  async (client, n) => {
    const message = `<message type='chat' id='m${n}' to='${account}'><body>${n}</body></message>`
    const fence = `<iq type='get' id='f${n}' to='${account}'><vCard xmlns='vcard-temp'/></iq>`
    const answer = await exchange(client, message + fence, `f${n}`, `m${n}`)
    return answer.name === 'message' ? answer : undefined
  }

async function ask(client: Client, payload: string): Promise<Element> {
  const answer = await exchange(client, `<iq type='get' id='ask'>${payload}</iq>`, 'ask')
  assert.equal(answer.attrs['type'], 'result', serialize(answer))
  return answer
}

/** The contacts in the roster that begin with a prefix; each must be there once. */
export async function contactsOf(client: Client, prefix: string): Promise<number[]> {
  const answer = await ask(client, `<query xmlns='jabber:iq:roster'/>`)
  const jids = answer
    .getChild('query', 'jabber:iq:roster')!
    .getChildren('item')
    .map((item) => item.attrs['jid']!)
  assert.equal(new Set(jids).size, jids.length, 'a contact is listed twice')
  return jids.filter((jid) => jid.startsWith(prefix)).map((jid) => Number.parseInt(jid.slice(prefix.length), 10))
}

/** The addresses that {@link blocks} blocked. */
export async function blockedBy(client: Client): Promise<number[]> {
  const answer = await ask(client, `<blocklist xmlns='urn:xmpp:blocking'/>`)
  const items = answer.getChild('blocklist', 'urn:xmpp:blocking')!.getChildren('item')
  return items.map((item) => Number.parseInt(item.attrs['jid']!.slice(1), 10))
}

/** The number in the vCard. */
export async function vcardOf(client: Client): Promise<number> {
  const answer = await ask(client, `<vCard xmlns='vcard-temp'/>`)
  return Number(answer.getChild('vCard', 'vcard-temp')!.getChildText('NICKNAME') ?? Number.NaN)
}

/** The number in private storage. */
export async function privateOf(client: Client): Promise<number> {
  const answer = await ask(client, `<query xmlns='jabber:iq:private'><n xmlns='urn:example:n'/></query>`)
  return Number(answer.getChild('query')!.getChildText('n', 'urn:example:n') || Number.NaN)
}

/** Becomes available and resolves with the numbers of the messages that waited, in order. */
export async function messagesOf(client: Client): Promise<number[]> {
  client.send('<presence/>')
  const numbers: number[] = []
  for (;;) {
    const heard = await client.next()
    if (heard.attrs['id'] === 'last') return numbers
    if (heard.name === 'message') numbers.push(Number(heard.getChildText('body')))
    // Once available: a message to the own account waits behind the delivery of those that were stored.
    else if (heard.attrs['from'] === client.jid)
      client.send(`<message type='chat' id='last' to='${client.bare}'><body>last</body></message>`)
  }
}

/** Asserts that everything acknowledged is among what is there. */
export function nothingIsMissing(acknowledged: readonly number[], there: readonly number[]): void {
  assert.ok(acknowledged.length > 0, 'nothing was acknowledged')
  const present = new Set(there)
  assert.deepEqual(
    acknowledged.filter((n) => !present.has(n)),
    [],
    'acknowledged, but not there',
  )
}
