import type { ChannelBindingSource, SaslContext, SaslSteps } from '../auth/mechanism.ts'
import type { Jid } from '../jid/jid.ts'
import { defineCollection, defineGate, defineNotice, defineQuestion } from '../pipeline/hook.ts'
import type { StanzaEvent } from '../pipeline/stanza-event.ts'
import type { Element } from '../xml/element.ts'
import type { Wire } from '../xml/wire.ts'
import type { Host } from './host.ts'
import type { SessionLogin, UserAgent } from './login.ts'
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
/** The server stops: what came in has been dealt with, and every session can be told something for the last time. */
export const hostStopping = defineNotice<Host>(
  'session/host-stopping',
  'The server stops; its sessions can still be told something.',
)
/** The last session of an account is over; the user's slots are about to be forgotten. */
export const userLeft = defineNotice<User>('session/user-left', 'The last session of an account is over.')
/**
 * A session's connection is gone without the stream having been closed. Whoever says yes sees to it that the session is
 * taken up again or closed later; until then it rests.
 */
export const sessionLost = defineQuestion<Session, boolean>(
  'session/lost',
  false,
  'The connection of a session is gone: may its client come back to it?',
)
/** A session rests: its client has no connection, and may come back. */
export const sessionRests = defineNotice<Session>(
  'session/rests',
  'A session has no connection any more; its client may come back to it.',
)
/** A session that rested, or was taken over from another connection, has a client again. */
export const sessionResumed = defineNotice<Session>('session/resumed', 'A client has come back to its session.')
/** A message of a client was refused; the error has been sent to it. */
export const messageRefused = defineNotice<{ readonly session: Session; readonly error: Element }>(
  'session/message-refused',
  'A message of a client was refused; the error has been sent to it.',
)
/**
 * A message that was handed to clients none of which has it for certain is about to be answered with an error, since nobody
 * else takes it. Whoever says yes, such as an archive, has it for its addressee: then its sender hears nothing.
 */
export const messageKept = defineQuestion<Pick<StanzaEvent, 'stanza' | 'to'>, boolean>(
  'session/message-kept',
  false,
  'A message that no client has for certain would be refused now: does its addressee find it anyway?',
)
/** An account that is gone with its sessions has no more of its own than they do: {@link Host.isGuest} asks. */
export const guestAccount = defineQuestion<Jid, boolean>(
  'session/guest-account',
  false,
  'Is it the account of a guest, which is gone with its sessions?',
)
/** A stanza that goes out to many, on its way to one of their sessions. */
export interface Passing {
  readonly session: Session
  readonly wire: Wire
  readonly from: Jid
}
/**
 * A stanza that goes out to many, such as what is said in a room, is about to be handed to a session. Whoever has something
 * to do in the flow by which a stanza comes to an account says yes: then it goes that way.
 */
export const flowNeeded = defineQuestion<Passing, boolean>(
  'session/flow-needed',
  false,
  'A stanza that goes out to many reaches a session: is its arriving flow needed?',
)
/** An account is about to be deleted: remove what you keep of it. Throwing keeps the account. */
export const accountDeleting = defineGate<{ readonly host: Host; readonly jid: Jid }>(
  'account/deleting',
  'An account is about to be deleted: remove what you keep of it.',
)
/** Something that a module can tell an admin of an account, in one line. */
export interface AccountFact {
  /** One word, such as `uploads`. */
  readonly name: string
  readonly tell: (jid: Jid) => string | Promise<string>
}
/** What `user show` says of an account beside what the server itself knows. */
export const accountFacts = defineCollection<AccountFact>(
  'account/facts',
  'What an admin who looks at an account is told of it.',
)
/** There is a new account, by whichever way it was made. */
export const accountCreated = defineNotice<{ readonly host: Host; readonly jid: Jid }>(
  'account/created',
  'There is a new account.',
)
/** An account may not log in any more, since it was disabled or is to be deleted; its sessions have been ended. */
export const accountDisabled = defineNotice<{ readonly host: Host; readonly jid: Jid }>(
  'account/disabled',
  'An account may not log in any more: it was disabled, or is to be deleted after the grace period.',
)
/** The password of an account has been changed, by whomever: what lets its clients in without it is worth nothing now. */
export const passwordChanged = defineNotice<{ readonly host: Host; readonly jid: Jid }>(
  'account/password-changed',
  'The password of an account has been changed.',
)

