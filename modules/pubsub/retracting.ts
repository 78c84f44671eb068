import { type Jid, readBoolean, StanzaError, xml } from '#api'
import { isOwner } from './access.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { nodeChanged } from './hooks.ts'
import type { Node } from './node.ts'
import { refusal, unsupported } from './refusal.ts'
import { nodeOf, type Operations, type Request } from './request.ts'

/** XEP-0060 §7.2. */
async function retract(request: Request): Promise<void> {
  const { engine, face, from, action } = request
  const name = nodeOf(request)
  const ids = action.getChildren('item').map((item) => item.attrs['id'] ?? '')
  if (ids.length === 0 || ids.includes('')) throw refusal('bad-request', 'item-required', 'Which item?')
  const notify = readBoolean(action.attrs['notify']) === true
  await retractItems(engine, face, name, [...new Set(ids)], from, notify)
}

/**
 * Removes items; subscribers are told when the node is set so, or `notify` says so.
 *
 * @throws StanzaError that says why not; nothing is removed then.
 */
export function retractItems(
  engine: Engine,
  face: Face,
  name: string,
  ids: readonly string[],
  by: Jid,
  notify: boolean,
): Promise<void> {
  return engine.changing(face, name, async (node) => {
    await checkRetracter(engine, face, node, ids, by)
    if (!node.settings.persistItems) throw unsupported('persistent-items', 'Nothing is kept at this node.')
    const gone = await engine.store.retract(node.id, ids)
    if (gone.length === 0) throw new StanzaError('item-not-found', 'There is no such item.')
    node.newestSeq = (await engine.store.newest(node.id, 1))[0]?.seq ?? 0
    if (node.settings.deliverNotifications && (notify || node.settings.notifyRetract))
      await engine.notifier.announce(
        face,
        node,
        xml('items', { node: node.name }, ...gone.map((id) => xml('retract', { id }))),
      )
    engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by, kind: 'retracted', ids: gone })
  })
}

/** Owners may remove anything, publishers what they have published. */
async function checkRetracter(engine: Engine, face: Face, node: Node, ids: readonly string[], by: Jid): Promise<void> {
  if (isOwner(face, node, by)) return
  const bare = by.bare.toString()
  const affiliation = node.affiliationOf(by)
  const isPublisher =
    affiliation === 'publisher' ||
    affiliation === 'publish-only' ||
    (affiliation !== 'outcast' && node.settings.publishModel !== 'publishers')
  if (isPublisher && (await engine.store.items(node.id, ids)).every(({ publisher }) => publisher === bare)) return
  throw new StanzaError('forbidden', 'You may not remove that.')
}

export const retractingOperations: Operations = { 'set retract': retract }
