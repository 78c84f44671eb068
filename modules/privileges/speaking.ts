import { Element, type Host, type IqRequest, Jid, JidError, type ReadonlyElement, StanzaError, xml } from '#api'
import { covers, type Grant, NS_PRIVILEGE } from './grants.ts'

const NS_FORWARD = 'urn:xmpp:forward:0'
const NS_CLIENT = 'jabber:client'

/** What clients believe their own account only because nobody but their server says it: not even a component does. */
const serversOwn = new Set(['urn:xmpp:carbons:2', 'urn:xmpp:mam:2', NS_PRIVILEGE, 'urn:xmpp:delegation:2'])

const forbidden = (why: string): StanzaError => new StanzaError('forbidden', why)

/** Sends what a component says in the name of a host and of its accounts. The sender's domain is the component's for certain. */
export class Speaking {
  readonly #host: Host
  readonly #grants: ReadonlyMap<string, Grant>
  readonly #timeoutMs: number

  constructor(host: Host, grants: ReadonlyMap<string, Grant>, timeoutMs: number) {
    this.#host = host
    this.#grants = grants
    this.#timeoutMs = timeoutMs
  }

  /** What a sender may do: the component itself has privileges, its other addresses have none. */
  grantOf(from: Jid): Grant | undefined {
    return from.local === '' ? this.#grants.get(from.domain) : undefined
  }

  /**
   * Sends the message inside one that a component has sent to the host (XEP-0356 §5.3).
   *
   * @throws StanzaError `forbidden` for whatever is not granted, `bad-request` when it cannot be understood.
   */
  async message(from: Jid, privilege: ReadonlyElement): Promise<void> {
    if (this.grantOf(from)?.message !== 'outgoing') throw forbidden('You may not send messages for others.')
    const forwarded = privilege.getChild('forwarded', NS_FORWARD)
    const inner = forwarded?.children.find((child) => typeof child !== 'string') as Element | undefined
    if (inner === undefined || !inner.is('message', NS_CLIENT))
      throw new StanzaError('bad-request', 'There is no message to forward.')
    await this.#checkSpeaker(parse(inner.attrs['from']))
    const to = parse(inner.attrs['to'])
    if (inner.children.some((child) => typeof child !== 'string' && serversOwn.has(child.attrs['xmlns'] ?? '')))
      throw forbidden('Only the server says this.')
    this.#host.route(stanzaOf(inner, { from: inner.attrs['from'], to: to.toString() }))
  }

  /**
   * Sends the request inside one that a component has sent to an account, and returns what answers that (XEP-0356 §6.3).
   *
   * @throws StanzaError `forbidden` where §6.3 says so, `bad-request` when it cannot be understood.
   */
  async request(wrapper: Element, { stanza, from, to }: Pick<IqRequest, 'from' | 'stanza' | 'to'>): Promise<Element> {
    const children = wrapper.getChildElements()
    const [inner] = children
    if (inner === undefined || children.length !== 1 || inner.name !== 'iq')
      throw new StanzaError('bad-request', 'There is no request to send.')
    if (inner.attrs['xmlns'] !== NS_CLIENT) throw forbidden('A request to send is of the namespace jabber:client.')
    const { id, type = '', from: speaker } = inner.attrs
    const payload = inner.getChildElements()
    if (id === undefined || payload.length !== 1) throw new StanzaError('bad-request', 'This is no request.')
    if (type !== stanza.attrs['type']) throw forbidden('The two requests are of different types.')
    if (speaker !== undefined && !parse(speaker).equals(to)) throw forbidden('The request is in the name of another.')
    if (!covers(this.grantOf(from)?.iq[payload[0]!.attrs['xmlns'] ?? ''], type))
      throw forbidden('You may not send such a request for others.')
    const target = inner.attrs['to'] === undefined ? to : parse(inner.attrs['to'])
    const asked = stanzaOf(inner, { from: to.toString(), to: target.toString() })
    const answer = await this.#host.request(asked, this.#timeoutMs)
    const told = stanzaOf(answer, { ...answer.attrs, id, xmlns: NS_CLIENT })
    return xml('privilege', { xmlns: NS_PRIVILEGE }, xml('forwarded', { xmlns: NS_FORWARD }, told))
  }

  /** XEP-0356 §5.1: the host itself, or the bare address of one of its accounts. */
  async #checkSpeaker(speaker: Jid): Promise<void> {
    if (speaker.domain !== this.#host.domain || speaker.resource !== '')
      throw forbidden('A message can be sent for the host and its accounts, without a resource.')
    if (speaker.local !== '' && !(await this.#host.accounts.exists(speaker.local)))
      throw forbidden('There is no such account.')
  }
}

/** A stanza like another with these addresses; the children are shared, and nobody edits inside them. */
function stanzaOf(like: Element, attrs: Readonly<Record<string, string | undefined>>): Element {
  const stanza = new Element(like.name, { ...like.attrs, xmlns: undefined, ...attrs })
  stanza.children = [...like.children]
  return stanza
}

function parse(text: string | undefined): Jid {
  try {
    return Jid.parse(text ?? '')
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}
