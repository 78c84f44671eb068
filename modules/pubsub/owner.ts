import { type Element, xml } from '#api'
import { checkOwner } from './access.ts'
import { NS_OWNER } from './namespaces.ts'
import type { Node } from './node.ts'
import { nodeOf, type Request } from './request.ts'

/** The node that a request of an owner is about, for reading. @throws StanzaError `forbidden` for others. */
export async function owned(request: Request): Promise<Node> {
  const node = await request.engine.get(request.face, nodeOf(request))
  checkOwner(request.face, node, request.from)
  return node
}

/** Changes the node that a request of an owner is about. @throws StanzaError `forbidden` for others. */
export function owning<T>(request: Request, work: (node: Node) => Promise<T>): Promise<T> {
  const { engine, face, from } = request
  return engine.changing(face, nodeOf(request), async (node) => {
    checkOwner(face, node, from)
    return await work(node)
  })
}

/** What owners are answered with. */
export function answer(...children: readonly Element[]): Element {
  return xml('pubsub', { xmlns: NS_OWNER }, ...children)
}
