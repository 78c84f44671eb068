import { option } from '#api'

export const options = {
  services: option
    .list(option.string().min(1))
    .default(['pubsub'])
    .describe('The domains of the services; a name without a dot stands for that name before the domain of the host.'),
  name: option.string().default('Publish-subscribe').describe('What the services are called in lists.'),
  creators: option
    .oneOf('local', 'anybody', 'admins')
    .default('local')
    .describe(
      'Who may create nodes at the services: accounts of this server but those of guests, anybody, or its admins.',
    ),
  limits: option
    .group({
      maxNodes: option.int().min(1).orOff().default(500).describe('How many nodes one account can have at a service.'),
      maxItems: option
        .int()
        .min(1)
        .orOff()
        .default(10_000)
        .describe('How many items a node can keep; what clients call max.'),
      maxPayload: option.bytes().min('1KiB').orOff().default('256KiB').describe('The largest payload of an item.'),
      maxBytes: option
        .bytes()
        .min('1MiB')
        .orOff()
        .default('50MiB')
        .describe('How much all nodes together keep that one account has made at a service, or has itself.'),
      maxSubscriptions: option.int().min(1).orOff().default(10_000).describe('How many subscriptions a node can have.'),
    })
    .describe('What bounds the nodes of the services and those of accounts.'),
}
