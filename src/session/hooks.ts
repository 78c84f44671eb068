import type { Jid } from '../jid/jid.ts'
import { defineCollection, defineGate, defineNotice } from '../pipeline/hook.ts'
import type { Element } from '../xml/element.ts'
import type { Host } from './host.ts'
import type { Session } from './session.ts'
import type { User } from './user.ts'

/** The first session of an account is being bound: load what must be resident into the user's slots. */
export const userLoading = defineGate<User>(
  'session/user-loading',
  'The first session of an account is being bound: load what must be resident.',
)
/** A session is bound and can send and receive. */
export const sessionOpened = defineNotice<Session>('session/opened', 'A resource is bound; it can send and receive.')
/** A session is over; it is still among its user's sessions, and takes no more output. */
export const sessionClosed = defineNotice<Session>('session/closed', 'A session is over; its user still lists it.')
/** The last session of an account is over; the user's slots are about to be forgotten. */
export const userLeft = defineNotice<User>('session/user-left', 'The last session of an account is over.')
/** An account is about to be deleted: remove what you keep of it. Throwing keeps the account. */
export const accountDeleting = defineGate<{ readonly host: Host; readonly jid: Jid }>(
  'account/deleting',
  'An account is about to be deleted: remove what you keep of it.',
)

/** An element for the stream features, before or after login (RFC 6120 §4.3.2). */
export interface StreamFeature {
  readonly when: 'before-login' | 'after-login'
  readonly element: () => Element
}
export const streamFeatures = defineCollection<StreamFeature>(
  'stream/features',
  'Elements announced in the stream features.',
)

/** A request answered before login, such as registration (XEP-0077). */
export interface PreAuthRequest {
  readonly name: string
  readonly xmlns: string
  readonly type: 'get' | 'set'
  /** Returns the payload of the result, or throws `StanzaError`. `secure` tells whether the stream is encrypted. */
  readonly handler: (
    query: Element,
    client: { readonly remoteAddress: string; readonly secure: boolean },
  ) => Promise<Element | void>
}
export const preAuthRequests = defineCollection<PreAuthRequest>(
  'stream/pre-auth-requests',
  'IQ requests answered before login.',
)
