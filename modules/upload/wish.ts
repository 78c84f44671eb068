import { type Element, StanzaError, xml } from '#api'
import { faultOf } from './file-name.ts'
import { isMediaType } from './media-type.ts'
import { NS_PURPOSE, NS_UPLOAD } from './namespaces.ts'
import type { UploadConfig } from './options.ts'
import { maxSize } from './quota.ts'
import type { Purpose } from './store.ts'

/** The purposes that are told apart; a file for good is refused, since none is kept for good. */
export const purposes: readonly Purpose[] = ['ephemeral', 'message', 'profile']

/** A file that somebody wants to send. */
export interface Wish {
  readonly name: string
  readonly size: number
  readonly type: string | null
  readonly purpose: Purpose
  /** After this nobody is to get it; null when its owner has not said. */
  readonly keepUntilMs: number | null
}

/**
 * What a `<request/>` asks for (XEP-0363 §4).
 *
 * @throws StanzaError `bad-request` for what cannot be read, `not-acceptable` for what is not taken.
 */
export function readWish(request: Element, config: Pick<UploadConfig, 'limits'>, nowMs: number): Wish {
  const { filename, size: digits = '', 'content-type': given } = request.attrs
  if (filename === undefined) throw new StanzaError('bad-request', 'A file has a name.')
  if (!/^0*[1-9]\d{0,14}$/.test(digits)) throw new StanzaError('bad-request', 'A size is a number of bytes.')
  const fault = faultOf(filename)
  if (fault !== undefined) throw new StanzaError('not-acceptable', fault)
  // Browsers say nothing of files that they do not know.
  const type = given === undefined || given === '' ? null : given
  if (type !== null && !isMediaType(type)) throw new StanzaError('bad-request', 'The content type is none.')
  const { purpose, keepUntilMs } = readPurpose(request, nowMs)
  const size = Number(digits)
  const most = maxSize(config, purpose)
  if (most > 0 && size > most) throw tooLarge(most)
  return { name: filename, size, type, purpose, keepUntilMs }
}

function readPurpose(request: Element, nowMs: number): Pick<Wish, 'keepUntilMs' | 'purpose'> {
  const named = request.getChildElements().find(({ attrs }) => attrs['xmlns'] === NS_PURPOSE)
  if (named === undefined) return { purpose: 'message', keepUntilMs: null }
  const purpose = purposes.find((one) => one === named.name)
  if (purpose === undefined)
    throw new StanzaError('feature-not-implemented', `No files are kept for the purpose ${named.name}.`)
  if (purpose !== 'ephemeral') return { purpose, keepUntilMs: null }
  const keepUntilMs = readDatetime(named.attrs['expire-before'] ?? '')
  if (!(keepUntilMs > nowMs))
    throw new StanzaError('bad-request', 'Such a file has a time in the future at which it is over.')
  return { purpose, keepUntilMs }
}

/** A moment as XEP-0082 has it, to the second that it is in, in ms since the epoch; NaN for any other text. */
function readDatetime(text: string): number {
  const isDatetime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)
  return isDatetime ? Math.floor(Date.parse(text)) : Number.NaN
}

/** XEP-0363 §5. */
function tooLarge(most: number): StanzaError {
  const app = xml('file-too-large', { xmlns: NS_UPLOAD }, xml('max-file-size', null, String(most)))
  return new StanzaError('not-acceptable', `File too large. The maximum file size is ${most} bytes.`, { app })
}
