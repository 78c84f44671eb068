import { type Element, serialize, xml } from '#api'
import { senderElement } from './stored-message.ts'

const NS_RETRACT = 'urn:xmpp:message-retract:1'
const NS_OCCUPANT_ID = 'urn:xmpp:occupant-id:0'

/** Whether a kept message can be taken back: it is no tombstone, and no retraction, which "MUST" be kept (XEP-0424 §5). */
export function canBeRetracted(stanza: Element): boolean {
  return stanza.getChild('retracted', NS_RETRACT) === undefined && stanza.getChild('retract', NS_RETRACT) === undefined
}

/**
 * What is left of a kept message that was taken back, as XML (XEP-0424 §4, XEP-0425 §4): where it came from, its ids, and
 * who said it, for those who may know.
 */
export function tombstoneText(stanza: Element, retracted: Element): string {
  const { from, type, id } = stanza.attrs
  return serialize(
    xml(
      'message',
      { from, type, id },
      stanza.getChild('occupant-id', NS_OCCUPANT_ID),
      retracted,
      senderElement(stanza),
    ),
  )
}
