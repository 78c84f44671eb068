import { dataForm, type Element, type FormField, type ReadonlyElement, xml } from '#api'
import type { Registration } from './registration.ts'

export const NS_PUSH = 'urn:xmpp:push:0'
export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub'

/** What a notification tells the app server of a message (XEP-0357 §7); more than the number is a matter of trust. */
export interface Summary {
  readonly count: boolean
  readonly sender: boolean
  readonly body: boolean
}

/** The request that publishes a notification for a registration (XEP-0357 §7). */
export function notification(
  account: string,
  { service, node, options }: Registration,
  count: number,
  last: ReadonlyElement,
  summary: Summary,
): Element {
  const fields: FormField[] = []
  if (summary.count) fields.push({ var: 'message-count', values: [String(count)] })
  const sender = last.attrs['from']
  if (summary.sender && sender !== undefined) fields.push({ var: 'last-message-sender', values: [sender] })
  const body = last.getChildText('body')
  if (summary.body && body) fields.push({ var: 'last-message-body', values: [body] })
  const form = fields.length > 0 && dataForm('submit', 'urn:xmpp:push:summary', fields)
  const item = xml('item', null, xml('notification', { xmlns: NS_PUSH }, form))
  return xml(
    'iq',
    { type: 'set', from: account, to: service },
    xml(
      'pubsub',
      { xmlns: NS_PUBSUB },
      xml('publish', { node }, item),
      options !== undefined && xml('publish-options', null, options),
    ),
  )
}
