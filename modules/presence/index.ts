import {
  defineModule,
  type Element,
  flows,
  type Jid,
  option,
  type Session,
  StanzaError,
  sessionClosed,
  streamFeatures,
  xml,
} from '#api'
import { rosterItemRemoved } from '../roster/hooks.ts'
import roster, { isSubscribed } from '../roster/index.ts'
import { Availability } from './availability.ts'
import { isSubscriptionType, Subscriptions } from './subscriptions.ts'

const NS_PRE_APPROVAL = 'urn:xmpp:features:pre-approval'

/** What other modules may ask about presence. */
export interface PresenceApi {
  /**
   * Whether a contact sees the presence of an account of this host, or is the account itself: at once when that is so and
   * the account is online, else after one query, so that the time does not tell strangers who is there. False for accounts
   * that do not exist.
   */
  isSubscriber(account: Jid, contact: Jid): boolean | Promise<boolean>
  /** Broadcasts a session's presence anew, with something in it that is the server's to say; it has to be available. */
  renew(session: Session, presence: Element): void
}

export default defineModule({
  name: 'presence',
  summary: 'Tells contacts who is there, and manages who may know.',
  implements: [],
  depends: { roster },
  options: {
    maxDirected: option
      .int()
      .min(1)
      .orOff()
      .default(1000)
      .describe('To how many addresses, such as rooms, a client can send presence of its own accord at a time.'),
    maxRequests: option
      .int()
      .min(1)
      .orOff()
      .default(500)
      .describe('How many requests to become a contact wait for the answer of one account; more are forgotten.'),
    maxRequestSize: option
      .bytes()
      .min(1)
      .orOff()
      .default('4KiB')
      .describe('Up to which size a request to become a contact is kept with its words.'),
  },

  setup(ctx): PresenceApi {
    const { host, config } = ctx
    const rosters = ctx.deps.roster
    const availability = new Availability(host, rosters, config.maxDirected)
    const subscriptions = new Subscriptions(host, rosters, availability, config)

    // RFC 6121 §3.4.1: approval in advance is understood.
    ctx.add(streamFeatures, { when: 'after-login', element: () => xml('sub', { xmlns: NS_PRE_APPROVAL }) })

    for (const flow of [flows.presence.leaving, flows.presence.arriving])
      ctx.flow(flow, 'shape', ({ stanza, type, from, to, directed }) => {
        // RFC 6121 §3.1.2: subscriptions are between accounts.
        if (!isSubscriptionType(type) || !directed) return
        stanza.attrs['from'] = from.bare.toString()
        stanza.attrs['to'] = to.bare.toString()
      })
    // In `record`, so that a stanza goes no further than what is kept of it.
    ctx.flow(flows.presence.leaving, 'record', (e) => {
      if (isSubscriptionType(e.type)) return subscriptions.leaving(e)
    })
    ctx.flow(flows.presence.arriving, 'record', (e) => {
      if (isSubscriptionType(e.type)) return subscriptions.arriving(e)
      if (e.type === 'probe' && e.to.local !== '') return availability.answerProbe(e)
      // RFC 6121 §3.1.6: the permission is with the clients before the presence that comes right behind it.
      if (e.user !== undefined) return rosters.changing(e.to.bare)?.then(() => {})
    })

    ctx.flow(flows.presence.leaving, 'deliver', (e) => {
      const { type, directed, origin } = e
      if (origin === null) return false
      // RFC 6121 §4.5.1: the end of a session is its last presence, also of what was still being looked at then.
      if (!origin.live && (type === '' || type === 'unavailable')) return true
      const stanza = e.stanza as Element
      if (directed) {
        if (type === 'probe') availability.checkProbe(origin, e)
        else if (type === '' || type === 'unavailable') availability.noteDirected(origin, e)
        return false
      }
      if (type === '') availability.announce(origin, stanza)
      else if (type === 'unavailable') availability.leave(origin, stanza)
      else if (type === 'probe') throw new StanzaError('bad-request', 'Whose presence?')
      // RFC 6120 §8.3.1: an error to nobody is answered by nobody.
      return true
    })
    ctx.flow(flows.presence.arriving, 'deliver', (e) => {
      if (e.type === 'error') availability.noteError(e)
      return e.type === 'probe' || isSubscriptionType(e.type)
    })

    ctx.on(sessionClosed, (session) => availability.end(session))
    ctx.on(rosterItemRemoved, ({ account, was }) => subscriptions.removed(account, was))

    return {
      isSubscriber(account, contact) {
        if (account.bare.equals(contact.bare)) return true
        const item = rosters.item(account, contact)
        if (item instanceof Promise) return item.then(isSubscribed)
        return isSubscribed(item) || rosters.takeTime(account, contact).then(() => false)
      },
      renew: (session, presence) => availability.announce(session, presence),
    }
  },
})
