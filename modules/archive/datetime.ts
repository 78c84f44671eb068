import { StanzaError } from '#api'

const DATETIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:Z|([+-])(\d\d):(\d\d))$/

/**
 * A moment as XEP-0082 §3.1 writes it, in ms since the epoch; with a fraction where the text has one finer than that.
 *
 * @throws StanzaError `bad-request` for any other text, and for a day or hour that does not exist.
 */
export function readDatetime(text: string): number {
  const match = DATETIME.exec(text)
  const [year, month, day, hour, minute, second] = (match?.slice(1, 7) ?? []).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (match === null || hour > 23 || minute > 59 || second > 59) throw malformed()
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // The calendar has no 30 February.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) throw malformed()
  const [, , , , , , , fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) throw malformed()
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000
  // In two parts: 0.557 × 1000 is more than 557.
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0')) + Number(`0.${fraction.slice(3)}0`)
  return date.getTime() + ms - (sign === '-' ? -offsetMs : offsetMs)
}

function malformed(): StanzaError {
  return new StanzaError('bad-request', 'A time is written like 2026-01-31T12:00:00Z.')
}
