import { StanzaError, xml } from '#api'
import { NS_ERRORS } from './namespaces.ts'

type Condition = ConstructorParameters<typeof StanzaError>[0]

/** What the specification calls its own conditions, beside the defined ones (XEP-0060 §16.4). */
export type PubsubCondition =
  | 'closed-node'
  | 'configuration-required'
  | 'invalid-jid'
  | 'invalid-options'
  | 'invalid-payload'
  | 'invalid-subid'
  | 'item-forbidden'
  | 'item-required'
  | 'jid-required'
  | 'max-items-exceeded'
  | 'max-nodes-exceeded'
  | 'nodeid-required'
  | 'not-in-roster-group'
  | 'not-subscribed'
  | 'payload-required'
  | 'payload-too-big'
  | 'pending-subscription'
  | 'precondition-not-met'
  | 'presence-subscription-required'
  | 'subid-required'
  | 'too-many-subscriptions'
  | 'unsupported-access-model'

/** An error with a condition of XEP-0060's own behind the defined one. */
export function refusal(condition: Condition, own: PubsubCondition, text = ''): StanzaError {
  return new StanzaError(condition, text, { app: xml(own, { xmlns: NS_ERRORS }) })
}

/** `feature-not-implemented`, with the feature that is not there. */
export function unsupported(feature: string, text = ''): StanzaError {
  return new StanzaError('feature-not-implemented', text, { app: xml('unsupported', { xmlns: NS_ERRORS, feature }) })
}

/** There is no such node, or not for this one. */
export function noSuchNode(): StanzaError {
  return new StanzaError('item-not-found', 'There is no such node.')
}
