import type Logger from 'bunyan'
import { Jid } from '../jid/jid.ts'
import { checkShape, classify, parseTo } from '../pipeline/classify.ts'
import { type Flow, flows } from '../pipeline/flow.ts'
import type { Handover } from '../pipeline/handover.ts'
import type { IqHandler, IqRequest, IqTarget } from '../pipeline/iq-table.ts'
import { type CrashReport, runFlow } from '../pipeline/run.ts'
import { StanzaEvent, type StanzaKind } from '../pipeline/stanza-event.ts'
import { requestDelegated } from '../session/component-hooks.ts'
import { guestAccount, messageKept, messageRefused } from '../session/hooks.ts'
import type { Host, Service } from '../session/host.ts'
import type { Turn } from '../session/inbox.ts'
import type { Session } from '../session/session.ts'
import { setDelay } from '../stanza/delay.ts'
import { errorOf, mayBounce, resultOf } from '../stanza/reply.ts'
import { StanzaDrop, StanzaError } from '../stanza/stanza-error.ts'
import { randomId } from '../util/id.ts'
import type { Element } from '../xml/element.ts'
import { parseDocument } from '../xml/parser.ts'
import { serialize } from '../xml/wire.ts'
import { type ComponentLink, Components } from './components.ts'
import { deliverLocally } from './local-delivery.ts'

type Pending = void | Promise<void>

/** Carries every stanza from its sender through the flows of both sides to its addressee, or its refusal back. */
export class Router {
  readonly #hosts = new Map<string, Host>()
  /** Domains that modules serve themselves, each with the host whose module it is. */
  readonly #services = new Map<string, { readonly host: Host; readonly receive: Service }>()
  readonly #components: Components
  readonly #log: Logger
  readonly #onCrash: CrashReport

  constructor(log: Logger, components: Components = new Components()) {
    this.#components = components
    this.#log = log
    this.#onCrash = (step, error) =>
      log.error({ err: error, module: step.module, flow: step.flow, phase: step.phase }, 'a module crashed on a stanza')
  }

  /** Serves a host: stanzas for its domain end here, and what it sends starts here. */
  serve(host: Host): void {
    this.#hosts.set(host.domain, host)
    host.connect({
      route: (stanza) => this.#fromHost(host, stanza),
      fromClient: (session, stanza, turn) => this.fromClient(session, stanza, turn),
      undelivered: (handover) => this.#undelivered(host, handover),
      serves: (domain) => this.#hosts.has(domain),
      isGuest: (account) => this.#hosts.get(account.domain)?.hooks.ask(guestAccount, account) === true,
      attach: (domain, receive) => this.#attach(host, domain, receive),
      toComponent: (domain, stanza) => this.#toComponent(domain, stanza),
    })
  }

  /** @throws Error when the domain belongs to somebody else, saying to whom. */
  #attach(host: Host, domain: string, receive: Service): () => void {
    const rival = this.#services.get(domain)
    if (this.#hosts.has(domain)) throw new Error(`${domain} is one of the hosts, whose addresses are accounts`)
    if (rival !== undefined) throw new Error(`${domain} is served by a module of ${rival.host.domain} already`)
    if (this.#components.has(domain)) throw new Error(`${domain} belongs to an external component`)
    this.#services.set(domain, { host, receive })
    return () => void this.#services.delete(domain)
  }

  /** Whether the addressee's side runs here. */
  #isHere(domain: string): boolean {
    return this.#hosts.has(domain) || this.#services.has(domain)
  }

