import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { RoomStore } from '../../modules/muc/store.ts'
import { type Element, Jid, type Session, sessionClosed, sessionRests } from '../../src/api.ts'
import type { Host } from '../../src/session/host.ts'
import type { Database } from '../../src/storage/database.ts'
import { type Bed, type BedKind, type BedOptions, bedKind, openBed } from './bed.ts'
import { Client } from './client.ts'
import { ComponentClient } from './component.ts'

const beds = new Map<string, Promise<Bed>>()
const PASSWORD = 'wherefore art thou'

after(async () => {
  for (const bed of beds.values()) await (await bed).close()
  beds.clear()
})

/** A client of a story: a {@link Client} whose end the story can see from the server's side too. */
export class Actor extends Client {
  story!: Story

  /** Leaves in order and waits until the server has taken the session down. */
  async disconnects(): Promise<void> {
    await this.#leaves(() => this.send('</stream:stream>'))
  }

  /** Cuts the connection and waits until the server has taken the session down, or has it rest. */
  async cuts(): Promise<void> {
    await this.#leaves(() => this.transport.cut())
  }

  async #leaves(leave: () => void): Promise<void> {
    const jid = Jid.parse(this.jid)
    const host = this.story.bed.server.hosts.get(jid.domain)!
    // A stream that is over has taken its session along, and another may have the resource now.
    if (this.ended || host.user(jid)?.sessions.get(jid.resource) === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const gone = (session: Session) => {
      if (session.jid.equals(jid)) resolve()
    }
    const detach = [host.hooks.attach(sessionClosed, gone), host.hooks.attach(sessionRests, gone)]
    leave()
    await promise
    for (const undo of detach) undo()
  }
}

/** What a story has at hand. */
export class Story {
  readonly bed: Bed
  readonly actors: Actor[] = []
  readonly #components: ComponentClient[] = []
  readonly #accounts = new Set<string>()

  constructor(bed: Bed) {
    this.bed = bed
  }

  get domain(): string {
    return this.bed.domain
  }
  get host(): Host {
    return this.bed.server.hosts.get(this.bed.domain)!
  }
  /** Asks the bed's HTTP server. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch((await this.bed.web()) + path, init)
  }
  get database(): Database {
    return this.bed.database
  }

  /** Connects a client that has said nothing yet. */
  async connects(domain?: string): Promise<Actor> {
    const actor = new Actor(await this.bed.connect(domain))
    actor.story = this
    this.actors.push(actor)
    return actor
  }

  /** Connects an external component, in memory; it is gone when the story is over. */
  async joins(domain: string, secret: string): Promise<ComponentClient> {
    const component = await ComponentClient.join(this.bed.server, domain, secret)
    this.#components.push(component)
    return component
  }

  async createAccount(local: string, password = PASSWORD, domain = this.domain): Promise<string> {
    const jid = `${local}@${domain}`
    if (this.#accounts.has(jid)) return jid
    const { accounts } = this.bed.server.hosts.get(domain)!
    // Accounts outlive a server that is restarted.
    if (!(await accounts.exists(local))) await accounts.create(local, password)
    this.#accounts.add(jid)
    return jid
  }

  /** Connects and logs in, and binds no resource: the features after login. */
  async authenticates(local: string, domain = this.domain): Promise<{ actor: Actor; features: Element }> {
    await this.createAccount(local, PASSWORD, domain)
    const actor = await this.connects(domain)
    return { actor, features: await actor.authenticates(local, domain, PASSWORD) }
  }

  /** Connects, logs in and binds: `romeo`, `romeo/orchard` or `romeo@capulet.example/orchard`. */
  async login(who: string): Promise<Actor> {
    const [, local, domain = this.domain, resource] = /^([^@/]+)(?:@([^/]+))?(?:\/(.+))?$/.exec(who)!
    await this.createAccount(local!, PASSWORD, domain)
    const actor = await this.connects(domain)
    await actor.logsIn(local!, domain, PASSWORD, resource)
    return actor
  }

  /** Logs in and announces initial presence, whose own reflection is heard. */
  async online(who: string, presence = '<presence/>'): Promise<Actor> {
    const actor = await this.login(who)
    actor.send(presence)
    await actor.receives`<presence from='${actor.jid}'/>`
    return actor
  }

  /** Makes two who are online contacts of each other; all that it causes is heard. */
  async befriend(one: Actor, other: Actor): Promise<void> {
    for (const [asks, answers] of [
      [one, other],
      [other, one],
    ] as const) {
      asks.send(`<presence type='subscribe' to='${answers.bare}'/>`)
      await until(answers, (el) => el.name === 'presence' && el.attrs['type'] === 'subscribe')
      answers.send(`<presence type='subscribed' to='${asks.bare}'/>`)
      await until(
        asks,
        (el) =>
          el.name === 'presence' &&
          el.attrs['type'] === undefined &&
          Jid.parse(el.attrs['from']!).bare.toString() === answers.bare,
      )
    }
    // What is still on its way, such as roster pushes, comes before the answer to a ping.
    for (const actor of [one, other]) await drain(actor)
  }

  /** Moves the server's clock on and lets what fell due happen. */
  async advance(ms: number): Promise<void> {
    this.bed.clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** Waits until the server has set a timer that is due within a second: something is held back on purpose. */
  async untilTimer(): Promise<void> {
    while (!this.bed.clock.hasTimerWithin(1_000)) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Ends all connections and removes all that the story left. */
  async clean(): Promise<void> {
    for (const { transport } of this.#components) transport.cut()
    for (const actor of this.actors) {
      if (actor.jid !== '') await actor.cuts()
      else actor.transport.cut()
    }
    for (const host of this.bed.server.hosts.values())
      for (const local of await host.accounts.list(undefined, 1000)) await host.deleteAccount(local)
    const rooms: { id: number; service: string }[] = await this.database.knex('muc_rooms').select('id', 'service')
    for (const { id, service } of rooms) await new RoomStore(this.database, service).destroy(id)
  }
}

async function until(actor: Actor, wanted: (el: Awaited<ReturnType<Actor['next']>>) => boolean): Promise<void> {
  while (!wanted(await actor.next()));
}

/** Hears everything up to the answer to a ping sent now. */
export async function drain(actor: Actor): Promise<void> {
  const id = `drain-${actor.jid}`
  actor.send(`<iq type='get' id='${id}' to='${Jid.parse(actor.jid).domain}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await until(actor, (el) => el.attrs['id'] === id)
}

/** What a story may ask for. */
export interface StoryOptions extends BedOptions {
  readonly expectErrors?: boolean
  /** The beds on which there is no such scene, and why. */
  readonly notOn?: Readonly<Partial<Record<BedKind, string>>>
}

/** A scene played against a server; it fails, too, when the server logs an error that the story does not expect. */
export function story(title: string, scene: (s: Story) => Promise<void>, options: StoryOptions = {}): void {
  const { expectErrors = false, notOn, ...bedOptions } = options
  test(title, { timeout: 60_000, skip: notOn?.[bedKind] ?? false }, async () => {
    const key = JSON.stringify(bedOptions, (_, value) => (value instanceof Jid ? value.toString() : value))
    if (!beds.has(key)) beds.set(key, openBed(bedOptions))
    const bed = await beds.get(key)!
    const s = new Story(bed)
    bed.errors.length = 0
    try {
      await scene(s)
      if (!expectErrors) assert.deepEqual(bed.errors, [], 'the server logged errors')
    } finally {
      await s.clean()
    }
  })
}
