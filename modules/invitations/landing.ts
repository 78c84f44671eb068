import {
  AccountError,
  type Clock,
  type HttpReply,
  type HttpRequest,
  type HttpRoute,
  Jid,
  StanzaError,
  toDatetime,
} from '#api'
import { readForm } from './form-body.ts'
import type { AccountMaker, InvitedClient, MadeAccount } from './hooks.ts'
import type { Invitations } from './invitations.ts'
import { uriOf } from './link.ts'
import { type FormFacts, type InvitationFacts, invitationPage, noticePage, pagePolicy, welcomePage } from './page.ts'
import type { StoredInvitation } from './store.ts'
import { Submissions } from './submissions.ts'

/** What the pages stand on. */
export interface LandingParts {
  readonly domain: string
  readonly invitations: Pick<Invitations, 'find'>
  /** Who makes accounts, if anybody does. */
  readonly maker: () => AccountMaker | undefined
  readonly clock: Pick<Clock, 'now'>
  /** The page on which one can chat in the browser. */
  readonly chat: string | undefined
}

/** A page, and the status of the answer that it is. */
interface Page {
  readonly status: number
  readonly text: string
}

/** What somebody has typed. */
interface Sent {
  readonly username: string
  readonly password: string
  readonly again: string
}

type Faults = FormFacts['faults']

/** Where the pages are; the token is that of the invitation. */
export const LANDING_PATH = '/invite/:token'

/** The pages of invitations, for people without a client (XEP-0379 §3.3): they explain, and make accounts. */
export class Landing {
  readonly #parts: LandingParts
  readonly #submissions: Submissions<MadeAccount>

  constructor(parts: LandingParts) {
    this.#parts = parts
    this.#submissions = new Submissions(parts.clock)
  }

  /** What is served. */
  routes(): HttpRoute[] {
    const route = (method: 'GET' | 'POST', answer: (request: HttpRequest) => Promise<Page>): HttpRoute => ({
      method,
      path: LANDING_PATH,
      access: 'anyone',
      handle: async (request, reply) => send(reply, await answer(request)),
    })
    return [
      route('GET', (request) => this.#show(tokenOf(request), clientOf(request), { status: 200 })),
      route('POST', async (request) => {
        const form = await readForm(request)
        const field = (name: string) => form.get(name) ?? ''
        const username = withoutDomain(field('username').trim(), this.#parts.domain)
        const sent = { username, password: field('password'), again: field('again') }
        return await this.#register(tokenOf(request), sent, clientOf(request))
      }),
    ]
  }

  /** The page of an invitation, after a first look or with what was wrong with the form. */
  async #show(
    token: string,
    client: InvitedClient,
    { status, username = '', faults = {} }: { status: number; username?: string; faults?: Faults },
  ): Promise<Page> {
    const maker = this.#parts.maker()
    if (maker?.tokens.allows(client.remoteAddress) === false) return tooOften
    const found = await this.#parts.invitations.find(token)
    if (found === undefined) {
      maker?.tokens.take(client.remoteAddress)
      return unknown
    }
    const { domain, chat } = this.#parts
    const address = (local: string) => Jid.of(local, domain).toString()
    const inviter = found.inviter === '' ? undefined : Jid.of(found.inviter, domain)
    const accounts = found.accounts && maker !== undefined
    const given = found.username ?? undefined
    return {
      status,
      text: invitationPage({
        domain,
        chat,
        inviter: inviter?.toString(),
        account: given && address(given),
        uri: uriOf({ token, host: domain, inviter, username: given, accounts }),
        expires: toDatetime(found.expiresMs),
        form: accounts ? formFor(maker, found, client, username, faults) : undefined,
      }),
    }
  }

  /** Makes the account that somebody asks for, or shows the page again with what is wrong. */
  async #register(token: string, sent: Sent, client: InvitedClient): Promise<Page> {
    const { domain, chat } = this.#parts
    const maker = this.#parts.maker()
    const { username, password } = sent
    const again = async (status: number, faults: Faults) =>
      await this.#show(token, client, { status, username, faults })
    if (maker === undefined) return await again(422, {})
    const faults: Faults = {
      ...maker.faultsOf({ username, password }),
      ...(password !== sent.again && { again: 'The passwords differ.' }),
    }
    if (Object.keys(faults).length > 0) return await again(422, faults)
    try {
      const { account, inviter = '' } = await this.#submissions.once([token, username, password], () =>
        maker.make(token, { username, password }, client),
      )
      const contact = inviter === '' ? undefined : Jid.of(inviter, domain).toString()
      return { status: 200, text: welcomePage({ domain, chat, account, inviter: contact }) }
    } catch (error) {
      const [status, faults] = explained(error)
      return status === 404 ? unknown : await again(status, faults)
    }
  }
}

/** What there is to fill in, or why there is nothing. */
function formFor(
  maker: AccountMaker,
  found: StoredInvitation,
  client: InvitedClient,
  username: string,
  faults: Faults,
): InvitationFacts['form'] {
  if (!maker.takes(client))
    return {
      refusal: 'Open this page over an encrypted connection (https) to make an account: a password is to be typed.',
    }
  const { minPasswordLength } = maker
  return { username: found.username ?? username, fixed: found.username !== null, minPasswordLength, faults }
}

/** The status of an answer that says why no account was made, and what it says of which field. @throws what is a bug */
function explained(error: unknown): [status: number, faults: Faults] {
  if (error instanceof AccountError)
    return error.code === 'invalid-password' ? [422, { password: error.message }] : [409, { username: error.message }]
  if (!(error instanceof StanzaError)) throw error
  switch (error.condition) {
    case 'item-not-found':
      return [404, {}]
    case 'resource-constraint':
      return [429, { form: error.message }]
    case 'conflict':
    case 'not-acceptable':
      return [409, { username: error.message }]
    default:
      return [403, { form: error.message }]
  }
}

const unknown: Page = {
  status: 404,
  text: noticePage(
    'This invitation does not work',
    'It may have been used, taken back, or have expired; or its address was not copied as a whole.',
    'Ask whoever sent it to you for a new one. If you have made your account with it already, just log in.',
  ),
}

const tooOften: Page = {
  status: 429,
  text: noticePage('Please try again later', 'Too many invitations were tried from your network. Wait for an hour.'),
}

/** What stands before the `@` of those who type all of their address. */
function withoutDomain(name: string, domain: string): string {
  return name.endsWith(`@${domain}`) ? name.slice(0, -domain.length - 1) : name
}

function tokenOf({ params }: HttpRequest): string {
  return (params as { token: string }).token
}

function clientOf({ client }: HttpRequest): InvitedClient {
  return { remoteAddress: client.address, secure: client.secure }
}

/** An address that is a secret: nothing of it is kept or passed on. */
function send(reply: HttpReply, { status, text }: Page): HttpReply {
  reply.headers({ 'content-security-policy': pagePolicy, 'cache-control': 'no-store', 'x-robots-tag': 'noindex' })
  return reply.code(status).type('text/html; charset=utf-8').send(text)
}
