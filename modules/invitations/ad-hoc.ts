import { dataForm, type Element, type FormField, type Host, type Jid, StanzaError, toDatetime } from '#api'
import type { CommandOffer, CommandRequest } from '../ad-hoc/hooks.ts'
import { describe, type Invite } from './commands.ts'
import type { Invitations } from './invitations.ts'

const NS_INVITE = 'urn:xmpp:invite'
/** Of our own: XEP-0401 has no way to see or take back what one has made. */
const NODE_OWN = 'urn:stonechat:invitations'

/** Who may do what. */
export interface InviteRights {
  readonly isAdmin: (account: Jid) => boolean
  /** Whether users may invite, and with what. */
  readonly users: 'accounts' | 'contacts' | 'nobody'
  /** Whether an account can be made with an invitation at all. */
  readonly accounts: () => boolean
}

/** The commands by which people invite others, and look after the invitations they have made. */
export function adHocInvitations(
  host: Host,
  invitations: Invitations,
  rights: InviteRights,
  invite: (wish: Parameters<Invite>[0]) => Promise<readonly FormField[]>,
): CommandOffer[] {
  // An account is for whoever was invited by somebody who is known: guests are not.
  const isUser = ({ from }: CommandRequest): boolean =>
    from.domain === host.domain && from.local !== '' && !host.isGuest(from)
  const isAdmin = ({ from }: CommandRequest): boolean => rights.isAdmin(from.bare)
  const mayInvite = (request: CommandRequest): boolean =>
    isUser(request) && (rights.users !== 'nobody' || isAdmin(request))
  // Admins see to all.
  const ownerOf = (request: CommandRequest): Jid | undefined => (isAdmin(request) ? undefined : request.from.bare)
  return [
    {
      // XEP-0401 §5.1
      target: 'host',
      node: `${NS_INVITE}#invite`,
      name: 'Invite a contact',
      may: mayInvite,
      run: async (_filled, request) => {
        const accounts = (rights.users === 'accounts' || isAdmin(request)) && rights.accounts()
        return resultForm(await invite({ inviter: request.from.bare, accounts, unlimited: isAdmin(request) }))
      },
    },
    {
      // XEP-0401 §5.4
      target: 'host',
      node: `${NS_INVITE}#create-account`,
      name: 'Invite somebody to make an account',
      may: (request) => isAdmin(request) && rights.accounts(),
      stages: [() => creationForm()],
      run: async (filled, request) => {
        const username = filled.get('username')?.[0]
        const subscribes = filled.get('roster-subscription')?.[0] === '1'
        if (subscribes && !isUser(request))
          throw new StanzaError('not-acceptable', 'Your account is on another domain.')
        return resultForm(
          await invite({
            accounts: true,
            unlimited: true,
            ...(username !== undefined && { username }),
            ...(subscribes && { inviter: request.from.bare }),
          }),
        )
      },
    },
    {
      target: 'host',
      node: NODE_OWN,
      name: 'Look after invitations',
      may: (request) => mayInvite(request) || isAdmin(request),
      stages: [async (request) => ownForm(await invitations.open(ownerOf(request)), host.domain)],
      run: async (filled, request) => {
        let revoked = 0
        for (const id of filled.get('revoke') ?? [])
          if (await invitations.revoke(Number(id), ownerOf(request))) revoked++
        return revoked === 0 ? 'Nothing was revoked.' : `Invitations revoked: ${revoked}.`
      },
    },
  ]
}

function creationForm(): Element {
  const fields: FormField[] = [
    { var: 'username', type: 'text-single', label: 'Username; left empty, the invited choose one' },
    { var: 'roster-subscription', type: 'boolean', label: 'You become contacts of each other', values: ['0'] },
  ]
  return dataForm('form', `${NS_INVITE}#create-account`, fields, { title: 'New account by invitation' })
}

function ownForm(open: Awaited<ReturnType<Invitations['open']>>, domain: string): Element {
  const options = open.map((one) => ({ label: describe(one, domain), value: String(one.id) }))
  const fields: FormField[] = [{ var: 'revoke', type: 'list-multi', label: 'Invitations to revoke', options }]
  return dataForm('form', NODE_OWN, fields, {
    title: 'Invitations',
    instructions: open.length === 0 ? 'There are none.' : 'These can be used still; choose those to revoke.',
  })
}

/** The result of either command (XEP-0401 §5.1). */
function resultForm(fields: readonly FormField[]): Element {
  return dataForm('result', `${NS_INVITE}#invitation`, fields)
}

/** What the invited need, as fields (XEP-0401 §5.1). */
export function invitationFields(uri: string, landingUrl: string | undefined, expiresMs: number): readonly FormField[] {
  const field = (name: string, value: string): FormField => ({ var: name, type: 'text-single', values: [value] })
  return [
    field('uri', uri),
    ...(landingUrl === undefined ? [] : [field('landing-url', landingUrl)]),
    field('expire', toDatetime(expiresMs)),
  ]
}
