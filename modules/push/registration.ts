import { type Element, Jid, JidError, NS_FORMS, ownText, parseDocument, StanzaError, serialize } from '#api'

const PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'

/** What a device wants to be woken by: a node of an app server (XEP-0357 §5). */
export interface Registration {
  /** The app server's address, prepared. */
  readonly service: string
  readonly node: string | undefined
  /** The resource that asked for it: the device's session, when it has one, is the session of that resource. */
  readonly resource: string
  /** The publish-options form to be sent along, such as a secret of the app server. */
  readonly options: Element | undefined
}

/** What a request may be like at most, in characters; 0 is no limit. */
export interface RegistrationLimits {
  readonly maxSize: number
}

/**
 * Reads `<enable/>` (XEP-0357 §5).
 *
 * @throws StanzaError `bad-request` without a service, or with a form that is none of publish-options; `jid-malformed`;
 * `policy-violation` for one that is too large.
 */
export function readEnable(request: Element, resource: string, { maxSize }: RegistrationLimits): Registration {
  const service = readService(request)
  const { node } = request.attrs
  const form = request.getChild('x', NS_FORMS)
  if (maxSize > 0 && (node?.length ?? 0) + (form?.toString().length ?? 0) > maxSize)
    throw new StanzaError('policy-violation', 'The node and its options are too large.')
  if (form !== undefined && formType(form) !== PUBLISH_OPTIONS)
    throw new StanzaError('bad-request', 'The form must be one of publish-options.')
  // Kept for long: copies, which do not keep what came in with the request.
  return { service, node: node && ownText(node), resource, options: form && parseDocument(serialize(form)) }
}

/** The app server that `<enable/>` or `<disable/>` names; throws like {@link readEnable}. */
export function readService(request: Element): string {
  const { jid } = request.attrs
  if (jid === undefined || jid === '') throw new StanzaError('bad-request', 'Say which service.')
  try {
    return Jid.parse(jid).toString()
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
    throw error
  }
}

function formType(form: Element): string | undefined {
  const field = form.getChildren('field', NS_FORMS).find(({ attrs }) => attrs['var'] === 'FORM_TYPE')
  return field?.getChildText('value', NS_FORMS) ?? undefined
}
