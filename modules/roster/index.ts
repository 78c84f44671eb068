import {
  accountDeleting,
  defineModule,
  type Element,
  flows,
  type Jid,
  option,
  type Session,
  StanzaError,
  streamFeatures,
  type User,
  userLeft,
  userLoading,
  xep,
  xml,
} from '#api'
import { rosterAccess } from './hooks.ts'
import { NS_ROSTER, type RosterItem } from './item.ts'
import { readRosterSet } from './request.ts'
import type { Roster, RosterSize } from './roster.ts'
import { type RosterEdit, Rosters } from './rosters.ts'
import { RosterStore } from './store.ts'

export {
  isSubscribed,
  isWatched,
  itemElement,
  NS_ROSTER,
  type RosterItem,
  type SharedItem,
  type SharedView,
  type Subscription,
} from './item.ts'
export type { Roster, RosterSize } from './roster.ts'
export type { RosterEdit } from './rosters.ts'

const NS_VERSIONING = 'urn:xmpp:features:rosterver'

/** What other modules may ask of the rosters of a host's accounts. */
export interface RosterApi {
  /** The roster of an online user; `undefined` for a moment while the first session is being bound. */
  of(user: User): Roster | undefined
  /** What an account keeps of a contact: at once for an account that is online, else after one query. */
  item(account: Jid, contact: Jid): RosterItem | undefined | Promise<RosterItem | undefined>
  /** Costs the query that `item` costs for an account that is not online: for an answer that must not come sooner. */
  takeTime(account: Jid, contact: Jid): Promise<void>
  /** What some accounts keep of a contact, by their bare JIDs: those that are not online cost few queries together. */
  items(accounts: readonly Jid[], contact: Jid): Promise<ReadonlyMap<string, RosterItem | undefined>>
  /** The whole roster of an account: at once for an account that is online, else after one query. */
  whole(account: Jid): Roster | Promise<Roster>
  /**
   * Changes what an account keeps of a contact: `edit` gets an unlisted item when there is none, and returns it as it is to
   * change nothing. Once the change is on disk, `announce` runs, then clients are told. Rejects with what `edit` throws.
   */
  change(account: Jid, contact: Jid, edit: RosterEdit, announce?: (now: RosterItem) => void): Promise<void>
  /** The end of all changes of an account's roster that are under way; `undefined` when there are none. Never rejects. */
  changing(account: Jid): Promise<unknown> | undefined
  /** The sessions of an account that have asked for its roster ("interested resources"). */
  interested(account: Jid): Iterable<Session>
  /**
   * Refuses when an account can have no further item that clients see.
   *
   * @throws StanzaError `policy-violation`.
   */
  checkRoom(size: RosterSize): void
  /** The roster of an account as its clients see it: the payload of RFC 6121 §2.1.4. */
  list(account: Jid): Promise<Element>
  /** Does to an account's roster what the payload of a roster set says. @throws StanzaError as RFC 6121 §2.3.3 says. */
  set(account: Jid, query: Element): Promise<void>
  /** Tells the clients of an account what a contact is to it now, after a change in what `sharedContacts` answers. */
  announceShared(account: Jid, contact: Jid): void
}

export default defineModule({
  name: 'roster',
  summary: 'Keeps the contact list of each account and tells clients what is new in it.',
  implements: [xep(237, '1.3')],
  options: {
    maxItems: option.int().min(1).orOff().default(2000).describe('How many contacts an account can have.'),
    maxName: option.int().min(1).orOff().default(256).describe('How many characters the name of a contact can have.'),
    maxGroups: option.int().min(1).orOff().default(32).describe('How many groups a contact can be in.'),
    maxGroupName: option
      .int()
      .min(1)
      .orOff()
      .default(256)
      .describe('How many characters the name of a group can have.'),
    remembered: option
      .int()
      .min(1)
      .orOff()
      .default(20_000)
      .describe('How many contacts of accounts that have left are kept in memory; the others cost a query at a login.'),
  },

  setup(ctx): RosterApi {
    const { config } = ctx
    const rosters = new Rosters(ctx.host, new RosterStore(ctx.db), ctx.clock, config.remembered)
    const checkRoom = ({ listed }: RosterSize) => {
      if (config.maxItems > 0 && listed >= config.maxItems)
        throw new StanzaError('policy-violation', `A roster has at most ${config.maxItems} contacts.`)
    }

    // RFC 6121 §2.6.1: versions of rosters are understood.
    ctx.add(streamFeatures, { when: 'after-login', element: () => xml('ver', { xmlns: NS_VERSIONING }) })
    ctx.gate(userLoading, (user) => rosters.load(user))
    ctx.on(userLeft, (user) => rosters.release(user))
    ctx.gate(accountDeleting, ({ jid }) => rosters.forget(jid))
    ctx.onStop(() => rosters.idle())

    // RFC 6121 §2.1.3.
    ctx.iq('get', 'self', 'query', NS_ROSTER, (query, { origin }) => rosters.open(origin!, query.attrs['ver']))

    // RFC 6121 §2.1.5.
    const set = async (account: Jid, query: Element) => {
      const request = readRosterSet(query, account, config)
      if (request.remove) {
        // RFC 6121 §2.5.3: nothing to remove.
        if (!(await rosters.remove(account, request.jid)))
          throw new StanzaError('item-not-found', 'There is no such contact in the roster.')
        return
      }
      const { jid, name } = request
      // Clients say all groups; those that are there anyway are not the account's own.
      const shared = rosters.shared(account, jid)?.groups ?? []
      const groups = request.groups.filter((group) => !shared.includes(group))
      await rosters.change(account, jid, (was, size) => {
        if (!was.listed) checkRoom(size)
        return { ...was, listed: true, name, groups }
      })
    }
    ctx.iq('set', 'self', 'query', NS_ROSTER, (query, { from }) => set(from.bare, query))

    // RFC 6121 §2.3.3: rosters are their owners'; and nobody but the server pushes items to a client (CVE-2015-8688).
    ctx.flow(flows.iq.arriving, 'guard', ({ type, to, from, stanza }) => {
      if ((type !== 'get' && type !== 'set') || to.local === '') return
      if (stanza.getChild('query', NS_ROSTER) === undefined) return
      const isAllowed = to.resource === '' && ctx.host.hooks.ask(rosterAccess, { account: to, by: from, type })
      if (!isAllowed) throw new StanzaError('forbidden', 'A roster is its owner’s.')
    })

    return {
      of: (user) => rosters.of(user),
      item: (account, contact) => rosters.item(account, contact),
      takeTime: (account, contact) => rosters.takeTime(account, contact),
      items: (accounts, contact) => rosters.items(accounts, contact),
      whole: (account) => rosters.whole(account),
      change: (account, contact, edit, announce) => rosters.change(account, contact, edit, announce),
      changing: (account) => rosters.changing(account),
      interested: (account) => rosters.interested(account),
      checkRoom,
      list: (account) => rosters.list(account),
      set,
      announceShared: (account, contact) => rosters.announceShared(account, contact),
    }
  },
})