/** An element for the stream features, before or after login (RFC 6120 §4.3.2). */
export interface StreamFeature {
  readonly when: 'before-login' | 'after-login'
  /**
   * `session` is the session that the client has bound by its login (XEP-0386); `undefined` leaves the feature out. For clients that
   * have none this is asked once, and kept for all whose connections are as secure.
   */
  readonly element: (session?: Session) => Element | undefined
}
export const streamFeatures = defineCollection<StreamFeature>(
  'stream/features',
  'Elements announced in the stream features.',
)

/** A client that has logged in and bound no resource yet. */
export interface UnboundClient {
  /** The account's bare JID. */
  readonly account: Jid
  readonly host: Host
  readonly remoteAddress: string
  /** Sends an element of the stream. */
  reply(element: Element): void
  /**
   * Goes on with this session: what the client sends is the session's, what the session sends goes to the client. False
   * when the connection is gone already; the session is then as it was.
   */
  adopt(session: Session): boolean
}

/** An element of a client's stream that is no stanza, such as those of stream management. */
export interface StreamElement {
  readonly name: string
  readonly xmlns: string
  /** Takes it from a client with a session. Throws `StreamError` to end the stream. */
  readonly bound?: (element: Element, session: Session) => void
  /** Takes it between login and binding; nothing more is read until the promise settles. */
  readonly unbound?: (element: Element, client: UnboundClient) => void | Promise<void>
  /**
   * Announces in the features that a client may send the element along with its login (XEP-0388 §2.1); `unbound` takes it
   * then, and what it replies is in the `<success/>`. When it adopts a session, the reply follows at once.
   */
  readonly inline?: () => Element | undefined
}
export const streamElements = defineCollection<StreamElement>(
  'stream/elements',
  'Elements of a stream that are no stanzas.',
)

/** A mechanism of a module's own, offered after the server's, wherever those are. */
export interface ModuleMechanism {
  /** As IANA has it. */
  readonly name: string
  /** Whether a client that sends no initial response has nothing to say: it is not asked for one. */
  readonly isSilent?: boolean
  start(sasl: SaslContext): SaslSteps
}
export const saslMechanisms = defineCollection<ModuleMechanism>(
  'stream/sasl-mechanisms',
  'Mechanisms of modules, beside the server’s own.',
)

/** A login by XEP-0388, as a client asks for it. */
export interface LoginRequest {
  readonly host: Host
  /** The whole `<authenticate/>`. */
  readonly authenticate: Element
  readonly userAgent: UserAgent
  readonly sasl: SaslContext
}

/** A login that has succeeded, with all its tasks. */
export interface GrantedLogin extends LoginRequest {
  /** The account's bare JID. */
  readonly account: Jid
  readonly by: SessionLogin['by']
  /** How often the account's password had been changed when the login was checked. */
  readonly passwordVersion: number
}

/** What a module adds to logins by XEP-0388. */
export interface LoginExtension {
  /** What `<inline/>` announces on a connection that can be bound to `binding`. */
  readonly offer?: (binding: ChannelBindingSource | undefined) => Element | undefined
  /** Begins a mechanism of the module's own; `undefined` for one that is not, or not to be used so. */
  readonly start?: (mechanism: string, request: LoginRequest) => SaslSteps | undefined
  /** Returns what the client is told with its success. A failure is logged, and the login goes on without. */
  readonly granted?: (login: GrantedLogin) => Promise<Element | undefined>
}
export const loginExtensions = defineCollection<LoginExtension>(
  'stream/login-extensions',
  'What modules add to logins by XEP-0388.',
)

/** What a client can have done to its session while it is bound (XEP-0386). */
export interface BindFeature {
  /** Its name in the features, and the namespace of what clients ask for. */
  readonly xmlns: string
  /** Takes what the client asks for, before anybody can send to the session; returns what `<bound/>` tells of it. */
  readonly ask?: (requested: readonly Element[], session: Session) => Element | undefined
  /** Returns what `<bound/>` tells every client, once others can send to the session; until then nothing reaches the client. */
  readonly tell?: (session: Session) => Element | undefined | Promise<Element | undefined>
}
export const bindFeatures = defineCollection<BindFeature>(
  'stream/bind-features',
  'What a client can have done while its session is bound (XEP-0386).',
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
