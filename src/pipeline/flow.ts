import type { Sealed, StanzaEvent } from './stanza-event.ts'

/** What a handler of each phase is; the phases always run in this order. */
export interface Phases<E extends StanzaEvent = StanzaEvent> {
  /** Refuses by throwing; fails closed. */
  guard: (e: Sealed<E>) => void | Promise<void>
  /** Edits the stanza, synchronously; fails closed. */
  shape: (e: E) => void
  /** Persists; the phases after it wait for the promise; fails closed. */
  record: (e: Sealed<E>) => void | Promise<void>
  /** Sends more stanzas; fails open. */
  copy: (e: Sealed<E>) => void
  /** Takes the stanza when it returns true; a crash is logged and the next handler is asked. */
  deliver: (e: Sealed<E>) => boolean | Promise<boolean>
}
export type Phase = keyof Phases
export const phases: readonly Phase[] = ['guard', 'shape', 'record', 'copy', 'deliver']

/** A way a stanza takes through the modules of one side. */
export interface Flow<E extends StanzaEvent = StanzaEvent> {
  readonly kind: 'flow'
  readonly id: number
  readonly name: string
  readonly _e?: E
}

const flow = (id: number, name: string): Flow => ({ kind: 'flow', id, name })

/**
 * All flows. `leaving` is the sender's side, `arriving` the addressee's, `stranded` is for a message that nobody took.
 * IQ requests to the server or an account are answered from the IQ table; the IQ flows guard them and those between clients.
 */
export const flows = {
  message: {
    leaving: flow(0, 'message.leaving'),
    arriving: flow(1, 'message.arriving'),
    stranded: flow(2, 'message.stranded'),
  },
  presence: { leaving: flow(3, 'presence.leaving'), arriving: flow(4, 'presence.arriving') },
  iq: { leaving: flow(5, 'iq.leaving'), arriving: flow(6, 'iq.arriving') },
} as const

export const allFlows: readonly Flow[] = Object.values(flows).flatMap((group) => Object.values(group) as Flow[])
