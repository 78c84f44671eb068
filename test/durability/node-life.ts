import { anyOf, type Doer, type Life } from './doer.ts'
import { Possible } from './possible.ts'
import { form, isThere, itemsOf, NS, NS_OWNER, publish, retract } from './pubsub-requests.ts'

const NS_TEST = 'urn:example:n'
const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const strangers = Array.from({ length: 6 }, (_, n) => `stranger${n}@verona.example`)
const affiliations = ['publisher', 'member', 'outcast', 'none']

type Item = readonly [id: string, n: number]

/** A node as its owner sees it; items oldest first. */
interface NodeState {
  readonly title: string
  readonly max: number
  readonly items: readonly Item[]
  /** Of strangers, those that have one, in the order of their names. */
  readonly affiliations: readonly (readonly [jid: string, affiliation: string])[]
  /** Resources of the owner that have subscribed. */
  readonly subscriptions: readonly string[]
}

const empty: NodeState = { title: '', max: 4, items: [], affiliations: [], subscriptions: [] }

/** A change of a node that is there. */
const at = (change: (state: NodeState) => NodeState) => (state: NodeState | null) => state && change(state)
const trimmed = (state: NodeState): NodeState => ({ ...state, items: state.items.slice(-state.max) })
const without = (items: readonly Item[], gone: readonly string[]) => items.filter(([id]) => !gone.includes(id))

/** Somebody with a node: publishes, takes back, sets it up anew, gives affiliations, subscribes, deletes it. */
export class NodeLife implements Life {
  readonly #doer: Doer
  readonly #node: string
  readonly #to: string
  readonly #state: Possible<NodeState | null>
  #n = 0

  /** `to` is where the node is: the account itself, or a service. */
  constructor(doer: Doer, node: string, to: string) {
    this.#doer = doer
    this.#node = node
    this.#to = to
    this.#state = new Possible<NodeState | null>(`${node} at ${to}`, null)
  }

