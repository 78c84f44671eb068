import { type Element, Jid, JidError, StanzaError, xml } from '#api'
import type { Policy } from './policy.ts'

/** The namespace of catalogues (XEP-0258 §4). */
export const NS_CATALOG = 'urn:xmpp:sec-label:catalog:2'

/**
 * The labels that somebody may use towards an address, or at all: those both are cleared for.
 *
 * @throws StanzaError `jid-malformed` when `to` is no address.
 */
export function catalogFor(
  policy: Policy,
  asker: Jid,
  request: Element,
  texts: { name: string; description: string },
): Element {
  const { to } = request.attrs
  const context = to === undefined ? undefined : parse(to)
  const labels = policy.labels.filter(
    (label) => label.clears(asker) && (context === undefined || label.clears(context)),
  )
  const items = labels.map((label) =>
    xml('item', { selector: label.selector, default: label === policy.default ? 'true' : undefined }, label.element),
  )
  // §4: an item without a label offers to send without; what has a default is labelled all the same.
  if (policy.default === undefined && policy.allowsUnlabelled)
    items.push(xml('item', { selector: 'Unlabelled', default: 'true' }))
  const attrs = {
    xmlns: NS_CATALOG,
    to: context?.toString(),
    name: texts.name,
    desc: texts.description === '' ? undefined : texts.description,
    size: String(items.length),
    restrict: policy.enforce ? 'true' : 'false',
  }
  return xml('catalog', attrs, ...items)
}

function parse(text: string): Jid {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}
