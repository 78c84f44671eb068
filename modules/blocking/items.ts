import { type Element, Jid, JidError, StanzaError } from '#api'

/**
 * The addresses named in a `<block/>` or `<unblock/>`, prepared.
 *
 * @throws StanzaError `bad-request` for an item without an address, `jid-malformed` for one that is none.
 */
export function readItems(request: Element): string[] {
  return request.getChildren('item').map((item) => {
    const { jid } = item.attrs
    if (jid === undefined) throw new StanzaError('bad-request', 'An item names a jid.')
    try {
      return Jid.parse(jid).toString()
    } catch (error) {
      if (error instanceof JidError) throw new StanzaError('jid-malformed', error.message)
      throw error
    }
  })
}
