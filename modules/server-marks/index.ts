import { defineModule, type Element, flows, Jid, type StanzaEvent } from '#api'

export default defineModule({
  name: 'server-marks',
  summary: 'Takes out of what others send what only this server says, such as when it got a message.',
  implements: [],

  setup(ctx) {
    const { host } = ctx
    const strip = ({ stanza, from }: StanzaEvent): void => {
      // Nearly no stanza has any: it is looked through and nothing more.
      const { children } = stanza
      for (let i = children.length - 1; i >= 0; i--) {
        const child = children[i]!
        const by = typeof child === 'string' ? undefined : claimOf(child)
        if (by !== undefined && isForged(by, from)) children.splice(i, 1)
      }
    }
    /** Whether a mark claims to be of an address of this server, other than the sender’s own. */
    const isForged = (by: string, sender: Jid): boolean => {
      const jid = Jid.tryParse(by)
      return jid !== undefined && host.serves(jid.domain) && !jid.bare.equals(sender.bare)
    }
    for (const flow of [flows.message, flows.presence]) {
      ctx.flow(flow.leaving, 'shape', strip)
      // What comes from elsewhere; what this server has marked itself comes from its own addresses.
      ctx.flow(flow.arriving, 'shape', (event) => {
        if (event.origin === null && !host.serves(event.from.domain)) strip(event)
      })
    }
  },
})

/** By whom a mark says it is; `undefined` for what is no mark, or does not say. */
function claimOf({ name, attrs }: Element): string | undefined {
  switch (name) {
    case 'delay': // XEP-0203 §2
      return attrs['xmlns'] === 'urn:xmpp:delay' ? attrs['from'] : undefined
    case 'x': // XEP-0091
      return attrs['xmlns'] === 'jabber:x:delay' ? attrs['from'] : undefined
    case 'archived': // What was before XEP-0359.
      return attrs['xmlns'] === 'urn:xmpp:mam:tmp' ? attrs['by'] : undefined
  }
}
