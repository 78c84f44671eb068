import { dataForm, type Jid, StanzaError } from '#api'
import type { AdHocCommand } from '../ad-hoc/hooks.ts'
import { isOwner } from './access.ts'
import { askOwner } from './authorizing.ts'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { FORM_AUTHORIZATION, NS_PUBSUB } from './namespaces.ts'

/** The command’s node. */
export const GET_PENDING = `${NS_PUBSUB}#get-pending`

/** By which owners ask for the requests to subscribe that are not answered yet (XEP-0060 §8.7). */
export function pendingCommand<R extends { readonly from: Jid }>(
  engine: Engine,
  faceOf: (request: R) => Face,
): AdHocCommand<R> {
  return {
    node: GET_PENDING,
    name: 'See who asks to subscribe',
    may: async (request) => {
      const bare = request.from.bare.toString()
      const all = await engine.store.affiliationsOf(faceOf(request).service.toString(), bare)
      if (all.some(({ affiliation }) => affiliation === 'owner')) return
      // XEP-0060 §8.7.3.3
      throw new StanzaError('forbidden', 'You own no node here.')
    },
    stages: [
      async (request) => {
        const nodes = await engine.store.pendingOf(faceOf(request).service.toString(), request.from.bare.toString())
        const options = nodes.map((value) => ({ value }))
        const field = { var: 'pubsub#node', type: 'list-single', label: 'Node', required: true, options } as const
        return dataForm('form', FORM_AUTHORIZATION, [field], { title: 'Requests to subscribe' })
      },
    ],
    run: async (filled, request) => {
      const { from } = request
      const face = faceOf(request)
      const node = await engine.get(face, filled.get('pubsub#node')![0]!)
      if (!isOwner(face, node, from)) throw new StanzaError('forbidden', 'Only owners of the node may do that.')
      engine.afterwards(face, node.name, (now) => {
        for (const subscription of now.subscriptions.values())
          if (subscription.state === 'pending') askOwner(engine, face, now, subscription, from)
      })
    },
  }
}
