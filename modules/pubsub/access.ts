import { type Jid, StanzaError } from '#api'
import type { Face } from './face.ts'
import type { Node } from './node.ts'
import { refusal } from './refusal.ts'

/** Whether somebody is an owner of a node. */
export function isOwner(face: Face, node: Node, asker: Jid): boolean {
  return face.rules(asker) || node.affiliationOf(asker) === 'owner'
}

/** @throws StanzaError `forbidden` for whoever is not an owner. */
export function checkOwner(face: Face, node: Node, asker: Jid): void {
  if (!isOwner(face, node, asker)) throw new StanzaError('forbidden', 'Only owners of the node may do that.')
}

/**
 * Refuses whoever may not see what is published at a node (XEP-0060 §6.1.3, §6.5.9); whoever may, may subscribe too, and at
 * an `authorize` node anybody but outcasts may ask to.
 *
 * @throws StanzaError that says which rule it is.
 */
export async function checkReader(face: Face, node: Node, asker: Jid): Promise<void> {
  if (isOwner(face, node, asker)) return
  switch (node.affiliationOf(asker)) {
    case 'outcast':
    case 'publish-only':
      throw new StanzaError('forbidden', 'You may not read this node.')
    case 'member':
    case 'publisher':
      return
  }
  switch (node.settings.accessModel) {
    case 'open':
      return
    case 'presence':
      if (await face.seesPresence(node, asker)) return
      throw refusal('not-authorized', 'presence-subscription-required', 'Ask to see the owner’s presence first.')
    case 'roster':
      if (!(await face.seesPresence(node, asker)))
        throw refusal('not-authorized', 'presence-subscription-required', 'Ask to see the owner’s presence first.')
      if (await face.isInGroups(node, asker)) return
      throw refusal('not-authorized', 'not-in-roster-group', 'The owner has you in none of the groups of this node.')
    case 'whitelist':
      throw refusal('not-allowed', 'closed-node', 'Only those whom an owner has made members may read this node.')
    case 'authorize':
      if (node.hasSubscribed(asker)) return
      throw refusal('not-authorized', 'not-subscribed', 'An owner has to approve your subscription first.')
  }
}

/** Whether somebody may see what is published at a node. */
export async function mayRead(face: Face, node: Node, asker: Jid): Promise<boolean> {
  try {
    await checkReader(face, node, asker)
    return true
  } catch (error) {
    if (error instanceof StanzaError) return false
    throw error
  }
}

/** @throws StanzaError `forbidden` for whoever may not publish (XEP-0060 §7.1.3.1). */
export async function checkPublisher(face: Face, node: Node, asker: Jid): Promise<void> {
  if (isOwner(face, node, asker)) return
  const affiliation = node.affiliationOf(asker)
  if (affiliation === 'publisher' || affiliation === 'publish-only') return
  const { publishModel } = node.settings
  if (affiliation !== 'outcast' && publishModel === 'open' && (await mayRead(face, node, asker))) return
  if (affiliation !== 'outcast' && publishModel === 'subscribers' && node.hasSubscribed(asker)) return
  throw new StanzaError('forbidden', 'You may not publish at this node.')
}
