import type { Counts, Meter } from '../observe/metrics.ts'
import { streamConditions } from '../stanza/stream-error.ts'

/** What a login can come to. */
const loginOutcomes = ['success', 'wrong', 'throttled', 'disabled', 'aborted', 'refused', 'unavailable'] as const
export type LoginOutcome = (typeof loginOutcomes)[number]

const families = ['scram', 'plain', 'token'] as const

/** What the streams of a server count. */
export class StreamCounts {
  readonly #logins: Counts
  readonly #errors: Counts

  constructor(meter: Meter) {
    this.#logins = meter.counter('stonechat_logins_total', 'Logins, by what they came to.', {
      mechanism: [...families, 'other'],
      outcome: loginOutcomes,
    })
    const help = 'Streams that ended with an error, by its condition.'
    this.#errors = meter.counter('stonechat_stream_errors_total', help, { condition: streamConditions })
  }

  login(mechanism: string, outcome: LoginOutcome): void {
    this.#logins.of(familyOf(mechanism), outcome).value++
  }

  error(condition: string): void {
    this.#errors.of(condition).value++
  }
}

/** A client can name any mechanism. */
function familyOf(mechanism: string): string {
  if (mechanism.startsWith('SCRAM-')) return 'scram'
  if (mechanism.startsWith('HT-')) return 'token'
  return mechanism === 'PLAIN' ? 'plain' : 'other'
}
