import { accountDeleting, defineModule, guestAccount, option, saslMechanisms, userLeft, xep } from '#api'
import { accountType } from '../disco/hooks.ts'
import disco from '../disco/index.ts'
import { Guests } from './guests.ts'
import { AnonymousStore } from './store.ts'

const TIDY_EVERY_MS = 60_000

export default defineModule({
  name: 'anonymous',
  summary: 'Lets people in who have no account, as guests whose account is gone with their connection.',
  implements: [xep(175, '1.2')],
  enabledByDefault: false,
  options: {
    total: option.int().min(1).orOff().default(100).describe('Most guests at once.'),
    perAddress: option
      .int()
      .min(1)
      .orOff()
      .default(5)
      .describe('Most guests at once from one address (IPv6: one /64 network).'),
  },
  depends: { disco },

  async setup(ctx) {
    const { config, log } = ctx
    const guests = new Guests({
      host: ctx.host,
      store: new AnonymousStore(ctx.db, ctx.host.domain),
      clock: ctx.clock,
      limits: config,
      onFailure: (error, account) => log.warn({ err: error, account }, 'the account of a guest could not be deleted'),
    })
    await guests.load()
    ctx.add(saslMechanisms, {
      name: 'ANONYMOUS',
      // XEP-0175 §3: there is nothing to say.
      isSilent: true,
      start: (sasl) => ({ step: (message) => guests.logIn(message, sasl) }),
    })
    ctx.answer(guestAccount, (jid) => guests.has(jid) || undefined)
    // XEP-0175 §4.
    ctx.answer(accountType, (jid) => (guests.has(jid) ? 'anonymous' : undefined))
    ctx.on(userLeft, ({ jid }) => guests.left(jid))
    ctx.gate(accountDeleting, ({ jid }) => guests.forget(jid))
    ctx.every(TIDY_EVERY_MS, 'guests that were away could not be forgotten', () => guests.tidy())
  },
})
