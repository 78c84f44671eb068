import assert from 'node:assert/strict'
import { type Element, Jid } from '../../src/api.ts'
import type { BedOptions } from './bed.ts'
import { ComponentClient } from './component.ts'
import type { Actor, Story } from './story.ts'

export const NS_PUSH = 'urn:xmpp:push:0'
export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub'
export const service = 'push.example'
/** The options of a bed that knows the app server. */
export const withService: BedOptions = { server: { components: { [service]: { secret: 'between us' } } } }
/** What a device says to be woken. */
export const enable = (node = 'phone', more = '', jid: string = service): string =>
  `<enable xmlns='${NS_PUSH}' jid='${jid}' node='${node}'>${more}</enable>`

/** An app server: a component that takes notifications. */
export class AppServer {
  static #present: AppServer | undefined
  readonly component: ComponentClient

  private constructor(component: ComponentClient) {
    this.component = component
  }

  static async join(s: Story): Promise<AppServer> {
    // One that a story which failed has left behind.
    AppServer.#present?.leaves()
    AppServer.#present = new AppServer(await ComponentClient.join(s.bed.server, service, 'between us'))
    return AppServer.#present
  }

  /** The next request to publish, not answered yet. */
  async asked(): Promise<Element> {
    const iq = await this.component.client.next()
    assert.equal(iq.name, 'iq')
    return iq
  }

  /** Takes the next notification; returns its node and what its summary says. */
  async notified(
    error?: string,
  ): Promise<{ from: string; node: string | undefined; summary: Record<string, string>; iq: Element }> {
    const iq = await this.component.client.next()
    assert.equal(iq.name, 'iq')
    const pubsub = iq.getChild('pubsub', NS_PUBSUB)!
    const publish = pubsub.getChild('publish', NS_PUBSUB)!
    const notification = publish.getChild('item', NS_PUBSUB)!.getChild('notification', NS_PUSH)!
    const fields = notification.getChild('x', 'jabber:x:data')?.getChildren('field', 'jabber:x:data') ?? []
    const { id, from } = iq.attrs
    const answer =
      error === undefined ? '' : `<error type='cancel'><${error} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
    this.component.send(
      `<iq type='${error === undefined ? 'result' : 'error'}' id='${id}' from='${service}' to='${from}'>${answer}</iq>`,
    )
    const summary = Object.fromEntries(
      fields.map((field) => [field.attrs['var'], field.getChildText('value', 'jabber:x:data') ?? '']),
    )
    return { from: from!, node: publish.attrs['node'], summary, iq }
  }

  /** Nothing has been asked of it that is not answered, though all that `who` has sent is dealt with. */
  async hearsNothing(s: Story, who: Actor): Promise<void> {
    await isDealtWith(s, who)
    await who.sends`<message to='${service}' id='fence'/>`
    const next = await this.component.client.next()
    assert.equal(next.attrs['id'], 'fence', `expected nothing, got ${next}`)
  }

  /** Says no more. */
  leaves(): void {
    this.component.transport.cut()
  }
}

/** Waits until the server has dealt with all that a client has sent. */
export async function isDealtWith(s: Story, who: Actor): Promise<void> {
  await who.asks`<iq type='get' to='${s.domain}'><ping xmlns='urn:xmpp:ping'/></iq>`
  const jid = Jid.parse(who.jid)
  await s.host.user(jid)!.sessions.get(jid.resource)!.inbox.idle()
}
