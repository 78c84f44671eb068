import type { ReadonlyElement } from '#api'

/** The namespace of reports (XEP-0377). */
export const NS_REPORTING = 'urn:xmpp:reporting:1'
const NS_SID = 'urn:xmpp:sid:0'

/** Octets of a reason, which is a URI; characters of a text; how many texts and ids of messages are kept. */
const MAX_REASON = 255
const MAX_TEXT = 2000
const MAX_TEXTS = 5
const MAX_IDS = 50
const MAX_ID = 256
const MAX_BY = 3071

/** What a client says of an address it blocks (XEP-0377 §3). */
export interface Report {
  /** `spam`, `abuse`, or the URI of another reason. */
  readonly reason: string
  /** What the reporter wrote, by language; `''` for a text that names none. */
  readonly texts: readonly { readonly lang: string; readonly text: string }[]
  /** Which messages are meant, by their ids in archives. */
  readonly messages: readonly { readonly by: string; readonly id: string }[]
  /** XEP-0377 §4: whether the reported domain, or a third party, may be told. */
  readonly forOrigin: boolean
  readonly forThirdParty: boolean
}

/**
 * The report in an item of a `<block/>`, cut to what is kept; `undefined` where there is none, or none with a reason. A wrong
 * report is no error, since the block goes on "just as [it] would if no report were present" (XEP-0377 §5).
 */
export function readReport(item: ReadonlyElement): Report | undefined {
  const report = item.getChild('report', NS_REPORTING)
  const uri = report?.attrs['reason'] ?? ''
  if (report === undefined || uri === '' || Buffer.byteLength(uri) > MAX_REASON) return undefined
  const texts = report.getChildren('text').map((text) => ({
    lang: (text.attrs['xml:lang'] ?? '').slice(0, 35),
    text: text.getText().trim().slice(0, MAX_TEXT),
  }))
  const messages = report
    .getChildren('stanza-id', NS_SID)
    .map(({ attrs: { by = '', id = '' } }) => ({ by, id }))
    .filter(({ by, id }) => id !== '' && id.length <= MAX_ID && by.length <= MAX_BY)
  return {
    reason: nameOf(uri),
    texts: texts.filter(({ text }) => text !== '').slice(0, MAX_TEXTS),
    messages: messages.slice(0, MAX_IDS),
    forOrigin: report.getChild('report-origin') !== undefined,
    forThirdParty: report.getChild('third-party') !== undefined,
  }
}

/** XEP-0377 §3: the two reasons it defines go by their names. */
function nameOf(uri: string): string {
  return uri === 'urn:xmpp:reporting:spam' || uri === 'urn:xmpp:reporting:abuse'
    ? uri.slice(uri.lastIndexOf(':') + 1)
    : uri
}

/** The URI of a reason by the name that {@link readReport} gave it. */
export function uriOf(reason: string): string {
  return reason === 'spam' || reason === 'abuse' ? `urn:xmpp:reporting:${reason}` : reason
}

/** What a stranger wrote, as one line that does nothing to a terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
