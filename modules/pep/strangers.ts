import { type Element, StanzaError } from '#api'
import { type Face, NS_OWNER } from '../pubsub/index.ts'

/** What is answered without a look at a node: it would tell everybody that there is such an account. */
const general = new Set(['affiliations', 'default', 'subscriptions'])

/**
 * Keeps an answer from a stranger that an account which does not exist would not give: of strangers only those get one who
 * ask for a node that is open to them, or for what they have there.
 *
 * @throws StanzaError `service-unavailable`.
 */
export async function checkAnswer(
  face: Face,
  query: Element,
  answer: Element | void,
  asker: Parameters<Face['isStranger']>[0],
): Promise<void> {
  const action = query.getChildElements().find(({ name }) => general.has(name))
  if (action === undefined) return
  const told = answer?.getChild(action.name)
  if (query.attrs['xmlns'] !== NS_OWNER && action.name !== 'default' && (told?.getChildElements().length ?? 0) > 0)
    return
  if (await face.isStranger(asker)) throw new StanzaError('service-unavailable')
}
