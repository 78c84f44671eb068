import { ownText } from '#api'
import { type Attributes, BindingError, CONTENT_TYPE } from './answer.ts'
import { readNumber, type Wrapper } from './wrapper.ts'

/** What a session may be, by the options; in milliseconds, and 0 is none. */
export interface Bounds {
  readonly wait: number
  readonly hold: number
  readonly inactivity: number
  readonly polling: number
  readonly pause: number
}

/** What client and server have agreed on; in seconds. */
export interface Terms {
  readonly wait: number
  readonly hold: number
  readonly requests: number
  readonly inactivity: number
  /** 0 when a client may ask as often as it likes. */
  readonly polling: number
  /** 0 when there are no pauses. */
  readonly maxpause: number
  /** `undefined` for clients older than versions (XEP-0124 §17.1). */
  readonly ver: string | undefined
  readonly contentType: string
  /** Whether no request is held (XEP-0124 §12). */
  readonly polls: boolean
}

/** The version of BOSH that this is. */
const VERSION: readonly [number, number] = [1, 11]

/** What an answer may be called. A browser runs none of these. */
const contentTypes = /^(?:text\/xml|application\/xml|text\/plain)(?: ?; ?charset="?utf-8"?)?$/i

/**
 * Agrees with a client on a session (XEP-0124 §7).
 *
 * @throws BindingError `bad-request`.
 */
export function agree({ attrs }: Wrapper, bounds: Bounds): Terms {
  const wait = Math.min(readNumber(attrs['wait'], 'wait') ?? Number.POSITIVE_INFINITY, seconds(bounds.wait))
  const hold = Math.min(readNumber(attrs['hold'], 'hold') ?? 1, bounds.hold)
  const polling = seconds(bounds.polling)
  const polls = wait === 0 || hold === 0
  return {
    wait,
    hold,
    // XEP-0124 §7.2: one more than are held.
    requests: hold + 1,
    // XEP-0124 §12: whoever polls may be silent for longer, by more than the time between polls.
    inactivity: seconds(bounds.inactivity) + (polls ? 2 * polling + 1 : 0),
    polling,
    maxpause: seconds(bounds.pause),
    ver: version(attrs['ver']),
    contentType: contentType(attrs['content']),
    polls,
  }
}

/** What the client is told of it (XEP-0124 §7.2). */
export function termsTold({ hold, inactivity, maxpause, polling, requests, ver, wait }: Terms): Attributes {
  return { wait, hold, requests, inactivity, polling: polling || undefined, maxpause: maxpause || undefined, ver }
}

function seconds(ms: number): number {
  return ms === 0 ? 0 : Math.max(1, Math.floor(ms / 1000))
}

/** The lower of the client's version and ours; each part is a number of its own. */
function version(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})$/.exec(text) ?? []
  if (major === undefined || minor === undefined) throw new BindingError('bad-request', 'That is no version.')
  const theirs = [Number(major), Number(minor)] as const
  const [one, other] = theirs[0] < VERSION[0] || (theirs[0] === VERSION[0] && theirs[1] < VERSION[1]) ? theirs : VERSION
  return `${one}.${other}`
}

/** XEP-0124 §7.1: answers are called what the client wants, or nothing is answered. */
function contentType(wanted: string | undefined): string {
  if (wanted === undefined) return CONTENT_TYPE
  if (!contentTypes.test(wanted)) throw new BindingError('bad-request', 'Answers are not called that here.')
  return ownText(wanted)
}
