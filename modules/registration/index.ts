import { defineModule, option, preAuthRequests, streamFeatures, xep, xml } from '#api'
import { RegistrationLimit } from './limit.ts'
import { NewAccounts } from './new-accounts.ts'
import { asksForRemoval, changePassword, ownSession, removeAccount } from './own-account.ts'
import { NS, registeredForm, registrationForm } from './request.ts'

const NS_FEATURE = 'http://jabber.org/features/iq-register'

// RFC 2142 and what people take for the server's own voice.
const ownNames = [
  'abuse',
  'admin',
  'administrator',
  'hostmaster',
  'info',
  'mailer-daemon',
  'noc',
  'noreply',
  'postmaster',
  'root',
  'security',
  'server',
  'support',
  'system',
  'webmaster',
  'xmpp',
]

export default defineModule({
  name: 'registration',
  summary: 'Lets people make accounts, change passwords and delete accounts from their clients.',
  implements: [xep(77, '2.4')],
  enabledByDefault: false,
  features: { host: [NS] },
  options: {
    allowNewAccounts: option.bool().default(true).describe('Whether anybody who can connect may make an account.'),
    allowPasswordChange: option.bool().default(true).describe('Whether users may change their passwords.'),
    allowRemoval: option
      .bool()
      .default(true)
      .describe('Whether users may delete their accounts with all that is kept of them.'),
    requireTls: option.bool().default(true).describe('Whether passwords are taken over encrypted connections only.'),
    minPasswordLength: option.int().min(1).orOff().default(10).describe('Fewest characters of a new password.'),
    maxNameLength: option
      .int()
      .min(1)
      .max(511)
      .orOff()
      .default(64)
      .describe('Most characters of the name of a new account.'),
    reservedNames: option.list(option.string().min(1)).default(ownNames).describe('Names that nobody may register.'),
    instructions: option
      .string()
      .default('Choose a username and a password.')
      .describe('What people read who are about to make an account.'),
    limits: option
      .group({
        perAddress: option
          .int()
          .min(1)
          .orOff()
          .default(10)
          .describe('Most requests from one address (IPv6: one /64 network) in the window.'),
        total: option
          .int()
          .min(1)
          .orOff()
          .default(100)
          .describe('Most requests from all addresses together in the window.'),
        window: option.duration().min('1s').default('1h').describe('The window in which requests are counted.'),
      })
      .describe(
        'How many requests for new accounts are taken; failed ones count, so that nobody tries out which names exist.',
      ),
  },

  setup(ctx) {
    const { host, config, log } = ctx
    const { perAddress, total, window } = config.limits
    const limit = new RegistrationLimit({ perAddress, total, windowMs: window }, ctx.clock)
    const newAccounts = new NewAccounts(host, config, limit)

    ctx.add(preAuthRequests, {
      type: 'get',
      name: 'query',
      xmlns: NS,
      handler: async (_query, client) => {
        newAccounts.checkOffer(client)
        return registrationForm(config.instructions)
      },
    })
    ctx.add(preAuthRequests, {
      type: 'set',
      name: 'query',
      xmlns: NS,
      handler: async (query, client) => {
        const account = await newAccounts.register(query, client)
        log.info({ account, address: client.remoteAddress }, 'an account was registered')
      },
    })
    // XEP-0077 §8: announced to those who may want it.
    if (config.allowNewAccounts)
      ctx.add(streamFeatures, { when: 'before-login', element: () => xml('register', { xmlns: NS_FEATURE }) })

    for (const target of ['self', 'host'] as const) {
      ctx.iq('get', target, 'query', NS, (_query, iq) => registeredForm(ownSession(iq, host).jid.local))
      ctx.iq('set', target, 'query', NS, async (query, iq) => {
        const session = ownSession(iq, host)
        const account = session.user.jid.toString()
        if (asksForRemoval(query)) {
          await removeAccount(iq, query, session, config)
          log.info({ account }, 'an account was deleted by its owner')
        } else {
          await changePassword(query, session, config)
          log.info({ account }, 'a password was changed')
        }
      })
    }
  },
})
