/** All a module may import of the server, as `#api`. */
export type { AccountState, Accounts } from './auth/accounts.ts'
export { AccountError } from './auth/accounts.ts'
export { accountOf, decodeUtf8 } from './auth/identity.ts'
export { type ChannelBindingSource, type ChannelBindingType, SaslError, type SaslStep } from './auth/mechanism.ts'
export { type ConfigOf, option } from './config/option.ts'
export { serviceDomains } from './config/service-domains.ts'
export { linger } from './http/linger.ts'
export { HttpProblem, PROBLEM_TYPE, refuseUpgrade } from './http/problem.ts'
export type { HttpAccess, HttpClient, HttpReply, HttpRequest, HttpRoute, UpgradeRoute } from './http/route.ts'
export { Jid, JidError } from './jid/jid.ts'
export { foldForCollision } from './jid/prep.ts'
export {
  type CommandDeclaration,
  CommandError,
  type CommandForm,
  type CommandReply,
  type CommandRole,
  type CommandRun,
  readAddress,
} from './module/command.ts'
export {
  type Context,
  defineModule,
  type Module,
  type OptionComplaint,
  partly,
  type ServerFacts,
  soft,
  type Xep,
  xep,
} from './module/define.ts'
export type { Connection, ConnectionReceiver, Framing, StreamReader } from './net/connection.ts'
export { type Flushable, flushSoon } from './net/output-queue.ts'
export type { OutputLimits } from './net/tcp-connection.ts'
export { Networks } from './net/trusted-proxies.ts'
export type { Count, Counts, Meter, Sample } from './observe/metrics.ts'
export { type Flow, flows } from './pipeline/flow.ts'
export { Handover } from './pipeline/handover.ts'
export {
  type Collection,
  defineCollection,
  defineGate,
  defineNotice,
  defineQuestion,
  type Gate,
  type Notice,
  type Question,
} from './pipeline/hook.ts'
export type { IqHandler, IqRequest } from './pipeline/iq-table.ts'
export type { ReadonlyElement, Sealed, StanzaEvent } from './pipeline/stanza-event.ts'
export { messageTakers } from './routing/local-delivery.ts'
export { announce, headline } from './session/announcement.ts'
export { type ComponentConnection, componentConnected, requestDelegated } from './session/component-hooks.ts'
export {
  type AccountFact,
  accountCreated,
  accountDeleting,
  accountDisabled,
  accountFacts,
  type BindFeature,
  bindFeatures,
  flowNeeded,
  type GrantedLogin,
  guestAccount,
  hostStopping,
  type LoginExtension,
  type LoginRequest,
  loginExtensions,
  type ModuleMechanism,
  messageKept,
  messageRefused,
  type Passing,
  type PreAuthRequest,
  passwordChanged,
  preAuthRequests,
  type StreamElement,
  type StreamFeature,
  saslMechanisms,
  sessionClosed,
  sessionLost,
  sessionOpened,
  sessionRests,
  sessionResumed,
  streamElements,
  streamFeatures,
  type UnboundClient,
  userLeft,
  userLoading,
} from './session/hooks.ts'
export type { Host, Service } from './session/host.ts'
export { clientKey, type SessionLogin, sessionLogin, type UserAgent } from './session/login.ts'
export type { OutgoingFilter, OutgoingQueue } from './session/outgoing.ts'
export type { Session } from './session/session.ts'
export type { User } from './session/user.ts'
export { dataForm, type FormField, NS_FORMS, readForm } from './stanza/data-form.ts'
export { toDatetime } from './stanza/datetime.ts'
export { delayElement, setDelay } from './stanza/delay.ts'
export { errorOf, mayBounce, resultOf } from './stanza/reply.ts'
export { NS_RSM, noSuchPage, type PageWish, pageElement, readPage } from './stanza/result-set.ts'
export { drop, StanzaDrop, StanzaError } from './stanza/stanza-error.ts'
export { StreamError } from './stanza/stream-error.ts'
export { BatchFullError, type BatchSettings, BatchWriter } from './storage/batch-writer.ts'
export { type Database, isUnavailable, isUniqueViolation, type Transaction } from './storage/database.ts'
export type { KeyValue } from './storage/key-value.ts'
export { serverWide } from './storage/server-wide.ts'
export type { Cancel, Clock } from './util/clock.ts'
export { hmac } from './util/hmac.ts'
export { randomId } from './util/id.ts'
export { KeyedQueue } from './util/keyed-queue.ts'
export { lots } from './util/lots.ts'
export { Lru } from './util/lru.ts'
export { networkOf } from './util/network.ts'
export { ownText } from './util/own-text.ts'
export { asJson, defineSlot, type Slot, Slots } from './util/slot.ts'
export { syncFolder } from './util/sync-folder.ts'
export { readBoolean } from './xml/boolean.ts'
export { Element, escapeXML, type Node, xml } from './xml/element.ts'
export { FrameReader } from './xml/frame-reader.ts'
export { type ParserLimits, preAuthLimits } from './xml/limits.ts'
export { type ParserTarget, parseDocument, XmlError } from './xml/parser.ts'
export { serialize, standAlone, Wire } from './xml/wire.ts'