  /** Takes up a stanza of a bound client. Never throws; a promise settles when the stanza's flows have ended. */
  fromClient(session: Session, stanza: Element, turn?: Turn): Pending {
    // What was waiting when the account was deleted would keep something for it again.
    if (session.user.deleted) return
    session.host.traffic.received.raise(stanza.name)
    let event: StanzaEvent
    try {
      event = classify(stanza, session)
    } catch (error) {
      return this.#refuse(stanza, session, error)
    }
    try {
      // Where the addressee's side is here, too, it is that which others see, and that which records.
      if (!this.#isHere(event.to.domain)) event.turn = turn
      return this.#catch(event, this.#leave(event, turn))
    } catch (error) {
      return this.#refuse(stanza, session, error)
    }
  }

  /**
   * Takes up a stanza of an outsider, a component so far, who is who it says: it has no leaving side here. Like
   * {@link fromClient} it never throws; a promise settles when the stanza's flows have ended. `link` is the connection it
   * has come by.
   */
  fromOutside(stanza: Element, from: Jid, turn?: Turn, link?: ComponentLink): Pending {
    let host: Host | undefined
    try {
      stanza.attrs['from'] = from.toString()
      const kind = stanza.name as StanzaKind
      const type = checkShape(stanza, kind)
      const to = parseTo(stanza.attrs['to'] ?? '')
      stanza.attrs['to'] = to.toString()
      if (link !== undefined && (type === 'get' || type === 'set'))
        this.#components.asks(from.domain, link, { id: stanza.attrs['id']!, from: from.toString(), to: to.toString() })
      const service = this.#services.get(to.domain)
      host = service?.host ?? this.#hosts.get(to.domain)
      if (host === undefined) return this.#toOutside(to.domain, stanza)
      host.traffic.received.raise(kind)
      const user = to.local === '' || service !== undefined ? undefined : host.user(to)
      const event = new StanzaEvent(stanza, kind, type, from, to, true, null, host, user)
      event.turn = turn
      return this.#catch(event, service === undefined ? this.#arrive(event) : service.receive(event))
    } catch (error) {
      if (host !== undefined) return this.#refuse(stanza, null, error, host)
      const reply = this.#replyTo(stanza, error)
      // No host answers here; a component that has gone meanwhile misses it.
      if (reply !== undefined) this.#toComponent(from.domain, reply)
    }
  }

  /** To a domain that is none of the hosts'. */
  #toOutside(domain: string, stanza: Element, text?: string): void {
    if (!this.#components.has(domain))
      throw new StanzaError(
        'remote-server-not-found',
        `This server does not serve ${domain} and does not connect to other servers.`,
      )
    if (this.#toComponent(domain, stanza, text)) return
    // RFC 6120 §8.3.3.19, but of type `wait`: the component comes back, and then the same may succeed.
    throw new StanzaError('service-unavailable', `The component ${domain} is not connected.`, { type: 'wait' })
  }

  /** Hands a stanza to the connection of a component that it is for; false when there is none. */
  #toComponent(domain: string, stanza: Element, text = serialize(stanza)): boolean {
    const { id, type, from = '', to = '' } = stanza.attrs
    const isAnswer = stanza.name === 'iq' && id !== undefined && (type === 'result' || type === 'error')
    const key = { from: bareOf(from), answer: isAnswer ? { id, from, to } : undefined }
    return this.#components.send(domain, text, key)
  }

  #leave(event: StanzaEvent, turn?: Turn): Pending {
    // RFC 6121 §4.5.1: the end of a session is its last presence, also of what waited behind something else until then.
    if (event.origin?.live === false && isAvailability(event)) return
    const taken = this.#run(flows[event.kind].leaving, event)
    if (typeof taken === 'boolean') return this.#until(event, taken ? undefined : this.#route(event, turn))
    return taken.then((consumed) => this.#until(event, consumed ? undefined : this.#route(event, turn)))
  }

  /** Waits, too, for what a module said must have ended before the stanza counts as handled. */
  #until(event: StanzaEvent, pending: Pending): Pending {
    if (event.pending === undefined) return pending
    event.turn?.recorded()
    return pending === undefined ? event.pending : pending.then(() => event.pending)
  }

