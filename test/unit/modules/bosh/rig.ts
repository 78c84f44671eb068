import { EventEmitter } from 'node:events'
import type { Answer } from '../../../../modules/bosh/answer.ts'
import { Poll } from '../../../../modules/bosh/poll.ts'
import { BoshSession } from '../../../../modules/bosh/session.ts'
import { agree } from '../../../../modules/bosh/terms.ts'
import { readWrapper } from '../../../../modules/bosh/wrapper.ts'
import type { ConnectionReceiver, Element, OutputLimits } from '../../../../src/api.ts'
import type { FakeClock } from '../../../support/fake-clock.ts'

const LIMITS = { bytes: 10_000, depth: 8, elements: 100, attributes: 32 }
const BOUNDS = { wait: 60_000, hold: 3, inactivity: 60_000, polling: 5_000, pause: 60_000 }

/** What stands for the stream of a session, and for who keeps it. */
export interface Owner {
  onStanza(element: Element): void
  onStreamEnd(): void
  onClose(reason: string): void
  onCongestion(congested: boolean): void
  onGone(): void
}

/** Numbers in [0, 1) that are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** A session without a server around it, whose first request is yet to be sent. */
export function sessionFor(
  first: string,
  clock: FakeClock,
  owner: Owner,
  output: OutputLimits = { pauseBytes: 0, dropBytes: 0, pauseMs: 0 },
): BoshSession {
  const request = readWrapper(Buffer.from(first), LIMITS)
  const terms = agree(request, BOUNDS)
  const client = { address: '192.0.2.1', secure: true }
  const session = new BoshSession(request, { terms, client, clock, output, onGone: () => owner.onGone() })
  const { connection } = session
  const reader = connection.framing.reader(
    {
      onOpen: () => {},
      onStanza: (element) => owner.onStanza(element),
      onEnd: () => owner.onStreamEnd(),
      onError: () => connection.end(5_000),
    },
    LIMITS,
  )
  const receiver: ConnectionReceiver = {
    onData: (bytes) => reader.write(bytes),
    onSecure: () => {},
    onCongestion: (congested) => owner.onCongestion(congested),
    onClose: (reason) => owner.onClose(reason),
  }
  connection.receiver = receiver
  return session
}

/** A request on its way. */
export interface Sent {
  readonly answered: Promise<Answer | undefined>
  /** Its connection is cut. */
  cut(): void
}

/** Sends a request, which is known to be one. */
export function send(session: BoshSession, text: string): Sent {
  const response = new EventEmitter()
  const poll = new Poll(response)
  session.take(readWrapper(Buffer.from(text), LIMITS), poll)
  const answered = poll.answered.then((answer) => {
    if (answer !== undefined) response.emit('close')
    return answer
  })
  return { answered, cut: () => void response.emit('close') }
}
