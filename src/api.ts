/** All a module may import of the server, as `#api`. */
export type { Accounts } from './auth/accounts.ts'
export { AccountError } from './auth/accounts.ts'
export { type ConfigOf, option } from './config/option.ts'
export { Jid, JidError } from './jid/jid.ts'
export { CommandError } from './module/command.ts'
export { type Context, defineModule, type Module, type ServerFacts, soft, type Xep, xep } from './module/define.ts'
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
export {
  accountDeleting,
  flowNeeded,
  hostStopping,
  messageKept,
  messageRefused,
  type Passing,
  type PreAuthRequest,
  preAuthRequests,
  type StreamElement,
  type StreamFeature,
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
export type { OutgoingFilter, OutgoingQueue } from './session/outgoing.ts'
export type { Session } from './session/session.ts'
export type { User } from './session/user.ts'
export { dataForm, type FormField, readForm } from './stanza/data-form.ts'
export { toDatetime } from './stanza/datetime.ts'
export { delayElement, setDelay } from './stanza/delay.ts'
export { errorOf, mayBounce, resultOf } from './stanza/reply.ts'
export { drop, StanzaDrop, StanzaError } from './stanza/stanza-error.ts'
export { StreamError } from './stanza/stream-error.ts'
export { BatchFullError, BatchWriter } from './storage/batch-writer.ts'
export { type Database, isUnavailable, isUniqueViolation } from './storage/database.ts'
export type { KeyValue } from './storage/key-value.ts'
export type { Cancel, Clock } from './util/clock.ts'
export { randomId } from './util/id.ts'
export { KeyedQueue } from './util/keyed-queue.ts'
export { Lru } from './util/lru.ts'
export { ownText } from './util/own-text.ts'
export { asJson, defineSlot, type Slot, Slots } from './util/slot.ts'
export { Element, type Node, xml } from './xml/element.ts'
export { parseDocument } from './xml/parser.ts'
export { serialize, Wire } from './xml/wire.ts'
