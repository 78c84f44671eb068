import { defineModule, type Jid, option, soft, xep } from '#api'
import { discoNodes } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { CommandDesk } from './command-desk.ts'
import { type AdHocCommand, adHocCommands, type CommandRequest } from './hooks.ts'
import { NS_COMMANDS } from './protocol.ts'

export type { CommandDesk } from './command-desk.ts'
export { badPayload, NS_COMMANDS, note } from './protocol.ts'

/** What other modules may ask for; commands of the host and of accounts they add to `adHocCommands` instead. */
export interface AdHoc {
  /**
   * A desk for commands of an entity that answers for itself, such as a room or a domain that a module serves; what its
   * handlers are told is up to the entity. One desk can serve many addresses.
   */
  desk<R extends { readonly from: Jid }>(commands: readonly AdHocCommand<R>[]): CommandDesk<R>
}

export default defineModule({
  name: 'ad-hoc',
  summary: 'Lets clients give commands, which other modules offer, through forms.',
  implements: [xep(50, '1.3.0')],
  features: { host: [NS_COMMANDS] },
  options: {
    sessionTimeout: option
      .duration()
      .min('10s')
      .orOff()
      .default('15m')
      .describe('How long a command waits for somebody to fill in its form.'),
    maxSessions: option
      .int()
      .min(1)
      .orOff()
      .default(10)
      .describe('How many commands of one account wait for that at most; the oldest ends for another.'),
  },
  depends: { disco: soft(disco) },

  setup(ctx): AdHoc {
    const { host, clock, config } = ctx
    const bounds = { timeout: config.sessionTimeout, perAccount: config.maxSessions }
    const deskOf = (target: 'host' | 'self') =>
      new CommandDesk<CommandRequest>(
        () => host.hooks.all(adHocCommands).filter((offer) => offer.target === target),
        bounds,
        clock,
      )
    const ofHost = deskOf('host')
    const ofAccounts = deskOf('self')
    ctx.iq('set', 'host', 'command', NS_COMMANDS, (query, iq) => ofHost.carryOut(query, iq, iq.to.toString()))
    ctx.iq('set', 'self', 'command', NS_COMMANDS, (query, iq) => ofAccounts.carryOut(query, iq, iq.to.toString()))
    ctx.add(discoNodes, {
      of: 'host',
      info: (node, request) => ofHost.info(node, request),
      items: (node, request) => ofHost.items(node, request, request.to.toString()),
    })
    // What an account can be told to do is its owner’s affair.
    const isOwner = ({ from, to }: CommandRequest) => from.bare.equals(to.bare)
    ctx.add(discoNodes, {
      of: 'account',
      info: (node, request) => (isOwner(request) ? ofAccounts.info(node, request) : undefined),
      items: (node, request) => (isOwner(request) ? ofAccounts.items(node, request, request.to.toString()) : undefined),
    })
    ctx.onReady(() => {
      const offers = host.hooks.all(adHocCommands)
      const double = offers.find((one, place) =>
        offers.slice(0, place).some(({ node, target }) => node === one.node && target === one.target),
      )
      if (double !== undefined) throw new Error(`two commands have the node ${double.node}`)
      if (offers.some(({ target }) => target === 'self')) host.features.account.add(NS_COMMANDS)
    })
    ctx.onStop(() => void host.features.account.delete(NS_COMMANDS))

    return { desk: (commands) => new CommandDesk(() => commands, bounds, clock) }
  },
})
