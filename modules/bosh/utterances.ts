import { ownText } from '#api'
import type { Said } from './reader.ts'
import { qualified, type Wrapper } from './wrapper.ts'

/** A stream's header, as attributes. */
type Header = Readonly<Record<'from' | 'to' | 'version' | 'xml:lang', string | undefined>>

/** What a client's requests say to its stream. */
export class Utterances {
  readonly #first: number
  /** The header of the first stream, of which later ones need not repeat everything. */
  readonly #header: Header

  constructor({ attrs, rid }: Wrapper) {
    this.#first = rid
    this.#header = {
      from: own(attrs['from']),
      to: own(attrs['to']),
      // XEP-0206 §3: unless it is said.
      version: own(qualified(attrs, 'version')) ?? '1.0',
      'xml:lang': own(attrs['xml:lang']),
    }
  }

  of({ attrs, payloads, restarts, rid, terminates }: Wrapper): Said[] {
    const isFirst = rid === this.#first
    const header = this.#header
    // XEP-0124 §13: after what comes with it.
    const end: Said[] = terminates ? [{ kind: 'end' }] : []
    // XEP-0206 §5: what comes with a restart is ignored.
    if (restarts && !isFirst) {
      const { to = header.to, 'xml:lang': language = header['xml:lang'] } = attrs
      const again = { from: attrs['from'], to, version: header.version, 'xml:lang': language }
      return [{ kind: 'open', attrs: again }, ...end]
    }
    return [
      ...(isFirst ? [{ kind: 'open', attrs: header } as const] : []),
      ...payloads.map((element) => ({ kind: 'payload', element }) as const),
      ...end,
    ]
  }
}

function own(text: string | undefined): string | undefined {
  return text === undefined ? undefined : ownText(text)
}
