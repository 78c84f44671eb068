import {
  defineModule,
  type Element,
  type IqRequest,
  Jid,
  JidError,
  option,
  preAuthRequests,
  resultOf,
  StanzaError,
  streamFeatures,
  xep,
  xml,
} from '#api'
import { RegistrationLimit } from './limit.ts'
import {
  checkCredentials,
  checkPassword,
  NS,
  readCredentials,
  refusalOf,
  registeredForm,
  registrationForm,
} from './request.ts'

const NS_FEATURE = 'http://jabber.org/features/iq-register'
const NS_CHANGE_PASSWORD = 'jabber:iq:register:changepassword'

// RFC 2142 and what people take for the server's own voice.
const ownNames =
  'abuse admin administrator hostmaster info mailer-daemon noc noreply postmaster root security server support system webmaster xmpp'.split(
    ' ',
  )

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
    const { host, config } = ctx
    const { perAddress, total, window } = config.limits
    const limit = new RegistrationLimit({ perAddress, total, windowMs: window }, ctx.clock)
    const reserved = new Set(config.reservedNames.map((name) => Jid.of(name, host.domain).local))

    const checkChannel = (secure: boolean): void => {
      // XEP-0077 §3.3: the channel is not safe enough for a password.
      if (config.requireTls && !secure) throw new StanzaError('not-authorized', 'Start TLS first.')
    }

    const register = async (
      query: Element,
      client: { readonly remoteAddress: string; readonly secure: boolean },
    ): Promise<void> => {
      if (!config.allowNewAccounts) throw new StanzaError('not-allowed', 'Accounts are made by the admins.')
      checkChannel(client.secure)
      const credentials = readCredentials(query)
      checkCredentials(credentials, config)
      // XEP-0077 §3.1.1: too many from there, or in all; before anybody learns whether the name is taken.
      if (!limit.take(client.remoteAddress))
        throw new StanzaError('resource-constraint', 'Too many accounts are being made; try again later.')
      const { username, password } = credentials
      if (reserved.has(preparedName(username, host.domain)))
        throw new StanzaError('not-acceptable', 'That name is reserved.')
      const jid = await host.accounts.create(username, password).catch(refuse)
      ctx.log.info({ account: jid.toString(), address: client.remoteAddress }, 'an account was registered')
    }

    ctx.add(preAuthRequests, {
      type: 'get',
      name: 'query',
      xmlns: NS,
      handler: async (_query, { secure }) => {
        // XEP-0077 §3.1: where nobody can register, there is no such service.
        if (!config.allowNewAccounts) throw new StanzaError('service-unavailable')
        checkChannel(secure)
        return registrationForm(config.instructions)
      },
    })
    ctx.add(preAuthRequests, { type: 'set', name: 'query', xmlns: NS, handler: register })
    // XEP-0077 §7.
    if (config.allowNewAccounts)
      ctx.add(streamFeatures, { when: 'before-login', element: () => xml('register', { xmlns: NS_FEATURE }) })

    const changePassword = async (query: Element, iq: IqRequest): Promise<void> => {
      if (!config.allowPasswordChange) throw new StanzaError('not-allowed', 'Passwords are changed by the admins.')
      checkChannel(iq.origin!.stream.secure)
      const { username, password } = readCredentials(query, NS_CHANGE_PASSWORD)
      if (username === '') throw new StanzaError('bad-request', 'Say in <username/> whose password it is.')
      if (!isName(username, iq.from)) throw new StanzaError('not-allowed', 'That is another account.')
      checkPassword(password, config)
      await host.accounts.setPassword(iq.from.local, password).catch(refuse)
      ctx.log.info({ account: iq.from.bare.toString() }, 'a password was changed')
    }

    const remove = async (query: Element, iq: IqRequest): Promise<void> => {
      if (!config.allowRemoval) throw new StanzaError('not-allowed', 'Accounts are deleted by the admins.')
      // XEP-0077 §3.2: with nothing beside it.
      if (query.getChildElements().length !== 1) throw new StanzaError('bad-request', '<remove/> stands alone.')
      // The answer goes first, since the deletion begins with the end of all sessions (`not-authorized`).
      iq.origin!.send(resultOf(iq.stanza))
      await host.deleteAccount(iq.from.local)
      ctx.log.info({ account: iq.from.bare.toString() }, 'an account was deleted by its owner')
    }

    for (const target of ['self', 'host'] as const) {
      ctx.iq('get', target, 'query', NS, (_query, iq) => {
        checkOwn(iq)
        return registeredForm(iq.from.local)
      })
      ctx.iq('set', target, 'query', NS, async (query, iq) => {
        checkOwn(iq)
        if (query.getChild('remove', NS) !== undefined) return await remove(query, iq)
        await changePassword(query, iq)
      })
    }

    /** Who is not one of this host's own users has nothing here to change. */
    function checkOwn({ from, origin }: IqRequest): void {
      if (origin === null || from.domain !== host.domain)
        throw new StanzaError('registration-required', 'Only users of this server have an account here.')
    }
  },
})

function refuse(error: unknown): never {
  throw refusalOf(error)
}

/** The name as an account would have it; one that cannot be is returned as it is, for the accounts to refuse. */
function preparedName(username: string, domain: string): string {
  try {
    return Jid.of(username, domain).local
  } catch (error) {
    if (error instanceof JidError) return username
    throw error
  }
}

/** Whether a name, as `user` or as `user@domain`, is that of the account. */
function isName(username: string, { local, domain, bare }: Jid): boolean {
  if (preparedName(username, domain) === local) return true
  try {
    return Jid.parse(username).equals(bare)
  } catch (error) {
    if (error instanceof JidError) return false
    throw error
  }
}
