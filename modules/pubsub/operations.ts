import { type Element, type Jid, StanzaError } from '#api'
import { creating } from './creating.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { NS_OWNER, NS_PUBSUB } from './namespaces.ts'
import { owningOperations } from './owning.ts'
import { publishingOperations } from './publishing.ts'
import { unsupported } from './refusal.ts'
import { relatingOperations } from './relations.ts'
import type { Operations } from './request.ts'
import { retractingOperations } from './retracting.ts'
import { retrievingOperations } from './retrieving.ts'
import { subscribingOperations } from './subscribing.ts'

const byNamespace: Readonly<Record<string, Operations>> = {
  [NS_PUBSUB]: {
    ...creating,
    ...publishingOperations,
    ...retractingOperations,
    ...retrievingOperations,
    ...subscribingOperations,
  },
  [NS_OWNER]: { ...owningOperations, ...relatingOperations },
}

/** What comes along with an action and is none. */
const companions = new Set(['publish-options'])

/**
 * Does what a `<pubsub/>` of either namespace asks for.
 *
 * @throws StanzaError that says why not; a stranger to an account always gets `service-unavailable`, as at an account that does
 * not exist.
 */
export async function perform(
  engine: Engine,
  face: Face,
  type: 'get' | 'set',
  pubsub: Element,
  from: Jid,
): Promise<Element | void> {
  const operations = byNamespace[pubsub.attrs['xmlns'] ?? ''] ?? {}
  const actions = pubsub.getChildElements().filter(({ name }) => !companions.has(name))
  const action = actions.find(({ name }) => Object.hasOwn(operations, `${type} ${name}`))
  try {
    if (action === undefined) {
      const [first] = actions
      throw first === undefined
        ? new StanzaError('bad-request', 'What is asked for?')
        : unsupported(featureOf(first.name))
    }
    return await operations[`${type} ${action.name}`]!({ engine, face, from, pubsub, action })
  } catch (error) {
    if (error instanceof StanzaError && (await face.isStranger(from))) throw new StanzaError('service-unavailable')
    throw error
  }
}

/** The name of the feature that an unknown action would be (XEP-0060 §10). */
function featureOf(action: string): string {
  return action.slice(0, 50)
}
