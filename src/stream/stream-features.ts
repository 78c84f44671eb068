import { type ChannelBindingSource, channelBindingTypes } from '../auth/mechanism.ts'
import { streamFeatures } from '../session/hooks.ts'
import type { Host } from '../session/host.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/namespaces.ts'

const NS_SASL_CB = 'urn:xmpp:sasl-cb:0'

/** The features before login (RFC 6120 §4.3.2): STARTTLS, the mechanisms, what modules add. */
export function featuresBeforeLogin(
  host: Host,
  tls: 'required' | 'optional' | 'done',
  mechanisms: readonly string[],
  binding: ChannelBindingSource | undefined,
): Element {
  const features = xml('stream:features')
  // RFC 6120 §5.4.1: while TLS must be negotiated first, nothing else is announced.
  if (tls !== 'done') features.append(xml('starttls', { xmlns: NS.tls }, tls === 'required' && xml('required')))
  if (tls === 'required') return features
  if (mechanisms.length > 0)
    features.append(xml('mechanisms', { xmlns: NS.sasl }, ...mechanisms.map((name) => xml('mechanism', null, name))))
  // XEP-0440 §2: the types of channel binding that a -PLUS mechanism may use here.
  if (binding !== undefined && mechanisms.some((name) => name.endsWith('-PLUS')))
    features.append(
      xml(
        'sasl-channel-binding',
        { xmlns: NS_SASL_CB },
        ...channelBindingTypes(binding).map((type) => xml('channel-binding', { type })),
      ),
    )
  append(features, host, 'before-login')
  return features
}

/** The features after login (RFC 6120 §7.3): binding, and what modules add. */
export function featuresAfterLogin(host: Host): Element {
  const features = xml('stream:features', null, xml('bind', { xmlns: NS.bind }))
  append(features, host, 'after-login')
  return features
}

function append(features: Element, host: Host, when: 'after-login' | 'before-login'): void {
  for (const feature of host.hooks.all(streamFeatures)) if (feature.when === when) features.append(feature.element())
}
