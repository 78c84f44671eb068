import { defineModule, option, preAuthRequests, soft, streamFeatures, toDatetime, xep, xml } from '#api'
import { accountsByInvitation } from '../invitations/hooks.ts'
import invitations from '../invitations/index.ts'
import { accountMaker } from './invited.ts'
import { RegistrationLimit } from './limit.ts'
import { namesOfAdmins } from './name.ts'
import { type NewAccount, NewAccounts, type Stranger } from './new-accounts.ts'
import { asksForRemoval, changePassword, ownSession, removeAccount } from './own-account.ts'
import { NS, registeredForm } from './request.ts'

const NS_FEATURE = 'http://jabber.org/features/iq-register'
const NS_PARS = 'urn:xmpp:pars:0'
// XEP-0445 §3. COMPAT(Conversations 2.x, until it looks for the first): the name before version 0.2.
const tokenFeatures = ['urn:xmpp:ibr-token:0', 'urn:xmpp:invite']

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
  implements: [xep(77, '2.4'), xep(445, '0.2.0')],
  enabledByDefault: false,
  features: { host: [NS] },
  options: {
    newAccounts: option
      .oneOf('invitation', 'anybody', 'nobody')
      .default('invitation')
      .describe(
        'Who may make an account: those who were invited (module invitations), anybody who can connect, or nobody.',
      ),
    allowPasswordChange: option.bool().default(true).describe('Whether users may change their passwords.'),
    allowRemoval: option
      .bool()
      .default(true)
      .describe(
        'Whether users may delete their accounts with all that is kept of them, after the grace period of the server.',
      ),
    requireTls: option.bool().default(true).describe('Whether passwords are taken over encrypted connections only.'),
    minPasswordLength: option.int().min(1).orOff().default(10).describe('Fewest characters of a new password.'),
    maxNameLength: option
      .int()
      .min(1)
      .max(511)
      .orOff()
      .default(64)
      .describe('Most characters of the name of a new account.'),
    reservedNames: option
      .list(option.string().min(1))
      .default(ownNames)
      .describe('Names that nobody may register, beside those of the admins.'),
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

  depends: { invitations: soft(invitations) },

  setup(ctx) {
    const { host, config, deps, log } = ctx
    if (config.newAccounts === 'invitation' && deps.invitations === undefined)
      throw new Error('accounts by invitation need the module invitations: turn it on, or set newAccounts otherwise')
    const { perAddress, total, window } = config.limits
    const limits = {
      accounts: new RegistrationLimit({ perAddress, total, windowMs: window }, ctx.clock),
      tokens: new RegistrationLimit({ perAddress, total: 0, windowMs: window }, ctx.clock),
    }
    const reservedNames = [...config.reservedNames, ...namesOfAdmins(ctx.server.admins, host.domain)]
    const newAccounts = new NewAccounts(host, { ...config, reservedNames }, limits, deps.invitations)

    ctx.add(preAuthRequests, {
      type: 'get',
      name: 'query',
      xmlns: NS,
      handler: async (_query, client) => newAccounts.form(client),
    })
    const made = ctx.metrics.counter('accounts_total', 'Accounts that people made from their clients.')
    const tell = (account: NewAccount, client: Stranger) => {
      made.value++
      log.info({ ...account, address: client.remoteAddress }, 'an account was registered')
    }
    ctx.add(preAuthRequests, {
      type: 'set',
      name: 'query',
      xmlns: NS,
      handler: async (query, client) => tell(await newAccounts.register(query, client), client),
    })
    // XEP-0077 §8: announced to those who may want it.
    const announce = (xmlns: string) =>
      ctx.add(streamFeatures, { when: 'before-login', element: () => xml('register', { xmlns }) })
    if (config.newAccounts !== 'nobody') announce(NS_FEATURE)
    if (config.newAccounts !== 'nobody' && deps.invitations !== undefined) {
      for (const xmlns of tokenFeatures) announce(xmlns)
      const maker = accountMaker(newAccounts, config, limits.tokens, tell)
      ctx.answer(accountsByInvitation, () => maker)
      ctx.add(preAuthRequests, {
        type: 'set',
        name: 'preauth',
        xmlns: NS_PARS,
        handler: (preauth, client) => newAccounts.show(preauth.attrs['token'] ?? '', client),
      })
    }

    for (const target of ['self', 'host'] as const) {
      ctx.iq('get', target, 'query', NS, (_query, iq) => registeredForm(ownSession(iq, host).jid.local))
      ctx.iq('set', target, 'query', NS, async (query, iq) => {
        const session = ownSession(iq, host)
        const account = session.user.jid.toString()
        if (asksForRemoval(query)) {
          const atMs = await removeAccount(iq, query, session, config)
          const until = atMs && toDatetime(atMs)
          log.info({ account, until }, 'an account was deleted by its owner; until then it can be restored')
        } else {
          await changePassword(query, session, config)
          log.info({ account }, 'a password was changed')
        }
      })
    }
  },
})
