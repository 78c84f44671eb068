import type { Element } from '../../src/api.ts'
import { anyOf, type Doer, type Life } from './doer.ts'
import { Possible } from './possible.ts'
import { itemsOf, publish, retract } from './pubsub-requests.ts'

const NODE = 'urn:xmpp:bookmarks:1'
const OLD = 'storage:bookmarks'
const rooms = Array.from({ length: 6 }, (_, n) => `room${n}@conference.localhost`)

/** Names by room, in the order of the rooms. */
type Bookmarks = readonly (readonly [room: string, name: string])[]

const sorted = (bookmarks: Iterable<readonly [string, string]>): Bookmarks =>
  [...bookmarks].sort(([one], [other]) => (one < other ? -1 : 1))
const storage = (bookmarks: Bookmarks): string => {
  const lines = bookmarks.map(([room, name]) => `<conference jid='${room}' name='${name}'/>`)
  return `<storage xmlns='${OLD}'>${lines.join('')}</storage>`
}
const read = (form: Element | undefined): Bookmarks =>
  sorted((form?.getChildren('conference') ?? []).map(({ attrs }) => [attrs['jid']!, attrs['name']!] as const))

/** Somebody whose clients write bookmarks in the new form and in both old ones (XEP-0402, XEP-0048, XEP-0049). */
export class BookmarkLife implements Life {
  readonly #doer: Doer
  readonly #state: Possible<Bookmarks>
  #n = 0

  constructor(doer: Doer) {
    this.#doer = doer
    this.#state = new Possible<Bookmarks>(`the bookmarks of ${doer.local}`, [])
  }

  async acts(): Promise<void> {
    const now = this.#state.some
    const room = anyOf(rooms)
    const isGone = now.some(([other]) => other === room) && Math.random() < 0.4
    const name = `name ${this.#n++}`
    const step = (state: Bookmarks): Bookmarks => {
      const others = state.filter(([other]) => other !== room)
      return isGone ? others : sorted([...others, [room, name]])
    }
    const item = `<item id='${room}'><conference xmlns='${NODE}' name='${name}'/></item>`
    const payload = anyOf([
      isGone ? retract(NODE, [room]) : publish(NODE, item),
      publish(OLD, `<item id='current'>${storage(step(now))}</item>`),
      `<query xmlns='jabber:iq:private'>${storage(step(now))}</query>`,
    ])
    await this.#doer.tries(this.#state, () => this.#doer.asks('set', payload), step)
  }

  /** All three forms say the same. */
  async checks(): Promise<void> {
    const items = (await itemsOf(this.#doer, NODE)) ?? []
    const names = items.map((item) => [item.attrs['id']!, item.getChild('conference', NODE)!.attrs['name']!] as const)
    const [copy] = (await itemsOf(this.#doer, OLD)) ?? []
    const stored = await this.#doer.asks('get', `<query xmlns='jabber:iq:private'><storage xmlns='${OLD}'/></query>`)
    const { findings, local } = this.#doer
    const actual = sorted(names)
    findings.finds(this.#state.sees(actual))
    const text = JSON.stringify(actual)
    for (const form of [copy?.getChild('storage', OLD), stored?.getChild('storage', OLD)])
      if (JSON.stringify(read(form)) !== text)
        findings.blames('halved', `the bookmarks of ${local} are ${text}, and in an old form ${form}`)
  }
}
