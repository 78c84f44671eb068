import { defineCollection } from '#api'
import type { NodeConfig } from '../pubsub/index.ts'

/** How nodes of a name are made where the publisher does not say otherwise, such as those that are for oneself alone. */
export interface NodePreset {
  readonly node: string
  readonly config: NodeConfig
}
export const nodePresets = defineCollection<NodePreset>(
  'pep/node-presets',
  'How well-known nodes of accounts are made where the publisher does not say otherwise.',
)
