import { CommandError, toDatetime } from '#api'

/** An outage as an admin announced it. */
export interface Outage {
  readonly planned: boolean
  /** Milliseconds since the epoch; the end is not always known. */
  readonly beginningMs: number
  readonly endMs: number | undefined
  /** What is said of it: `default`, and by language (BCP 47). */
  readonly message: Readonly<Record<string, string>>
}

/** What clients fetch to learn of outages (XEP-0455 §2.2), to be written as JSON; empty while there is none. */
export interface StatusDocument {
  readonly planned?: boolean
  readonly beginning?: string
  readonly expected_end?: string
  readonly message?: Readonly<Record<string, string>>
}

const DEFAULT = 'default'
const MAX_TEXT = 2000
const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads what an admin says of an outage: `planned` or `ongoing`; `now`, a time, or a span from now on; a time, a span from the
 * beginning on, or `unknown`; and a text.
 *
 * @throws CommandError for anything else.
 */
export function readOutage([kind, beginning, end, text]: readonly (string | undefined)[], nowMs: number): Outage {
  if (kind !== 'planned' && kind !== 'ongoing')
    throw new CommandError(`Say whether the outage is planned or ongoing, not ${kind}.`)
  const beginningMs = beginning === 'now' ? nowMs : readTime(beginning, nowMs)
  const endMs = end === 'unknown' ? undefined : readTime(end, beginningMs)
  if (endMs !== undefined && endMs <= Math.max(beginningMs, nowMs))
    throw new CommandError('The outage would be over already: it ends after it begins, and after now.')
  return { planned: kind === 'planned', beginningMs, endMs, message: { [DEFAULT]: readText(text) } }
}

/** The outage with its text in one more language. @throws CommandError for what is no language tag. */
export function translated(outage: Outage, language: string | undefined, text: string | undefined): Outage {
  if (language === undefined || !/^[a-z]{2,8}(-[a-z\d]{1,8}){0,4}$/i.test(language) || language === DEFAULT)
    throw new CommandError(`${language} is not a language, such as de or pt-BR.`)
  return { ...outage, message: { ...outage.message, [language]: readText(text) } }
}

/** XEP-0455 §2.2: "When the outage is over, the file SHOULD be replaced with an empty JSON object." */
export function documentOf(outage: Outage | undefined): StatusDocument {
  if (outage === undefined) return {}
  const { planned, beginningMs, endMs, message } = outage
  return {
    planned,
    beginning: toDatetime(beginningMs),
    ...(endMs === undefined ? {} : { expected_end: toDatetime(endMs) }),
    message,
  }
}

/** An outage in words, for those who are online. */
export function inWords({ planned, beginningMs, endMs, message }: Outage): string {
  const until = endMs === undefined ? '' : ` until ${minuteOf(endMs)}`
  return `${planned ? 'Planned outage' : 'Outage'} from ${minuteOf(beginningMs)}${until}: ${message[DEFAULT]}`
}

function minuteOf(ms: number): string {
  return `${toDatetime(ms).slice(0, 16).replace('T', ' ')} UTC`
}

function readTime(text = '', fromMs: number): number {
  const span = /^(\d{1,6})([smhd])$/.exec(text)
  if (span !== null) return fromMs + Number(span[1]) * units[span[2]!]!
  // A day without a time of day is no moment, and a time without a zone is the admin’s or the server’s.
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new CommandError(`${text} is no time: write 2027-01-31T22:00Z, or a span such as 2h.`)
  return ms
}

function readText(text = ''): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > MAX_TEXT)
    throw new CommandError(`Say something of the outage, in at most ${MAX_TEXT} characters.`)
  return trimmed
}
