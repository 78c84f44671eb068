import { defineModule, flowNeeded, flows, Jid, option, StanzaError, soft, xep } from '#api'
import { messageWithheld, roomAspects } from '../muc/hooks.ts'
import muc from '../muc/index.ts'
import { catalogFor, NS_CATALOG } from './catalog.ts'
import { guardArriving, guardLeaving, mayHave } from './guards.ts'
import { complaints, NS_LABEL, Policy } from './policy.ts'

const color = option
  .string()
  .matching(
    /^(#[\dA-Fa-f]{6}|aqua|black|blue|fuschia|gray|green|lime|maroon|navy|olive|orange|purple|red|silver|teal|white|yellow)$/,
    'a colour such as red or #ff0000',
  )

const label = option.group({
  name: option.string().min(1).max(100).describe('Its name, which is shown with what bears it.'),
  label: option
    .string()
    .min(1)
    .max(10_000)
    .describe('What it is to machines: an ESS security label in base64, or an element of yours, as XML.'),
  selector: option
    .string()
    .max(500)
    .matching(/^[^|]+(\|[^|]+)*$/, 'names with | between them')
    .optional()
    .describe('Its place in the menus of clients, such as Classified|Secret; its name unless given.'),
  color: color.default('black').describe('Colour of the name.'),
  background: color.default('white').describe('Colour behind the name.'),
  cleared: option
    .list(option.string().min(1))
    .default(['everybody'])
    .describe('Who may send and get what bears it: groups, accounts, rooms, whole domains, or everybody.'),
})

export default defineModule({
  name: 'security-labels',
  summary: 'Marks messages by how secret they are, and keeps them from those who may not have them.',
  implements: [xep(258, '1.1.1', 'A policy of the admin’s; rooms have no labels of their own.')],
  enabledByDefault: false,
  features: { host: [NS_LABEL, NS_CATALOG] },
  depends: { muc: soft(muc) },
  options: {
    labels: option
      .list(label)
      .default([])
      .describe('The labels, in the order of the catalogue.')
      .example(`[{ name: Secret, label: "MQYCAQQGASk=", background: red, cleared: [board] }]`),
    groups: option
      .record(option.list(option.jid()))
      .default({})
      .describe('Groups of accounts by name, for cleared.')
      .example('{ board: [anna@example.org, ben@example.org] }'),
    default: option.string().optional().describe('The label of messages that bear none.').example('Internal'),
    unlabelled: option
      .oneOf('allowed', 'refused')
      .default('allowed')
      .describe('Whether messages need no label where there is no default.'),
    enforce: option
      .bool()
      .default(true)
      .describe('Whether the server refuses what the labels forbid; else it only has the catalogue.'),
    name: option.string().max(100).default('Default').describe('What the catalogue is called.'),
    description: option.string().max(1000).default('').describe('What is said of the catalogue.'),
  },

  check: complaints,

  setup(ctx) {
    const { host, config } = ctx
    const policy = new Policy(config)
    ctx.iq('get', 'host', 'catalog', NS_CATALOG, (request, { from }) => {
      // XEP-0258 §4: a client asks its own server.
      if (!host.serves(from.domain))
        throw new StanzaError('forbidden', 'The catalogue is for the accounts of this server.')
      return catalogFor(policy, from, request, config)
    })
    // XEP-0258 §5.2.1
    ctx.add(roomAspects, { name: 'security-labels', features: () => [NS_LABEL], serviceFeatures: [NS_LABEL] })
    if (!policy.enforce) return

    for (const flow of [flows.message, flows.presence, flows.iq]) {
      ctx.flow(flow.leaving, 'guard', guardLeaving(policy))
      ctx.flow(flow.arriving, 'guard', guardArriving(policy))
    }
    // XEP-0258 §5.2.2, §5.2.3: of what goes to many, each gets what it is cleared for.
    ctx.answer(flowNeeded, ({ session, wire, from }) =>
      wire.name === 'message' && !mayHave(policy, host, session.user.jid, from, wire.element) ? true : undefined,
    )
    ctx.answer(messageWithheld, ({ account, stanza }) =>
      mayHave(policy, host, account, Jid.parse(stanza.attrs['from'] ?? host.domain), stanza) ? undefined : true,
    )
  },
})