  /** From the sender's side to the addressee's. */
  #route(event: StanzaEvent, turn?: Turn): Pending {
    const { stanza, kind, type, from, to, directed, origin } = event
    const host = this.#hosts.get(to.domain)
    if (host === undefined) return this.#toService(event, turn)
    const user = to.local === '' ? undefined : host.user(to)
    const arriving = new StanzaEvent(stanza, kind, type, from, to, directed, origin, host, user)
    arriving.turn = turn
    return this.#arrive(arriving)
  }

  #toService(event: StanzaEvent, turn?: Turn): Pending {
    const { stanza, kind, type, from, to, origin } = event
    const service = this.#services.get(to.domain)
    if (service === undefined) return this.#toOutside(to.domain, stanza, event.wire.text())
    const arriving = new StanzaEvent(stanza, kind, type, from, to, true, origin, service.host, undefined)
    arriving.turn = turn
    return service.receive(arriving)
  }

  #arrive(event: StanzaEvent): Pending {
    if (event.kind === 'iq') return this.#iqArriving(event)
    const taken = this.#run(flows[event.kind].arriving, event)
    if (typeof taken === 'boolean') return this.#until(event, taken ? undefined : this.#deliver(event))
    return taken.then((consumed) => this.#until(event, consumed ? undefined : this.#deliver(event)))
  }

  #deliver(event: StanzaEvent): Pending {
    if (event.to.local === '') return this.#atHost(event)
    switch (deliverLocally(event)) {
      case 'stranded':
        return this.#strand(event)
      case 'refused':
        throw new StanzaError('service-unavailable')
    }
  }

  /** RFC 6121 §8.5.1 asks nothing for messages to the server itself: nobody is there, so they bounce. */
  #atHost(event: StanzaEvent): void {
    if (event.kind === 'message') throw new StanzaError('service-unavailable')
  }

  #strand(event: StanzaEvent): Pending {
    const bounce = (taken: boolean): void => {
      if (!taken) throw new StanzaError('service-unavailable')
    }
    const taken = this.#run(flows.message.stranded, event)
    return typeof taken === 'boolean' ? bounce(taken) : taken.then(bounce)
  }

  #iqArriving(event: StanzaEvent): Pending {
    // What an account's owner asks of it passes no guard: nobody blocks themselves.
    const own = event.to.local !== '' && event.to.bare.equals(event.from.bare)
    const taken = own && event.to.resource === '' ? false : this.#run(flows.iq.arriving, event)
    if (taken === true) return
    if (taken === false) return this.#answer(event, own)
    return taken.then((consumed) => (consumed ? undefined : this.#answer(event, own)))
  }

  #answer(event: StanzaEvent, own: boolean): Pending {
    if (event.to.resource !== '' && event.to.local !== '') {
      if (deliverLocally(event) === 'refused') throw new StanzaError('service-unavailable')
      return
    }
    // RFC 6120 §8.2.3: a result or error for the server answers nothing it asked, so it ends here.
    if (event.type !== 'get' && event.type !== 'set') return event.host.answered(event.stanza)
    const { stanza, from, to, origin, host } = event
    const query = stanza.getChildElements()[0]!
    const find = (target: IqTarget) => host.iq.find(event.type, target, query.name, query.attrs['xmlns'])
    const entry = to.local === '' ? find('host') : ((own ? find('self') : undefined) ?? find('account'))
    // RFC 6121 §8.5.1: an unknown account and an unknown request get the same answer.
    const delegated = host.hooks.ask(requestDelegated, event)
    const handler = delegated ?? entry?.handler
    if (handler === undefined) throw new StanzaError('service-unavailable')
    const request: IqRequest = { stanza, from, to, origin, user: event.user, host }
    const respond = (payload: Element | void): void => this.#reply(event, resultOf(stanza, payload ?? undefined))
    if (to.local !== '' && (!own || event.user === undefined))
      return this.#askAccount(request, (asked) =>
        asked === request || delegated === undefined ? handler(query, asked) : undefined,
      ).then(respond)
    const payload = handler(query, request)
    return payload instanceof Promise ? payload.then(respond) : respond(payload)
  }

  /**
   * Asks an account for somebody else. A refusal costs the same whether the account is online, away or does not exist, in
   * whose place nobody is asked: the time it takes tells as little as what it says.
   */
  async #askAccount(request: IqRequest, ask: (request: IqRequest) => ReturnType<IqHandler>): Promise<Element | void> {
    const { to, user, host } = request
    const isThere = user !== undefined || (await host.accounts.lookUp(to.local))
    try {
      const payload = await ask(isThere ? request : { ...request, to: host.nobody })
      if (isThere) return payload
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      if (user !== undefined) await host.accounts.lookUp(to.local)
      if (isThere) throw error
    }
    throw new StanzaError('service-unavailable')
  }

  /**
   * Deals with what was handed to clients and, their sessions being over, reached none for certain: as RFC 6121 §8.5
   * rules for a resource that is gone, with the time of the first attempt (XEP-0198 §4). What guards and records came
   * before.
   */
  #undelivered(host: Host, { text, sinceMs }: Handover): void {
    const stanza = parseDocument(text)
    const kind = stanza.name as StanzaKind
    try {
      const from = Jid.parse(stanza.attrs['from'] ?? host.domain)
      const to = Jid.parse(stanza.attrs['to']!)
      const user = host.user(to)
      if (kind === 'message') setDelay(stanza, host.domain, sinceMs)
      const type = checkShape(stanza, kind)
      const event = new StanzaEvent(stanza, kind, type, from, to, true, null, host, user, sinceMs)
      const refuse = (error: unknown): void => {
        if (kind !== 'message' || !host.hooks.ask(messageKept, event)) this.#refuse(stanza, null, error, host)
      }
      try {
        this.#deliver(event)?.catch(refuse)
      } catch (error) {
        refuse(error)
      }
    } catch (error) {
      this.#refuse(stanza, null, error, host)
    }
  }

  #reply(event: StanzaEvent, reply: Element): void {
    if (event.origin !== null) {
      // RFC 6120 §8.1.2.1: what the server answers for the client's own account needs no `from` but may have one.
      if (!event.directed) delete reply.attrs['from']
      event.origin.send(reply)
    } else this.#fromHost(event.host, reply)
  }

  /** A stanza of the server's own: it has no leaving side, and its errors end here. */
  #fromHost(host: Host, stanza: Element): void {
    try {
      const kind = stanza.name as StanzaKind
      const to = Jid.parse(stanza.attrs['to'] ?? '')
      const event = new StanzaEvent(
        stanza,
        kind,
        checkShape(stanza, kind),
        Jid.parse(stanza.attrs['from'] ?? host.domain),
        to,
        true,
        null,
        host,
        undefined,
      )
      this.#sendOff(event)
    } catch (error) {
      this.#bug(error, stanza)
    }
  }

  #sendOff(event: StanzaEvent): void {
    try {
      void this.#catch(event, this.#route(event))
    } catch (error) {
      this.#refuse(event.stanza, null, error, event.host)
    }
  }

  #run(flow: Flow, event: StanzaEvent): boolean | Promise<boolean> {
    return runFlow(event.host.flows[flow.id]!, event, this.#onCrash)
  }

  #catch(event: StanzaEvent, pending: Pending): Pending {
    return pending?.catch((error) => this.#refuse(event.stanza, event.origin, error, event.host))
  }

  /** Answers a stanza with its error, unless it may not be answered (RFC 6120 §8.3.1). */
  #refuse(stanza: Element, origin: Session | null, error: unknown, host?: Host): void {
    const reply = this.#replyTo(stanza, error)
    if (reply === undefined) return
    if (origin !== null) {
      origin.host.traffic.refused.raise(stanza.name)
      origin.send(reply)
      if (reply.name === 'message') origin.host.hooks.notify(messageRefused, { session: origin, error: reply })
    } else if (host !== undefined && reply.attrs['to'] !== undefined) {
      host.traffic.refused.raise(stanza.name)
      if (reply.attrs['to'] !== host.domain) this.#fromHost(host, reply)
      else if (reply.name === 'iq') host.answered(reply)
    }
  }

  /** The error that answers a stanza, if it may be answered. */
  #replyTo(stanza: Element, error: unknown): Element | undefined {
    if (error instanceof StanzaDrop) return undefined
    const refusal = error instanceof StanzaError ? error : this.#bug(error, stanza)
    return mayBounce(stanza) ? errorOf(stanza, refusal) : undefined
  }

  /** Anything that is not a refusal is a bug or a lost database: logged once with an id that the peer sees too. */
  #bug(error: unknown, stanza: Element): StanzaError {
    const id = randomId()
    this.#log.error(
      { err: error, id, stanza: stanza.name, from: stanza.attrs['from'], to: stanza.attrs['to'] },
      'a stanza could not be handled',
    )
    return new StanzaError(
      'internal-server-error',
      `The server could not handle this; its log has the reason under ${id}.`,
      { type: 'wait' },
    )
  }
}

/** The bare JID of a prepared address. */
function bareOf(address: string): string {
  const slash = address.indexOf('/')
  return slash < 0 ? address : address.slice(0, slash)
}

function isAvailability({ kind, type }: StanzaEvent): boolean {
  return kind === 'presence' && (type === '' || type === 'unavailable')
}
