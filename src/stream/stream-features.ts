import type { ChannelBindingSource } from '../auth/mechanism.ts'
import type { Connection } from '../net/connection.ts'
import { bindFeatures, loginExtensions, streamElements, streamFeatures } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import type { Session } from '../session/session.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'
import { serialize } from '../xml/wire.ts'
import type { SaslOffer } from './sasl-exchange.ts'
import { NS_UPGRADE, upgradeTasks } from './upgrade-task.ts'

const NS_SASL_CB = 'urn:xmpp:sasl-cb:0'

type Security = Pick<Connection, 'canStartTls' | 'channelBinding' | 'secure'>

/** What has been made of the features before login, and before binding: a handful for each host. */
const made = new WeakMap<Host, Map<string, string>>()

function madeOnce(host: Host, key: string, make: () => Element): string {
  const texts = made.get(host) ?? new Map<string, string>()
  made.set(host, texts)
  let text = texts.get(key)
  if (text === undefined) {
    text = serialize(make())
    texts.set(key, text)
  }
  return text
}

/**
 * The features before login (RFC 6120 §4.3.2), as text: STARTTLS, the ways to log in, what modules add. They are made once for
 * all connections on which the same can be negotiated, so what modules add depends on nothing else.
 */
export function featuresBeforeLogin(host: Host, security: Security, requireTls: boolean, offer: SaslOffer): string {
  const types = security.channelBinding?.bindings.keys() ?? []
  const tls = !security.canStartTls ? 'done' : requireTls ? 'required' : 'optional'
  const key = [tls, security.secure, ...types, '', ...offer.mechanisms].join()
  return madeOnce(host, key, () => makeFeatures(host, security, tls, offer))
}

function makeFeatures(
  host: Host,
  { channelBinding, secure }: Security,
  tls: 'done' | 'optional' | 'required',
  { mechanisms, bindings }: SaslOffer,
): Element {
  const features = xml('stream:features')
  // RFC 6120 §5.4.1: while TLS must be negotiated first, nothing else is announced.
  if (tls !== 'done') features.append(xml('starttls', { xmlns: NS.tls }, tls === 'required' && xml('required')))
  if (tls === 'required') return features
  if (mechanisms.length > 0) {
    features.append(xml('mechanisms', { xmlns: NS.sasl }, ...mechanismElements(mechanisms)))
    // XEP-0388 §4: only after TLS.
    if (secure) features.append(authentication(host, mechanisms, channelBinding))
  }
  // XEP-0440 §2: the types of channel binding that a -PLUS mechanism may use here.
  if (bindings !== undefined) {
    const types = bindings.map((type) => xml('channel-binding', { type }))
    features.append(xml('sasl-channel-binding', { xmlns: NS_SASL_CB }, ...types))
  }
  append(features, host, 'before-login')
  return features
}

/**
 * The features after login: of a client that is to bind (RFC 6120 §7.3), and of one that has bound `session` by its login
 * (XEP-0386). With them comes what modules add.
 */
export function featuresAfterLogin(host: Host, session?: Session): Element | string {
  if (session === undefined) return madeOnce(host, 'binding', () => featuresOf(host, xml('bind', { xmlns: NS.bind })))
  return featuresOf(host, undefined, session)
}

function featuresOf(host: Host, bind?: Element, session?: Session): Element {
  const features = xml('stream:features', null, bind)
  append(features, host, 'after-login', session)
  return features
}

/** XEP-0388 §2.1, XEP-0386 §3.1, XEP-0480 §2.1. */
function authentication(host: Host, mechanisms: readonly string[], binding: ChannelBindingSource | undefined): Element {
  const { hooks } = host
  const offers = hooks.all(loginExtensions).map((extension) => extension.offer?.(binding))
  const elements = hooks.all(streamElements).map((known) => known.inline?.())
  const bindable = hooks.all(bindFeatures).filter(({ ask }) => ask !== undefined)
  const bind = xml(
    'bind',
    { xmlns: NS.bind2 },
    bindable.length > 0 && xml('inline', null, ...bindable.map((feature) => xml('feature', { var: feature.xmlns }))),
  )
  return xml(
    'authentication',
    { xmlns: NS.sasl2 },
    ...mechanismElements(mechanisms),
    xml('inline', null, bind, ...elements, ...offers),
    ...upgradeTasks(mechanisms).map((task) => xml('upgrade', { xmlns: NS_UPGRADE }, task)),
  )
}

function mechanismElements(names: readonly string[]): Element[] {
  return names.map((name) => xml('mechanism', null, name))
}

function append(features: Element, host: Host, when: 'after-login' | 'before-login', session?: Session): void {
  for (const feature of host.hooks.all(streamFeatures)) {
    const element = feature.when === when ? feature.element(session) : undefined
    if (element !== undefined) features.append(element)
  }
}
