import {
  accountDeleting,
  type Cancel,
  defineModule,
  defineSlot,
  flows,
  type Jid,
  soft,
  type Transaction,
  xep,
} from '#api'
import { adHocCommands } from '../ad-hoc/hooks.ts'
import adHoc from '../ad-hoc/index.ts'
import presence from '../presence/index.ts'
import roster from '../roster/index.ts'
import webClient from '../web-client/index.ts'
import { adHocInvitations, invitationFields } from './ad-hoc.ts'
import { invitationCommands, runCommand } from './commands.ts'
import { Contacts } from './contacts.ts'
import { accountsByInvitation } from './hooks.ts'
import { Invitations, type InvitationWish, notValid } from './invitations.ts'
import { LANDING_PATH, Landing } from './landing.ts'
import { landingPattern, landingUrlOf, uriOf } from './link.ts'
import { options } from './options.ts'
import { InvitationStore, type StoredInvitation } from './store.ts'

const NS_PARS = 'urn:xmpp:pars:0'
const TIDY_EVERY_MS = 3_600_000
/** How soon what has failed is tried again. */
const AGAIN_MS = 10_000

/** An invitation that lets somebody make an account. */
export interface AccountInvitation extends Pick<StoredInvitation, 'id' | 'inviter' | 'username'> {}

/** What the module that makes accounts may ask for. */
export interface InvitationsApi {
  /** The invitation of a token. @throws StanzaError `item-not-found` when it lets nobody make an account, whyever. */
  find(token: string): Promise<AccountInvitation>
  /** Whether a name is promised to somebody who was invited, or looks like one that is. */
  isHeld(local: string): Promise<boolean>
  /**
   * Uses an invitation in the transaction that makes the account.
   *
   * @throws StanzaError `item-not-found` when it has been used up meanwhile.
   */
  use(tx: Transaction, invitation: AccountInvitation, invitee: Jid): Promise<void>
  /** Does what `use` has promised: the account and its inviter, if any, become contacts. Never rejects. */
  settle(): Promise<void>
}

/** A request that was sent by somebody invited. */
const invited = defineSlot('invitations/invited', () => false)

export default defineModule({
  name: 'invitations',
  summary: 'Lets users invite contacts, and admins new users, by links.',
  implements: [
    xep(379, '0.3.3', 'The server’s side: it makes the links and approves the requests.'),
    xep(401, '0.6.0'),
  ],
  options,
  commands: invitationCommands,
  depends: { roster, presence: soft(presence), adHoc: soft(adHoc), webClient: soft(webClient) },

  setup(ctx): InvitationsApi {
    const { host, config, clock, log, server } = ctx
    const store = new InvitationStore(ctx.db, host.domain)
    const invitations = new Invitations(host, store, config, clock)
    const contacts = new Contacts(host, ctx.deps.roster, store)
    // One that a crash, or the loss of the database, came between is made a contact at the next start, or when it answers again.
    let again: Cancel | undefined
    const settle = () =>
      contacts.settle().catch((error) => {
        log.error({ err: error }, 'somebody invited is not yet a contact of the inviter')
        again?.()
        again = ctx.after(AGAIN_MS, settle)
      })
    ctx.onStop(ctx.db.onHealth((health) => health === 'up' && void settle()))

    const ownPage = config.page ? landingPattern(server.webUrl, LANDING_PATH) : undefined
    const landing = config.landingUrl ?? ownPage

    const invite = async (wish: InvitationWish) => {
      const issued = await invitations.issue(wish)
      const { token, username } = issued
      const { inviter, accounts } = wish
      const uri = uriOf({ token, host: host.domain, inviter, username, accounts })
      const landingUrl = landing && landingUrlOf(landing, uri, token)
      log.info({ invitation: issued.id, inviter: inviter?.toString(), username }, 'an invitation was made')
      return { issued, uri, landingUrl }
    }
    const maker = () => host.hooks.ask(accountsByInvitation, host)
    if (config.page) {
      const chat = ctx.deps.webClient?.path
      const pages = new Landing({ domain: host.domain, invitations, maker, clock, chat })
      for (const route of pages.routes()) ctx.route(route)
    }
    const run = runCommand(host, invitations, async (wish) => {
      const { issued, uri, landingUrl } = await invite(wish)
      return { issued, links: landingUrl === undefined ? [uri] : [uri, landingUrl] }
    })
    for (const { name } of invitationCommands) ctx.command(name, run[name])
    const rights = {
      users: config.users,
      isAdmin: (account: Jid) => server.admins.includes(account.toString()),
      accounts: () => maker() !== undefined,
    }
    const forms = adHocInvitations(host, invitations, rights, async (wish) => {
      const { issued, uri, landingUrl } = await invite(wish)
      return invitationFields(uri, landingUrl, issued.expiresMs)
    })
    for (const command of forms) ctx.add(adHocCommands, command)

    // XEP-0379 §3.4, §3.5. A token that is none of ours may be one of the client's own: the request goes on as it is.
    const record = async (token: string, account: Jid, contact: Jid): Promise<boolean> =>
      (await invitations.useForContact(token, account)) && (await contacts.expect(account, contact))
    ctx.flow(
      flows.presence.arriving,
      'record',
      (e) => {
        const { stanza, type, from, to } = e
        const token = type === 'subscribe' ? stanza.getChild('preauth', NS_PARS)?.attrs['token'] : undefined
        if (token === undefined || to.local === '' || to.bare.equals(from.bare)) return
        return record(token, to.bare, from.bare).then((isInvited) => e.set(invited, isInvited))
      },
      { before: 'presence' },
    )
    ctx.flow(flows.presence.arriving, 'copy', (e) => {
      if (e.get(invited)) contacts.ask(e.to.bare, e.from.bare)
    })

    ctx.gate(accountDeleting, ({ jid }) => store.forget(jid.local))
    ctx.onReady(settle)
    ctx.every(TIDY_EVERY_MS, 'old invitations could not be removed', () => invitations.tidy())

    return {
      find: async (token) => {
        const found = await invitations.find(token)
        if (found === undefined || !found.accounts) throw notValid()
        return found
      },
      isHeld: (local) => invitations.isHeld(local),
      use: (tx, invitation, invitee) => invitations.useForAccount(tx, invitation, invitee),
      settle,
    }
  },
})