  async acts(): Promise<void> {
    const state = this.#state.some
    const chance = Math.random()
    if (state === null) await this.#makes()
    else if (chance < 0.4) await this.#publishes([anyOf(ids)])
    else if (chance < 0.55) await this.#publishes(someOf(ids, 3))
    else if (chance < 0.67 && state.items.length > 0)
      await this.#retracts(
        someOf(
          state.items.map(([id]) => id),
          2,
        ),
      )
    else if (chance < 0.77) await this.#configures(anyOf([2, 3, 4, 5]))
    else if (chance < 0.87) await this.#affiliates(someOf(strangers, 3))
    else if (chance < 0.95) await this.#subscribes(state, anyOf(['r0', 'r1', 'r2']))
    else if (chance < 0.98) await this.#purges()
    else await this.#deletes()
  }

  async checks(): Promise<void> {
    const items = await itemsOf(this.#doer, this.#node, this.#to)
    if (items === undefined) return this.#doer.findings.finds(this.#state.sees(null))
    const owner = async (what: string) =>
      (await this.#asks('get', `<pubsub xmlns='${NS_OWNER}'><${what} node='${this.#node}'/></pubsub>`))!.getChild(what)!
    const fields = (await owner('configure')).getChild('x', 'jabber:x:data')!.getChildren('field')
    const value = (name: string) => fields.find(({ attrs }) => attrs['var'] === name)?.getChildText('value') ?? ''
    const given = (await owner('affiliations')).getChildren('affiliation').map(({ attrs }) => attrs)
    const subscribed = (await owner('subscriptions')).getChildren('subscription').map(({ attrs }) => attrs['jid']!)
    const actual: NodeState = {
      title: value('pubsub#title'),
      max: Number(value('pubsub#max_items')),
      items: items.map((item) => [item.attrs['id']!, Number(item.getChildText('n', NS_TEST))]),
      affiliations: given
        .filter(({ affiliation }) => affiliation !== 'owner')
        .map(({ jid, affiliation }) => [jid!, affiliation!] as const)
        .sort(([one], [other]) => (one < other ? -1 : 1)),
      subscriptions: subscribed.map((jid) => jid.split('/')[1]!).sort(),
    }
    this.#doer.findings.finds(this.#state.sees(actual))
  }

  #asks(type: 'get' | 'set', payload: string) {
    return this.#doer.asks(type, payload, this.#to)
  }

  #tries(payload: string, ...steps: readonly ((state: NodeState | null) => NodeState | null)[]): Promise<void> {
    return this.#doer.tries(this.#state, () => this.#asks('set', payload), ...steps)
  }

  /** A node that is made for what is published at it may be there without. */
  #makes(): Promise<void> {
    const n = this.#n++
    const text = publish(this.#node, `<item id='a'><n xmlns='${NS_TEST}'>${n}</n></item>`, {
      'pubsub#max_items': '4',
      'pubsub#access_model': 'open',
    })
    return this.#tries(
      text,
      () => empty,
      at((state) => ({ ...state, items: [['a', n]] })),
    )
  }

  #publishes(some: readonly string[]): Promise<void> {
    const fresh = some.map((id): Item => [id, this.#n++])
    const items = fresh.map(([id, n]) => `<item id='${id}'><n xmlns='${NS_TEST}'>${n}</n></item>`)
    const step = at((state) => trimmed({ ...state, items: [...without(state.items, some), ...fresh] }))
    return this.#tries(publish(this.#node, items.join('')), step)
  }

  #retracts(some: readonly string[]): Promise<void> {
    const step = at((state) => ({ ...state, items: without(state.items, some) }))
    return this.#tries(retract(this.#node, some), step)
  }

  #configures(max: number): Promise<void> {
    const title = `title ${this.#n++}`
    const fields = form(`${NS}#node_config`, { 'pubsub#title': title, 'pubsub#max_items': `${max}` })
    return this.#tries(
      `<pubsub xmlns='${NS_OWNER}'><configure node='${this.#node}'>${fields}</configure></pubsub>`,
      at((state) => ({ ...state, title, max })),
      // What there is no room for any more goes after that.
      at(trimmed),
    )
  }

  #affiliates(some: readonly string[]): Promise<void> {
    const given = some.map((jid) => [jid, anyOf(affiliations)] as const)
    const lines = given.map(([jid, affiliation]) => `<affiliation jid='${jid}' affiliation='${affiliation}'/>`)
    const step = at((state) => {
      const all = new Map([...state.affiliations, ...given])
      const sorted = [...all].filter(([, is]) => is !== 'none').sort(([one], [other]) => (one < other ? -1 : 1))
      return { ...state, affiliations: sorted }
    })
    const payload = `<affiliations node='${this.#node}'>${lines.join('')}</affiliations>`
    return this.#tries(`<pubsub xmlns='${NS_OWNER}'>${payload}</pubsub>`, step)
  }

  #subscribes({ subscriptions }: NodeState, resource: string): Promise<void> {
    const isIn = subscriptions.includes(resource)
    const jid = `${this.#doer.bare}/${resource}`
    const verb = isIn ? 'unsubscribe' : 'subscribe'
    const step = at((state) => {
      const others = state.subscriptions.filter((other) => other !== resource)
      return { ...state, subscriptions: isIn ? others : [...others, resource].sort() }
    })
    return this.#tries(`<pubsub xmlns='${NS}'><${verb} node='${this.#node}' jid='${jid}'/></pubsub>`, step)
  }

  #purges(): Promise<void> {
    const step = at((state) => ({ ...state, items: [] }))
    return this.#tries(`<pubsub xmlns='${NS_OWNER}'><purge node='${this.#node}'/></pubsub>`, step)
  }

  async #deletes(): Promise<void> {
    await this.#tries(`<pubsub xmlns='${NS_OWNER}'><delete node='${this.#node}'/></pubsub>`, () => null)
    if (
      (await isThere(this.#asks('get', `<pubsub xmlns='${NS}'><items node='${this.#node}'/></pubsub>`))) !== undefined
    )
      this.#doer.findings.blames('broken', `${this.#node} was deleted, and is there`)
  }
}

/** Some of several, at random, no two the same. */
function someOf(all: readonly string[], count: number): string[] {
  const some = new Set<string>()
  for (let i = 0; i < count; i++) some.add(anyOf(all))
  return [...some]
}
