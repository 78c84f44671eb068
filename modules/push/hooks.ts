import { defineQuestion, type Jid, type ReadonlyElement } from '#api'

export { isWorthWaking } from './worth.ts'

/** A room's message that reaches a device of an account that is in the room and has no connection at the moment. */
export interface RoomMessage {
  /** The account's bare JID. */
  readonly account: Jid
  readonly message: ReadonlyElement
}

/** Whoever knows what the account wants to be told of that room says no where it does not. */
export const wakeWanted = defineQuestion<RoomMessage, boolean>(
  'push/wake-wanted',
  true,
  'A room’s message waits for a device: does its owner want to be woken for it?',
)

/** What push offers to modules with messages that wait for accounts past their flows, such as rooms. */
export interface PushApi {
  /** Wakes the devices of an account of this host that are not there, unless the message is not worth it. Never throws. */
  wake(account: Jid, message: ReadonlyElement): void
}
