import { type Element, Jid, JidError, StanzaError } from '#api'
import type { NamedItem } from './hooks.ts'

/**
 * The addresses named in a `<block/>` or `<unblock/>`, prepared.
 *
 * @throws StanzaError `bad-request` for an item without an address, `jid-malformed` for one that is none.
 */
export function readItems(request: Element): NamedItem[] {
  return request.getChildren('item').map((element) => {
    const { jid } = element.attrs
    if (jid === undefined) throw new StanzaError('bad-request', 'An item names a jid.')
    try {
      return { jid: Jid.parse(jid).toString(), element }
    } catch (error) {
      if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
      throw error
    }
  })
}
