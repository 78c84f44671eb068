import { dataForm, type Element, type Jid, readForm, StanzaError, xml } from '#api'
import type { Engine } from './engine.ts'
import type { Face } from './face.ts'
import { nodeChanged } from './hooks.ts'
import { FORM_CONFIG } from './namespaces.ts'
import type { Node } from './node.ts'
import { configForm, readConfig, sameValue, settingsOf, unlike } from './node-config.ts'
import { answer, owned, owning } from './owner.ts'
import type { NodeConfig } from './records.ts'
import { unsupported } from './refusal.ts'
import { dropUnwelcome } from './relations.ts'
import type { Operations, Request } from './request.ts'

// ---- configuration (XEP-0060 §8.2, §8.3) ----

async function getConfig(request: Request): Promise<Element> {
  const { record } = await owned(request)
  const form = dataForm('form', FORM_CONFIG, configForm(record.config, request.face.defaults))
  return answer(xml('configure', { node: record.node }, form))
}

async function getDefault({ face, action }: Request): Promise<Element> {
  // XEP-0060 §8.3.2
  if ((action.attrs['type'] ?? 'leaf') !== 'leaf') throw unsupported('collections')
  return answer(xml('default', null, dataForm('form', FORM_CONFIG, configForm({}, face.defaults))))
}

async function setConfig(request: Request): Promise<void> {
  const { engine, face, action, from } = request
  const form = action.getChild('x', 'jabber:x:data')
  // XEP-0060 §8.2.5: the owner leaves everything as it is; nobody else learns whether there is a node.
  if (form?.attrs['type'] === 'cancel') return void (await owned(request))
  const values = readForm(action, FORM_CONFIG)
  if (values === undefined) throw new StanzaError('bad-request', 'A form of the configuration is needed.')
  const changes = readConfig(values, face.limits)
  await owning(request, async (node) => {
    const config = unlike({ ...node.record.config, ...changes }, face.defaults)
    await configureNode(engine, face, node, config, from)
  })
}

/** Sets a node to a configuration, that is what differs from the defaults. Runs where the node is being changed. */
export async function configureNode(
  engine: Engine,
  face: Face,
  node: Node,
  config: NodeConfig,
  by: Jid,
): Promise<void> {
  const before = node.record.config
  await engine.store.saveConfig(node.id, config)
  node.configure(config, settingsOf(config, face.defaults, face.limits))
  const { notifyConfig, deliverPayloads, persistItems, maxItems } = node.settings
  // What the node cannot hold any more goes.
  if (persistItems && maxItems > 0) await engine.store.publish(node.id, [], maxItems)
  else await engine.purge(node)
  await engine.expire(node)
  if (notifyConfig) {
    const form = deliverPayloads && dataForm('result', FORM_CONFIG, configForm(config, face.defaults))
    await engine.notifier.announce(face, node, xml('configuration', { node: node.name }, form))
  }
  if (['access_model', 'roster_groups_allowed'].some((name) => !sameValue(before[name], config[name])))
    await dropUnwelcome(engine, face, node)
  engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by, kind: 'configured' })
}

// ---- the end of a node, and of all its items (XEP-0060 §8.4, §8.5) ----

async function deleteNode(request: Request): Promise<void> {
  const { engine, face, action, from } = request
  const redirect = action.getChild('redirect')
  const uri = redirect?.attrs['uri'] ?? redirect?.getText()
  await owning(request, async (node) => {
    await engine.store.remove(node.id)
    engine.forget(node)
    engine.volumes.emptied(node.record.service, node.record.creator, node.name)
    if (node.settings.notifyDelete) {
      const to = uri === undefined ? [] : [xml('redirect', { uri })]
      // XEP-0060 §8.4.2: also those who have only asked.
      await engine.notifier.announce(face, node, xml('delete', { node: node.name }, ...to), { askers: true })
    }
    engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by: from, kind: 'deleted' })
  })
}

async function purge(request: Request): Promise<void> {
  const { engine, face, from } = request
  await owning(request, async (node) => {
    if (!node.settings.persistItems) throw unsupported('persistent-items', 'Nothing is kept at this node.')
    await engine.purge(node)
    if (node.settings.notifyRetract) await engine.notifier.announce(face, node, xml('purge', { node: node.name }))
    engine.host.hooks.notify(nodeChanged, { service: face.service, node: node.name, by: from, kind: 'purged' })
  })
}

/** What owners ask for that is about the node itself. */
export const owningOperations: Operations = {
  'get configure': getConfig,
  'get default': getDefault,
  'set configure': setConfig,
  'set delete': deleteNode,
  'set purge': purge,
}
